/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6298's timeout within this protocol's bounds, and the window of RFC 9002 section 7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/rtt.h"
#include "proto/wire.h"

static struct rn_rtt measured(int64_t smoothed, int64_t variation)
{
	return (struct rn_rtt){.known = true, .smoothed = smoothed, .variation = variation};
}

/* (2.1) and (2.2): one second until something is known; then the first sample and half of it. */
static void test_first_sample(void **state)
{
	struct rn_rtt t;

	(void)state;
	rn_rtt_init(&t);
	assert_int_equal(rn_rtt_timeout(&t), 1000);
	rn_rtt_sample(&t, -1); /* a clock that went back teaches nothing */
	assert_false(t.known);
	assert_int_equal(rn_rtt_timeout(&t), 1000);
	rn_rtt_sample(&t, 0); /* within a millisecond is a round trip */
	assert_true(t.known);
	rn_rtt_init(&t);
	rn_rtt_sample(&t, 300);
	assert_int_equal(t.smoothed, 300);
	assert_int_equal(t.variation, 150);
	assert_int_equal(rn_rtt_timeout(&t), 900);
}

/* (2.3): a quarter of the new error, taken before the smoothed time moves, and an eighth of the new sample. */
static void test_next_samples(void **state)
{
	struct rn_rtt t = measured(800, 400);

	(void)state;
	rn_rtt_sample(&t, 1600);
	assert_int_equal(t.variation, (3 * 400 + 800) / 4);
	assert_int_equal(t.smoothed, (7 * 800 + 1600) / 8);
	t = measured(800, 400);
	rn_rtt_sample(&t, 80);
	assert_int_equal(t.variation, (3 * 400 + 720) / 4);
	assert_int_equal(t.smoothed, (7 * 800 + 80) / 8);
	t = measured(800, 400);
	rn_rtt_sample(&t, -1);
	assert_int_equal(t.smoothed, 800);
	assert_int_equal(t.variation, 400);
}

/* (2.4), (2.5) with this protocol's bounds; (5.5): doubled each time it runs out, (5.7) until something arrives. */
static void test_bounds_and_backoff(void **state)
{
	struct rn_rtt t = measured(10, 5);
	int i;

	(void)state;
	assert_int_equal(rn_rtt_timeout(&t), 200);
	t = measured(100, 25);
	assert_int_equal(rn_rtt_timeout(&t), 200);
	t = measured(101, 25);
	assert_int_equal(rn_rtt_timeout(&t), 201);
	for (i = 1; i <= 4; i++) {
		rn_rtt_expired(&t);
		assert_int_equal(rn_rtt_timeout(&t), 201 << i);
	}
	rn_rtt_expired(&t);
	assert_int_equal(rn_rtt_timeout(&t), 4000);
	rn_rtt_progress(&t);
	assert_int_equal(rn_rtt_timeout(&t), 201);
	/* doubled from the least timeout, not from what was measured */
	t = measured(10, 5);
	rn_rtt_expired(&t);
	assert_int_equal(rn_rtt_timeout(&t), 400);
	t = measured(60000, 0);
	assert_int_equal(rn_rtt_timeout(&t), 4000);
}

/* A peer that is silent for ever must not shift the timeout out of its type. */
static void test_backoff_ends(void **state)
{
	struct rn_rtt t;
	int i;

	(void)state;
	rn_rtt_init(&t);
	for (i = 0; i < 1000; i++) {
		rn_rtt_expired(&t);
		assert_int_equal(rn_rtt_timeout(&t), i ? 4000 : 2000);
	}
	assert_int_equal(t.backoff, 6);
}

/* 7.3.1: each acknowledged fragment opens the window by one below the threshold, which is the whole window at first. */
static void test_slow_start(void **state)
{
	struct rn_congestion c;
	unsigned i;

	(void)state;
	rn_congestion_init(&c);
	assert_int_equal(c.window, 4);
	for (i = 5; i <= 32; i++) {
		rn_congestion_acked(&c);
		assert_int_equal(c.window, i);
	}
	for (i = 0; i < 1000; i++)
		rn_congestion_acked(&c);
	assert_int_equal(c.window, 32); /* what the other end keeps out of order */
	assert_int_equal(c.credit, 0);
}

/* 7.3.2: a loss halves it, then a whole window must arrive for one more. */
static void test_avoidance(void **state)
{
	struct rn_congestion c = {.window = 16, .threshold = 32, .credit = 3};
	unsigned window, i;

	(void)state;
	rn_congestion_lost(&c, 7, 20);
	assert_int_equal(c.window, 8);
	assert_int_equal(c.threshold, 8);
	assert_int_equal(c.credit, 0);
	for (window = 8; window < 12; window++) {
		for (i = 0; i < window; i++) {
			assert_int_equal(c.window, window);
			rn_congestion_acked(&c);
		}
	}
	assert_int_equal(c.window, 12);
	assert_int_equal(c.credit, 0);
}

/* 7.3.2: what was sent before the answer to a loss is part of the same loss. */
static void test_one_answer_to_a_loss(void **state)
{
	struct rn_congestion c = {.window = 32, .threshold = 32};

	(void)state;
	rn_congestion_lost(&c, 0, 20);
	assert_int_equal(c.window, 16);
	rn_congestion_lost(&c, 19, 25);
	assert_int_equal(c.window, 16);
	rn_congestion_lost(&c, 20, 25);
	assert_int_equal(c.window, 8);
	rn_congestion_lost(&c, 24, 25);
	assert_int_equal(c.window, 8);
	rn_congestion_lost(&c, 25, 30);
	rn_congestion_lost(&c, 30, 31);
	rn_congestion_lost(&c, 31, 32);
	assert_int_equal(c.window, 2); /* 7.2: never below */
	assert_int_equal(c.threshold, 2);
}

/* 7.6.2: after a timeout from the least window on, up to half of what it was. */
static void test_expired(void **state)
{
	struct rn_congestion c = {.window = 20, .threshold = 32};
	unsigned i;

	(void)state;
	rn_congestion_expired(&c, 40);
	assert_int_equal(c.window, 2);
	assert_int_equal(c.threshold, 10);
	rn_congestion_lost(&c, 39, 41); /* answered already */
	assert_int_equal(c.threshold, 10);
	for (i = 0; i < 8; i++)
		rn_congestion_acked(&c);
	assert_int_equal(c.window, 10);
	rn_congestion_acked(&c);
	assert_int_equal(c.window, 10);
	c.window = 5; /* half of it, rounded down */
	rn_congestion_expired(&c, 50);
	assert_int_equal(c.threshold, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_sample),	 cmocka_unit_test(test_next_samples),
	    cmocka_unit_test(test_bounds_and_backoff),	 cmocka_unit_test(test_backoff_ends),
	    cmocka_unit_test(test_slow_start),		 cmocka_unit_test(test_avoidance),
	    cmocka_unit_test(test_one_answer_to_a_loss), cmocka_unit_test(test_expired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
