/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be connected and until when, under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sys/http_guard.h"

static const struct rn_http_limits limits = {.connections_max = 8,
					     .source_max = 3,
					     .handshake_ms = 100,
					     .header_ms = 200,
					     .idle_ms = 1000,
					     .body_ms = 300,
					     .body_rate = 1000,
					     .answer_ms = 400};

static struct rn_addr address(const char *text)
{
	struct rn_addr a;

	assert_int_equal(rn_addr_parse(text, &a), 0);
	return a;
}

static struct rn_http_link *add(struct rn_http_guard *guard, const char *from, enum rn_http_phase phase, int64_t now)
{
	struct rn_http_link *link = calloc(1, sizeof(*link));
	struct rn_addr a = address(from);

	assert_true(rn_http_guard_add(guard, link, &a, phase, now));
	return link;
}

static void take_away(struct rn_http_guard *guard, struct rn_http_link *link)
{
	rn_http_guard_remove(guard, link);
	free(link);
}

static void empty(struct rn_http_guard *guard)
{
	while (guard->oldest)
		take_away(guard, guard->oldest);
	assert_null(guard->newest);
	assert_null(guard->sources);
	assert_int_equal(guard->connections, 0);
}

static void test_deadlines(void **state)
{
	static const struct {
		enum rn_http_phase phase;
		int64_t ends; /* INT64_MAX: never */
	} cases[] = {
	    {RN_HTTP_HANDSHAKE, 100},	{RN_HTTP_HEADER, 200}, {RN_HTTP_BODY, 300},  {RN_HTTP_WAITING, INT64_MAX},
	    {RN_HTTP_QUIET, INT64_MAX}, {RN_HTTP_ANSWER, 400}, {RN_HTTP_IDLE, 1000},
	};
	struct rn_http_guard guard = {.limits = limits};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rn_http_link *link = add(&guard, "192.0.2.1", RN_HTTP_HEADER, 0);

		rn_http_guard_enter(&guard, link, cases[i].phase, 5000);
		if (cases[i].ends == INT64_MAX) {
			assert_null(rn_http_guard_overdue(&guard, INT64_MAX - 1));
		} else {
			assert_null(rn_http_guard_overdue(&guard, 5000 + cases[i].ends - 1));
			assert_ptr_equal(rn_http_guard_overdue(&guard, 5000 + cases[i].ends), link);
			rn_http_guard_doom(&guard, link);
			assert_null(rn_http_guard_overdue(&guard, INT64_MAX - 1));
		}
		take_away(&guard, link);
	}
	empty(&guard);
}

/* Bytes earn time at the rate, and not more: a byte now and then does not keep the connection. */
static void test_body_rate(void **state)
{
	struct rn_http_guard guard = {.limits = limits};
	struct rn_http_link *slow = add(&guard, "192.0.2.1", RN_HTTP_BODY, 0),
			    *fast = add(&guard, "192.0.2.2", RN_HTTP_BODY, 0);

	(void)state;
	for (int64_t now = 10; now < 10000; now += 10) {
		rn_http_guard_received(&guard, fast, 20);
		if (now % 50 == 0)
			rn_http_guard_received(&guard, slow, 1);
		assert_true(rn_http_guard_overdue(&guard, now) != fast);
	}
	assert_true(slow->deadline < 600);
	assert_true(fast->deadline > 10000);
	/* A byte a phase before counts for nothing in the next. */
	rn_http_guard_enter(&guard, fast, RN_HTTP_BODY, 20000);
	assert_int_equal(fast->deadline, 20300);
	empty(&guard);
}

static void test_sources(void **state)
{
	static const char *const same[] = {"2001:db8:1:2::1", "2001:db8:1:2:ffff::1", "2001:db8:1:2:8000::"};
	struct rn_http_guard guard = {.limits = limits};
	struct rn_addr a;

	(void)state;
	for (int i = 0; i < 3; i++) {
		add(&guard, same[i], RN_HTTP_HEADER, 0);
		add(&guard, "192.0.2.1", RN_HTTP_HEADER, 0);
	}
	a = address("2001:db8:1:2::99");
	assert_false(rn_http_guard_allows(&guard, &a));
	a = address("192.0.2.1");
	assert_false(rn_http_guard_allows(&guard, &a));
	a = address("2001:db8:1:3::99");
	assert_true(rn_http_guard_allows(&guard, &a));
	a = address("192.0.2.2"); /* not a /64: each address is its own */
	assert_true(rn_http_guard_allows(&guard, &a));
	/* A doomed one still counts for its source until it is gone. */
	rn_http_guard_doom(&guard, guard.oldest);
	a = address("2001:db8:1:2::99");
	assert_false(rn_http_guard_allows(&guard, &a));
	take_away(&guard, guard.oldest);
	assert_true(rn_http_guard_allows(&guard, &a));
	empty(&guard);
}

static void fill_up(struct rn_http_guard *guard, enum rn_http_phase phase)
{
	char from[32];

	for (unsigned i = guard->connections; i <= limits.connections_max; i++) {
		snprintf(from, sizeof(from), "198.51.100.%u", i);
		add(guard, from, phase, 0);
	}
}

static void test_victims(void **state)
{
	struct rn_http_guard guard = {.limits = limits};
	struct rn_http_link *proven, *second, *third, *newcomer;

	(void)state;
	guard.limits.source_max = 8;
	proven = add(&guard, "192.0.2.1", RN_HTTP_IDLE, 0);
	proven->proven = true;
	second = add(&guard, "192.0.2.2", RN_HTTP_ANSWER, 0);
	third = add(&guard, "192.0.2.3", RN_HTTP_HANDSHAKE, 0);
	assert_null(rn_http_guard_victim(&guard));
	fill_up(&guard, RN_HTTP_ANSWER);
	/* The oldest that proved nothing, whatever it is doing; never who has just come, while there are others. */
	assert_ptr_equal(rn_http_guard_victim(&guard), second);
	rn_http_guard_doom(&guard, second);
	newcomer = add(&guard, "192.0.2.9", RN_HTTP_HANDSHAKE, 0);
	assert_ptr_equal(rn_http_guard_victim(&guard), third);
	/* Before it the oldest of a source that has many. */
	take_away(&guard, newcomer);
	take_away(&guard, guard.newest);
	take_away(&guard, guard.newest);
	newcomer = add(&guard, "198.51.100.4", RN_HTTP_ANSWER, 0);
	add(&guard, "198.51.100.4", RN_HTTP_ANSWER, 0);
	add(&guard, "198.51.100.4", RN_HTTP_ANSWER, 0);
	assert_true(rn_http_guard_victim(&guard) != third);
	assert_ptr_equal(rn_http_guard_victim(&guard)->source, newcomer->source);
	/* Where all others are known, the newcomer is refused; where he is too, nobody is sent away. */
	for (struct rn_http_link *l = guard.oldest; l; l = l->next)
		l->proven = true;
	newcomer = add(&guard, "192.0.2.10", RN_HTTP_HANDSHAKE, 0);
	assert_ptr_equal(rn_http_guard_victim(&guard), newcomer);
	newcomer->proven = true;
	assert_null(rn_http_guard_victim(&guard));
	empty(&guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_deadlines),
	    cmocka_unit_test(test_body_rate),
	    cmocka_unit_test(test_sources),
	    cmocka_unit_test(test_victims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
