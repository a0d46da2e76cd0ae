/* SPDX-License-Identifier: Apache-2.0 */
/* What each role may, tokens of programs, and answers under web's credit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/router.h"
#include "door_world.h"
#include "service/core_accounts.h"

struct fixture {
	struct door *d;
	struct rn_core_api_token ids[4];
	char tokens[4][RN_API_TOKEN_TEXT]; /* by role */
};

static struct rn_core *core_of(struct fixture *f)
{
	return f->d->w->hosts[0].core;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rn_err err = {""};

	assert_non_null(f);
	f->d = door_new();
	for (enum rn_access role = RN_ACCESS_VIEWER; role <= RN_ACCESS_ADMIN; role++)
		assert_int_equal(rn_core_api_token_create(core_of(f), rn_access_name(role), role, 3600, &f->ids[role],
							  f->tokens[role], &err),
				 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	door_free(f->d);
	free(f);
	return 0;
}

static struct door_answer *as(struct fixture *f, enum rn_access role, unsigned status, const char *method,
			      const char *path, const char *body)
{
	return door_want(f->d, status,
			 &(struct door_ask){.method = method, .path = path, .body = body, .bearer = f->tokens[role]});
}

/* Every route of the table, as everybody: refused where the role is too low, and only there. */
static void each_route_as_each_role(void **state)
{
	struct fixture *f = *state;
	unsigned count, checked = 0;
	const struct rn_route *routes = rn_api_routes(&count);

	for (unsigned i = 0; i < count; i++)
		for (enum rn_access role = RN_ACCESS_NONE; role <= RN_ACCESS_ADMIN; role++) {
			const struct rn_route *r = &routes[i];
			bool hole = strchr(r->path, '{') != NULL, low = role < r->access;
			char path[128];
			struct door_answer *a;

			snprintf(path, sizeof(path), "%.*snone%s", (int)strcspn(r->path, "{"), r->path,
				 hole ? strchr(r->path, '}') + 1 : "");
			a = door_ask(f->d, &(struct door_ask){.method = r->method,
							      .path = hole ? path : r->path,
							      .bearer = f->tokens[role]});
			assert_true(a->answered);
			if (low)
				assert_int_equal(a->status, role ? 403 : 401);
			else if (strcmp(r->method, "DELETE") || hole)
				assert_true(a->status != 401 && a->status != 403);
			assert_true(door_leave(f->d, f->d->session));
			checked++;
		}
	assert_true(checked == 4 * count && count > 30);
}

static void tokens_end(void **state)
{
	struct fixture *f = *state;
	char path[64], spoiled[RN_API_TOKEN_TEXT];

	for (size_t i = 0; f->tokens[3][i]; i++) {
		memcpy(spoiled, f->tokens[3], sizeof(spoiled));
		spoiled[i] = spoiled[i] == 'A' ? 'Q' : 'A';
		door_want(f->d, 401,
			  &(struct door_ask){.method = "GET", .path = "/api/v1/accounts", .bearer = spoiled});
	}
	snprintf(path, sizeof(path), "/api/v1/api-tokens/%s", f->ids[RN_ACCESS_VIEWER].id);
	as(f, RN_ACCESS_OPERATOR, 403, "DELETE", path, NULL);
	as(f, RN_ACCESS_ADMIN, 204, "DELETE", path, NULL);
	as(f, RN_ACCESS_ADMIN, 404, "DELETE", path, NULL);
	as(f, RN_ACCESS_VIEWER, 401, "GET", "/api/v1/status", NULL);
	f->d->w->begun += 3599;
	as(f, RN_ACCESS_ADMIN, 200, "GET", "/api/v1/status", NULL);
	f->d->w->begun += 1;
	as(f, RN_ACCESS_ADMIN, 401, "GET", "/api/v1/status", NULL);
	f->d->w->begun -= 4000; /* a clock that is set back does not bring it back to life */
	as(f, RN_ACCESS_ADMIN, 401, "GET", "/api/v1/status", NULL);
}

/* What was let in with its head and is not any more when its body is there. */
static void a_slow_body_outlives_nobody(void **state)
{
	struct fixture *f = *state;
	struct rn_err err = {""};
	const char *body = "{\"client_type\":\"iot\"}";
	uint64_t s = door_begin(
	    f->d,
	    &(struct door_ask){.method = "POST", .path = "/api/v1/tokens", .bearer = f->tokens[RN_ACCESS_OPERATOR]},
	    (uint32_t)strlen(body));

	assert_int_equal(rn_core_api_token_delete(core_of(f), f->ids[RN_ACCESS_OPERATOR].id, &err), 0);
	assert_true(door_body(f->d, s, body, strlen(body)));
	assert_int_equal(f->d->answers[s].status, 401);
}

static void the_last_admin_stays(void **state)
{
	struct fixture *f = *state;
	char text[512];
	struct door_answer *a;

	a = as(f, RN_ACCESS_ADMIN, 409, "POST", "/api/v1/accounts/admin/role", "{\"role\":\"viewer\"}");
	assert_non_null(strstr(a->text, "last_admin"));
	as(f, RN_ACCESS_ADMIN, 409, "DELETE", "/api/v1/accounts/admin", NULL);
	as(f, RN_ACCESS_ADMIN, 200, "POST", "/api/v1/accounts/admin/role", "{\"role\":\"admin\"}");
	as(f, RN_ACCESS_ADMIN, 201, "POST", "/api/v1/accounts", "{\"account\":\"eve\",\"role\":\"admin\"}");
	as(f, RN_ACCESS_ADMIN, 200, "POST", "/api/v1/accounts/admin/role", "{\"role\":\"viewer\"}");
	as(f, RN_ACCESS_ADMIN, 409, "DELETE", "/api/v1/accounts/eve", NULL);
	a = as(f, RN_ACCESS_ADMIN, 200, "GET", "/api/v1/events", NULL);
	assert_non_null(strstr(a->text, "\"actor\":\"token admin\",\"what\":\"account role\",\"object\":\"admin\""));
	door_member(a, "next", text);
}

/* Core sends a window's worth and waits; what web gives back goes out, and not a byte more. */
static void answers_wait_for_credit(void **state)
{
	struct fixture *f = *state;
	struct door *d = f->d;
	char *policy = malloc(600000);
	struct door_answer *a;
	size_t at = 0, given = RN_WEB_WINDOW;

	assert_non_null(policy);
	/* A quarter of a megabyte of tabs in a comment, each two bytes of JSON. */
	at = (size_t)snprintf(policy, 600000, "{\"text\":\"// ");
	for (unsigned i = 0; i < 250000; i++, at += 2)
		memcpy(policy + at, "\\t", 2);
	snprintf(policy + at, 600000 - at, "\\n{\\\"rules\\\": []}\"}");
	a = door_ask(
	    d, &(struct door_ask){
		   .method = "PUT", .path = "/api/v1/policy", .body = policy, .bearer = f->tokens[RN_ACCESS_ADMIN]});
	if (a->status != 200)
		fail_msg("%u %.200s", a->status, a->text);
	door_leave(d, d->session);
	d->no_credit = true;
	a = door_ask(
	    d, &(struct door_ask){.method = "GET", .path = "/api/v1/policy", .bearer = f->tokens[RN_ACCESS_VIEWER]});
	assert_int_equal(a->size, given);
	assert_false(a->ended);
	while (!a->ended) {
		struct rn_local credit = {.type = RN_LOCAL_WEB_CREDIT, .session = d->session, .number = 1000};

		assert_true(door_say(d, &credit));
		given = given + 1000 < a->expected ? given + 1000 : a->expected;
		assert_int_equal(a->size, given);
	}
	assert_int_equal(a->size, a->expected);
	assert_true(door_leave(d, d->session));
	/* web's queue is full: nothing goes out until it has room. */
	d->w->hosts[0].not_ready = 1;
	a = door_ask(
	    d, &(struct door_ask){.method = "GET", .path = "/api/v1/policy", .bearer = f->tokens[RN_ACCESS_VIEWER]});
	assert_int_equal(a->size, 0);
	rn_core_ready(core_of(f), RN_CORE_WEB);
	assert_int_equal(a->size, RN_WEB_WINDOW);
	assert_true(door_leave(d, d->session)); /* in the middle of it */
	free(policy);
}

static void streams_end_with_their_session(void **state)
{
	struct fixture *f = *state;
	struct rn_err err = {""};
	struct door_answer *a = door_ask(
	    f->d,
	    &(struct door_ask){.method = "GET", .path = "/api/v1/flows/stream", .bearer = f->tokens[RN_ACCESS_VIEWER]});

	assert_int_equal(a->status, 200);
	assert_true(a->stream && !a->ended && a->size > 0);
	assert_int_equal(rn_core_api_token_delete(core_of(f), f->ids[RN_ACCESS_VIEWER].id, &err), 0);
	for (unsigned i = 0; i < 2 && !a->ended; i++)
		door_run_loop(f->d, 5100);
	assert_true(a->ended);
	assert_true(door_leave(f->d, f->d->session));
	/* One that leaves by itself. */
	a = door_ask(f->d, &(struct door_ask){
			       .method = "GET", .path = "/api/v1/flows/stream", .bearer = f->tokens[RN_ACCESS_ADMIN]});
	assert_int_equal(a->status, 200);
	assert_true(door_leave(f->d, f->d->session));
}

/* web dies while core waits for hubs: the answer goes nowhere, and nothing leaks. */
static void gone_before_the_answer(void **state)
{
	struct fixture *f = *state;
	struct door *d = f->d;
	const char *body = "{\"client_type\":\"iot\",\"name\":\"x\",\"wireguard_public_key\":"
			   "\"QmFzZTY0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM=\"}";
	uint64_t s;

	d->w->hosts[0].kern_silent = true;
	s = door_begin(
	    d, &(struct door_ask){.method = "POST", .path = "/api/v1/devices", .bearer = f->tokens[RN_ACCESS_OPERATOR]},
	    (uint32_t)strlen(body));
	assert_true(door_body(d, s, body, strlen(body)));
	assert_false(d->answers[s].answered);
	assert_true(door_leave(d, s));
	world_wait(d->w, 4000);
	assert_false(d->answers[s].answered);
	s = door_begin(d, &(struct door_ask){.method = "GET", .path = "/api/v1/health"}, 5);
	world_disconnect(&d->w->hosts[0], RN_CORE_WEB);
	world_connect(&d->w->hosts[0], RN_CORE_WEB);
}

static uint64_t begin_as(struct fixture *f, enum rn_access role, const char *path, size_t size)
{
	return door_begin(f->d,
			  &(struct door_ask){.method = "POST", .path = path, .bearer = f->tokens[role]},
			  (uint32_t)size);
}

static uint64_t begin_large(struct fixture *f, const char *path, size_t size)
{
	return begin_as(f, RN_ACCESS_OPERATOR, path, size);
}

/* All but the last byte of {"text": "   ..."}. */
static void send_most(struct door *d, uint64_t s, size_t size)
{
	static char spaces[RN_WEB_PIECE_MAX];
	const char begin[] = "{\"text\": \"";

	memset(spaces, ' ', sizeof(spaces));
	assert_true(door_body(d, s, begin, sizeof(begin) - 1));
	for (size_t left = size - sizeof(begin) + 1 - 3; left;) {
		size_t piece = left < sizeof(spaces) ? left : sizeof(spaces);

		assert_true(door_body(d, s, spaces, piece));
		left -= piece;
	}
	if (!d->answers[s].answered)
		assert_true(door_body(d, s, "\"}", 2));
}

/* Texts of policies may be large: two at a time, beside which everybody else goes on; a third is to come again. */
static void large_bodies(void **state)
{
	const char *check = "/api/v1/policy/check";
	struct fixture *f = *state;
	struct door *d = f->d;
	uint64_t s[3];

	for (unsigned i = 0; i < 3; i++) {
		s[i] = begin_large(f, check, RN_WEB_LARGE_BODY_MAX);
		send_most(d, s[i], RN_WEB_LARGE_BODY_MAX);
		assert_int_equal(d->answers[s[i]].answered, i == 2);
		as(f, RN_ACCESS_VIEWER, 200, "POST", check, "{\"text\": \"\"}");
	}
	assert_int_equal(d->answers[s[2]].status, 503);
	assert_true(door_leave(d, s[2]));
	assert_true(door_body(d, s[0], " ", 1));
	assert_int_equal(d->answers[s[0]].status, 200);
	assert_non_null(strstr(d->answers[s[0]].text, "\"valid\":false"));
	assert_true(door_leave(d, s[0]));
	/* Its memory is free again, and so is that of one that leaves. */
	s[2] = begin_large(f, check, RN_WEB_LARGE_BODY_MAX);
	send_most(d, s[2], RN_WEB_LARGE_BODY_MAX);
	assert_false(d->answers[s[2]].answered);
	assert_true(door_leave(d, s[1]));
	assert_true(door_body(d, s[2], " ", 1));
	assert_int_equal(d->answers[s[2]].status, 200);
	assert_true(door_leave(d, s[2]));
	/* Elsewhere, and one byte more, nobody waits for it. */
	s[0] = begin_large(f, check, RN_WEB_LARGE_BODY_MAX + 1);
	assert_int_equal(d->answers[s[0]].status, 413);
	assert_true(door_leave(d, s[0]));
	s[0] = begin_large(f, "/api/v1/explain", RN_WEB_BODY_MAX + 1);
	assert_int_equal(d->answers[s[0]].status, 413);
	assert_true(door_leave(d, s[0]));
}

/* Who may only look sends a small one, and of a larger one hears so before it comes. */
static void large_bodies_are_for_operators(void **state)
{
	static const char *const paths[] = {"/api/v1/policy/check", "/api/v1/policy/replay"};
	struct fixture *f = *state;
	struct door *d = f->d;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t s = begin_as(f, RN_ACCESS_VIEWER, paths[i], RN_WEB_BODY_MAX + 1);

		assert_int_equal(d->answers[s].status, 413);
		assert_non_null(strstr(d->answers[s].text, "a larger policy takes the role operator"));
		assert_true(door_leave(d, s));
		s = begin_as(f, RN_ACCESS_VIEWER, paths[i], RN_WEB_BODY_MAX);
		send_most(d, s, RN_WEB_BODY_MAX);
		assert_false(d->answers[s].answered);
		assert_true(door_leave(d, s));
		for (enum rn_access role = RN_ACCESS_OPERATOR; role <= RN_ACCESS_ADMIN; role++) {
			s = begin_as(f, role, paths[i], RN_WEB_LARGE_BODY_MAX);
			assert_false(d->answers[s].answered);
			assert_true(door_leave(d, s));
		}
	}
}

