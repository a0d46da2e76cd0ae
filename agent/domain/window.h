/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_WINDOW_H
#define RN_DOMAIN_WINDOW_H

#include <stdint.h>

/* A stretch of time: from <= t < until, in Unix seconds. */
struct rn_window {
	int64_t from, until;
};

#endif
