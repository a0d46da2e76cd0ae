/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_INTERESTS_H
#define RN_SERVICE_CORE_INTERESTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The devices of other hubs that one receiver has to do with: their records go on coming, and none of anybody else's.
 * Where there are more than fit, who has been one for longest goes; if it is still spoken to, it is asked for again.
 */
#define RN_INTERESTS_MAX 4096
struct rn_interests;

struct rn_interests *rn_interests_new(void);				/* NULL: out of memory */
void rn_interests_free(struct rn_interests *set);			/* NULL is legal */
bool rn_interests_has(const struct rn_interests *set, uint32_t device); /* NULL: nobody */
/* 0, or -ENOMEM and nothing has changed. *ret_gone: who went for it, 0: nobody. */
int rn_interests_add(struct rn_interests *set, uint32_t device, uint32_t *ret_gone);
void rn_interests_remove(struct rn_interests *set, uint32_t device);
unsigned rn_interests_count(const struct rn_interests *set); /* NULL: 0 */

#endif
