/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_CLOSED_H
#define RN_SYS_CLOSED_H

#include <stdint.h>

#include "base/err.h"

/*
 * A filter that drops everything, both ways: what an interface carries whose own filters are not there. It is not
 * pinned, and goes with the interface.
 */
struct rn_closed;

/* Loads the program. -EPERM and others as the kernel says, with a sentence. */
int rn_closed_new(struct rn_closed **ret, struct rn_err *err);
void rn_closed_free(struct rn_closed *c); /* what is attached stays. NULL is legal */

/* Puts it on, in place of a filter of ours that is there. 0 or -errno with a sentence. */
int rn_closed_attach(struct rn_closed *c, uint32_t ifindex, struct rn_err *err);
/* 1: both directions have it; 0: not; -ENODEV: no such interface; -errno. */
int rn_closed_in_place(struct rn_closed *c, uint32_t ifindex);

#endif
