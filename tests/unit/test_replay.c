/* SPDX-License-Identifier: Apache-2.0 */
/* The replay window against the plainest model of it: a set of all counters ever taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/replay.h"

#define COUNTERS 100000u
#define REACH (RN_REPLAY_WINDOW - 64) /* how far behind the newest one is surely taken */

static bool taken[COUNTERS];

static void check(struct rn_replay *r, uint64_t counter, uint64_t *highest)
{
	bool fresh = !taken[counter] && counter + REACH > *highest;

	assert_int_equal(rn_replay_accept(r, counter), fresh);
	assert_false(rn_replay_accept(r, counter));
	taken[counter] = taken[counter] || fresh;
	if (fresh && counter > *highest)
		*highest = counter;
}

/* Steps of every size, forwards and back, around each edge of the window and of its words. */
static void test_like_a_set(void **state)
{
	struct rn_replay r;
	uint64_t highest, seed = 1;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		memset(&r, 0, sizeof(r));
		memset(taken, 0, sizeof(taken));
		highest = 0;
		check(&r, 0, &highest);
		while (highest + 4096 < COUNTERS) {
			uint64_t draw = (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33, back;

			back = draw % 3 ? draw / 3 % 80 : REACH - 3 + draw / 3 % 6;
			check(&r,
			      draw % 7 == 0    ? highest + 1 + draw / 7 % (round ? 200 : 2500)
			      : highest > back ? highest - back
					       : 0,
			      &highest);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_like_a_set)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
