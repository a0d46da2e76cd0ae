/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_STORE_WORLD_H
#define RN_TESTS_STORE_WORLD_H

#include "sys/store.h"

struct fixture {
	char dir[64], path[96];
	struct rn_store *store;
	struct rn_err err;
};
/* For cmocka: a directory for a store; an empty store there; and the end of either, with all that SQLite laid beside it. */
int store_place(void **state);
int store_begin(void **state);
int store_end(void **state);

#endif
