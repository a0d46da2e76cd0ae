/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/session_internal.h"
#include "session_world.h"

#define SESSIONS 100

static void nowhere(void *context, const struct rn_endpoint *to, const uint8_t *datagram, size_t size)
{
	(void)context, (void)to, (void)datagram, (void)size;
}

static void nothing(void *context, const struct rn_session_event *event)
{
	(void)context, (void)event;
}

/* Whom the heap has first, and that each is where it believes to be, is as a look at all of them says. */
static void check(const struct rn_sessions *s, struct rn_session *const *all)
{
	int64_t first = INT64_MAX;
	uint32_t scheduled = 0;

	for (int i = 0; i < SESSIONS; i++) {
		first = all[i]->deadline < first ? all[i]->deadline : first;
		scheduled += all[i]->deadline != INT64_MAX;
		assert_true(all[i]->heap_at ? s->heap[all[i]->heap_at - 1] == all[i] : all[i]->deadline == INT64_MAX);
	}
	assert_int_equal(s->heap_size, scheduled);
	for (uint32_t i = 1; i < s->heap_size; i++)
		assert_true(s->heap[(i - 1) / 2]->deadline <= s->heap[i]->deadline);
	if (scheduled)
		assert_int_equal(s->heap[0]->deadline, first);
}

static void test_the_next_deadline_is_the_first_of_all(void **state)
{
	struct rn_sessions_config config = {.sessions_max = SESSIONS, .send = nowhere, .event = nothing};
	struct rn_sessions *s = rn_sessions_new(&config);
	struct rn_session *all[SESSIONS];
	struct rn_endpoint endpoint = {0};
	struct world *w = world_new(7);

	(void)state;
	for (int i = 0; i < SESSIONS; i++)
		assert_non_null(all[i] = rn_session_new(s, 0, s->static_public, &endpoint));
	for (int i = 0; i < 20000; i++) {
		uint64_t chance = world_random();

		/* often equal ones, and some that have none any more */
		rn_session_schedule(s, all[chance % SESSIONS],
				    chance >> 32 & 7 ? (int64_t)(chance >> 40 & 255) : INT64_MAX);
		check(s, all);
	}
	world_free(w);
	rn_sessions_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_next_deadline_is_the_first_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
