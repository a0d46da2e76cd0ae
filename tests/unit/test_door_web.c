/* SPDX-License-Identifier: Apache-2.0 */
/* What web may say to core, and what it gets when it says something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "door_world.h"

static int setup(void **state)
{
	*state = door_new();
	return 0;
}

static int teardown(void **state)
{
	door_free(*state);
	return 0;
}

static void strangers_get_health_and_nothing_else(void **state)
{
	struct door *d = *state;
	char text[512];
	struct door_answer *a = door_want(d, 503, &(struct door_ask){.method = "GET", .path = "/api/v1/health"});

	assert_string_equal(a->type, "application/json");
	assert_string_equal(door_member(a, "status", text), "degraded"); /* this world's kern enforces nothing */
	assert_string_equal(a->text, "{\"status\":\"degraded\"}");
	door_want(d, 401, &(struct door_ask){.method = "GET", .path = "/api/v1/status"});
	door_want(d, 401, &(struct door_ask){.method = "POST", .path = "/api/v1/link"});
	door_want(d, 404, &(struct door_ask){.method = "GET", .path = "/api/v1/nothing"});
	a = door_want(d, 405, &(struct door_ask){.method = "DELETE", .path = "/api/v1/status"});
	assert_string_equal(a->allow, "GET");
	door_want(d, 405, &(struct door_ask){.method = "BREW", .path = "/api/v1/status"});
	door_want(d, 400, &(struct door_ask){.method = "GET", .path = "/api/v1/health", .query = "x=1"});
}

/* A stranger's body is not waited for: the answer comes before it. */
static void strangers_bodies_are_not_kept(void **state)
{
	struct door *d = *state;
	static char big[RN_WEB_PIECE_MAX];
	uint64_t s = door_begin(d, &(struct door_ask){.method = "PUT", .path = "/api/v1/policy", .cookie = "guess"},
				RN_WEB_BODY_MAX);

	assert_int_equal(d->answers[s].status, 401);
	for (unsigned i = 0; i < RN_WEB_BODY_MAX / sizeof(big); i++)
		assert_true(door_body(d, s, big, sizeof(big)));
	assert_false(door_body(d, s, big, 1)); /* one byte more than it said */
	assert_true(door_leave(d, s));
	s = door_begin(d, &(struct door_ask){.method = "GET", .path = "/api/v1/health"}, RN_WEB_STRANGER_BODY_MAX + 1);
	assert_int_equal(d->answers[s].status, 413);
	assert_true(door_leave(d, s));
	s = door_begin(d, &(struct door_ask){.method = "GET", .path = "/api/v1/health"}, 10);
	assert_false(d->answers[s].answered);
	assert_true(door_body(d, s, "12345", 5));
	assert_false(door_body(d, s, "123456", 6));
	assert_false(door_body(d, s, "", 0));
	assert_true(door_body(d, s, "67890", 5));
	assert_int_equal(d->answers[s].status, 400);
	assert_true(door_leave(d, s));
}

static void nonsense_is_refused(void **state)
{
	struct door *d = *state;
	struct rn_local strange[] = {
	    {.type = RN_LOCAL_WEB_BODY, .session = 77, .block = (const uint8_t *)"x", .block_size = 1},
	    {.type = RN_LOCAL_WEB_CREDIT, .session = 77, .number = 1},
	    {.type = RN_LOCAL_WEB_GONE, .session = 77},
	    {.type = RN_LOCAL_WEB_ANSWER, .session = 77},
	    {.type = RN_LOCAL_WEB_PIECE, .session = 77},
	    {.type = RN_LOCAL_WEB_REQUEST, .session = 78, .block = (const uint8_t *)"x", .block_size = 1},
	    {.type = RN_LOCAL_KERN_HELLO},
	    {.type = RN_LOCAL_CA_ANSWER},
	    {.type = RN_LOCAL_NET_HELLO},
	};
	struct door_ask health = {.method = "GET", .path = "/api/v1/health"};
	uint64_t s;

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		assert_false(door_say(d, &strange[i]));
	assert_true(door_say(d, &(struct rn_local){.type = RN_LOCAL_WEB_HELLO}));
	d->session = 100;
	s = door_begin(d, &health, 0);
	/* More credit than was taken. */
	assert_false(door_say(
	    d,
	    &(struct rn_local){.type = RN_LOCAL_WEB_CREDIT, .session = s, .number = (uint32_t)d->answers[s].size + 1}));
	assert_true(door_say(
	    d, &(struct rn_local){.type = RN_LOCAL_WEB_CREDIT, .session = s, .number = (uint32_t)d->answers[s].size}));
	assert_true(door_leave(d, s));
	assert_false(door_leave(d, s));
}

/* A session that was used, or one of before it. */
static void sessions_rise(void **state)
{
	struct door *d = *state;
	struct rn_web_request head = {.method = RN_WEB_GET, .path = "/api/v1/health"};
	uint8_t block[512];
	struct rn_local message = {.type = RN_LOCAL_WEB_REQUEST, .session = 5, .block = block};

	message.block_size = (size_t)rn_web_request_encode(&head, block, sizeof(block));
	assert_true(door_say(d, &message));
	assert_false(door_say(d, &message));
	message.session = 4;
	assert_false(door_say(d, &message));
	assert_true(door_leave(d, 5));
	message.session = 5;
	assert_false(door_say(d, &message));
	/* web begins anew. */
	world_disconnect(&d->w->hosts[0], RN_CORE_WEB);
	world_connect(&d->w->hosts[0], RN_CORE_WEB);
	message.session = 1;
	memset(&d->answers[1], 0, sizeof(d->answers[1]));
	assert_true(door_say(d, &message));
	assert_int_equal(d->answers[1].status, 503);
}

static void requests_are_counted(void **state)
{
	struct door *d = *state;
	struct rn_web_request head = {.method = RN_WEB_GET, .path = "/api/v1/health", .body_size = 1};
	struct rn_local message = {.type = RN_LOCAL_WEB_REQUEST, .session = 1000};
	uint8_t block[512];

	for (unsigned i = 0; i < RN_WEB_REQUESTS_MAX; i++)
		door_begin(d, &(struct door_ask){.method = "GET", .path = "/api/v1/health"}, 1);
	message.block_size = (size_t)rn_web_request_encode(&head, block, sizeof(block));
	message.block = block;
	assert_false(door_say(d, &message));
	/* It dies: everything of it is freed (ASan looks), and the next finds all of its room. */
	world_disconnect(&d->w->hosts[0], RN_CORE_WEB);
	world_connect(&d->w->hosts[0], RN_CORE_WEB);
	for (unsigned i = 0; i < RN_WEB_REQUESTS_MAX; i++)
		door_begin(d, &(struct door_ask){.method = "GET", .path = "/api/v1/health"}, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(strangers_get_health_and_nothing_else, setup, teardown),
	    cmocka_unit_test_setup_teardown(strangers_bodies_are_not_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(sessions_rise, setup, teardown),
	    cmocka_unit_test_setup_teardown(requests_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