/* A damaged store, or one that somebody wrote into: a session or a token of no time is over, or not yet begun. */
static void times_of_no_clock(void **state)
{
	static const struct {
		int64_t created, used;
		unsigned session, token;
	} table[] = {
	    {INT64_MIN, INT64_MIN, 401, 200}, {INT64_MIN, INT64_MAX, 401, 200}, {INT64_MAX, INT64_MIN, 401, 401},
	    {INT64_MAX, INT64_MAX, 401, 401}, {0, INT64_MIN, 401, 200},
	};
	struct fixture *f = *state;
	struct rn_store *store = core_of(f)->books.store;
	struct rn_err err = {""};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rn_store_entry session = {
		    .account.number = 1, .created = table[i].created, .until = table[i].used};
		struct rn_store_api_token token = {
		    .role = RN_ACCESS_ADMIN, .created = table[i].created, .expires = INT64_MAX};
		char secret[RN_SECRET_TEXT], bearer[RN_API_TOKEN_TEXT];

		snprintf(token.id, sizeof(token.id), "%016x", i);
		snprintf(token.name, sizeof(token.name), "t%u", i);
		rn_secret_make(secret, token.hash);
		memcpy(session.hash, token.hash, sizeof(session.hash));
		snprintf(bearer, sizeof(bearer), "rna1.%s.%s", token.id, secret);
		assert_int_equal(rn_store_add_session(store, &session, &err), 0);
		assert_int_equal(rn_store_add_api_token(store, &token, &err), 0);
		assert_int_equal(rn_store_touch_api_token(store, token.id, table[i].used, &err), 0);
		door_want(f->d, table[i].session,
			  &(struct door_ask){.method = "GET", .path = "/api/v1/session", .cookie = secret});
		door_want(f->d, table[i].token,
			  &(struct door_ask){.method = "GET", .path = "/api/v1/status", .bearer = bearer});
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(each_route_as_each_role),	    T(tokens_end),
	    T(a_slow_body_outlives_nobody), T(the_last_admin_stays),
	    T(answers_wait_for_credit),	    T(streams_end_with_their_session),
	    T(gone_before_the_answer),	    T(large_bodies),
	    T(large_bodies_are_for_operators), T(times_of_no_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
