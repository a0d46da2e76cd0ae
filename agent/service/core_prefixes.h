/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_PREFIXES_H
#define RN_SERVICE_CORE_PREFIXES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* The prefixes that a policy names, with their selectors' numbers. */
struct rn_named_prefix {
	struct rn_prefix prefix;
	uint32_t number;
};
struct rn_prefixes {
	struct rn_named_prefix *list;
	uint32_t count, room;
	bool sorted;
};

int rn_prefixes_add(struct rn_prefixes *p, const struct rn_prefix *prefix, uint32_t number); /* 0 or -ENOMEM */
/* Adds those of another; what both have stands twice then. 0 or -ENOMEM. */
int rn_prefixes_join(struct rn_prefixes *p, const struct rn_prefixes *other);
/* Calls for each that the address is in; each returns 0 or what ends the walk and is returned. */
int rn_prefixes_of(struct rn_prefixes *p, const struct rn_addr *address, int (*each)(void *context, uint32_t number),
		   void *context);
void rn_prefixes_done(struct rn_prefixes *p);

#endif
