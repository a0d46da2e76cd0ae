/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_WORLDS_H
#define RN_TESTS_BPF_WORLDS_H

#include "world.h"

/* For cmocka: a hub's door and a node's, for a group of tests. */
extern struct world *hub, *node;
int worlds_open(void **state);
int worlds_close(void **state);
int worlds_reset(void **state); /* before each test */

#endif
