/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in as an attacker tries it: links, passwords, cookies, CSRF, limits, clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "door_world.h"

#define GOOD "correct horse battery"

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

struct session {
	char cookie[64], csrf[512];
};

static struct door_answer *post(struct door *d, unsigned status, const char *body, const char *source)
{
	return door_want(
	    d, status, &(struct door_ask){.method = "POST", .path = "/api/v1/session", .body = body, .source = source});
}

/* The cookie's value, and all that must stand beside it. */
static void keep(const struct door_answer *a, struct session *s)
{
	assert_non_null(strstr(a->cookie, "; Path=/; Secure; HttpOnly; SameSite=Strict"));
	assert_null(strstr(a->cookie, "Domain"));
	assert_int_equal(sscanf(a->cookie, "__Host-rnaut=%43[A-Za-z0-9_-];", s->cookie), 1);
	assert_int_equal(strlen(s->cookie), 43);
	if (a->status == 201)
		door_member(a, "csrf", s->csrf);
}

static struct session by_link(struct door *d, const char *link)
{
	struct session s = {"", ""};
	char body[128];

	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", link);
	keep(post(d, 201, body, NULL), &s);
	return s;
}

static struct door_answer *as(struct door *d, unsigned status, const struct session *s, const char *method,
			      const char *path, const char *body)
{
	return door_want(d, status,
			 &(struct door_ask){.method = method,
					    .path = path,
					    .body = body,
					    .cookie = s->cookie,
					    .csrf = strcmp(method, "GET") ? s->csrf : NULL});
}

/* Admin with a password. */
static struct session admin(struct door *d)
{
	struct session s = by_link(d, d->w->link.link), again = {"", ""};
	char text[512];

	keep(as(d, 204, &s, "POST", "/api/v1/session/password", "{\"password\":\"" GOOD "\"}"), &again);
	door_member(as(d, 200, &again, "GET", "/api/v1/session", NULL), "csrf", again.csrf);
	assert_string_equal(door_member(as(d, 200, &again, "GET", "/api/v1/session", NULL), "has_password", text),
			    "true");
	as(d, 401, &s, "GET", "/api/v1/session", NULL); /* the one before is over */
	return again;
}

static const char *new_link(struct door *d, const struct session *s, const char *name, char out[512])
{
	char path[128];

	snprintf(path, sizeof(path), "/api/v1/accounts/%s/link", name);
	door_member(as(d, 201, s, "POST", path, "{}"), "link", out);
	assert_memory_equal(out, "/login#", 7);
	memmove(out, out + 7, strlen(out + 7) + 1);
	return out;
}

static void a_link_is_good_once(void **state)
{
	struct door *d = *state;
	char body[128];
	unsigned good = 0, refused = 0, limited = 0;

	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", d->w->link.link);
	for (unsigned i = 0; i < 100; i++) {
		char source[32];
		uint64_t s;
		const struct door_answer *a;

		snprintf(source, sizeof(source), "198.51.100.%u", i + 1);
		s = door_begin(d, &(struct door_ask){.method = "POST", .path = "/api/v1/session", .source = source},
			       (uint32_t)strlen(body));
		a = &d->answers[s];
		assert_true(door_body(d, s, body, strlen(body) - 1)); /* all but the last byte: they are parallel */
		assert_false(a->answered);
	}
	for (uint64_t s = 1; s <= 100; s++) {
		assert_true(door_body(d, s, body + strlen(body) - 1, 1));
		good += d->answers[s].status == 201;
		refused += d->answers[s].status == 401;
		limited += d->answers[s].status == 429;
	}
	assert_int_equal(good, 1);
	assert_int_equal(refused, 99);
	assert_int_equal(limited, 0);
	door_restart(d);
	post(d, 401, body, "203.0.113.1");
}

static void a_link_ends(void **state)
{
	struct door *d = *state;
	struct session s = admin(d);
	char link[512], older[512], body[600];

	new_link(d, &s, "admin", older);
	new_link(d, &s, "admin", link);
	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", older);
	post(d, 401, body, NULL); /* a newer one took its place */
	d->w->begun += 3599;
	s = by_link(d, link);
	new_link(d, &s, "admin", link);
	d->w->begun += 3600;
	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", link);
	post(d, 401, body, NULL);
	/* A clock that is set back makes no old link young. */
	new_link(d, &s, "admin", link);
	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", link);
	d->w->begun -= 400;
	post(d, 401, body, NULL);
	d->w->begun += 400;
	by_link(d, link);
}

static void wrong_links_are_all_alike(void **state)
{
	static const char *const wrong[] = {"{\"link\":\"\"}", "{\"link\":\"AAAA\"}",
					    "{\"link\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
					    "{\"link\":\"/login#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"};
	struct door *d = *state;
	char first[400] = "";

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct door_answer *a = post(d, 401, wrong[i], NULL);

		if (first[0])
			assert_string_equal(a->text, first);
		snprintf(first, sizeof(first), "%s", a->text);
		assert_string_equal(a->cookie, "");
	}
	post(d, 400, "{\"link\":7}", NULL);
	post(d, 400, "{\"link\":\"x\",\"account\":\"admin\"}", NULL);
	post(d, 400, "{\"account\":\"admin\"}", NULL);
	post(d, 400, "{}", NULL);
	post(d, 400, "{\"account\":\"admin\",\"password\":\"x\",\"role\":\"admin\"}", NULL);
}

static void passwords(void **state)
{
	struct door *d = *state;
	struct session s = admin(d), other = {"", ""};
	struct door_answer *a;
	char text[512];

	keep(post(d, 201, "{\"account\":\"admin\",\"password\":\"" GOOD "\"}", NULL), &other);
	assert_string_not_equal(other.cookie, s.cookie);
	assert_string_not_equal(other.csrf, s.csrf);
	/* Wrong, of nobody, empty, of a name that is none: one answer. */
	a = post(d, 401, "{\"account\":\"admin\",\"password\":\"wrong\"}", "192.0.2.1");
	snprintf(text, sizeof(text), "%s", a->text);
	d->w->now_ms += 1000;
	assert_string_equal(post(d, 401, "{\"account\":\"eve\",\"password\":\"wrong\"}", "192.0.2.2")->text, text);
	assert_string_equal(post(d, 401, "{\"account\":\"../x\",\"password\":\"wrong\"}", "192.0.2.3")->text, text);
	assert_string_equal(post(d, 401, "{\"account\":\"admin\",\"password\":\"\"}", "192.0.2.4")->text, text);
	/* To change it one knows it, though one has the session. */
	d->w->now_ms += 1000;
	as(d, 400, &s, "POST", "/api/v1/session/password", "{\"password\":\"another good password\"}");
	as(d, 403, &s, "POST", "/api/v1/session/password",
	   "{\"password\":\"another good password\",\"current\":\"wrong\"}");
	as(d, 400, &s, "POST", "/api/v1/session/password", "{\"password\":\"elevenchars\",\"current\":\"" GOOD "\"}");
	d->w->now_ms += 1000;
	keep(as(d, 204, &s, "POST", "/api/v1/session/password",
		"{\"password\":\"\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc123\",\"current\":\"" GOOD
		"\"}"),
	     &s);
	as(d, 401, &other, "GET", "/api/v1/session", NULL);
	d->w->now_ms += 1000;
	post(d, 401, "{\"account\":\"admin\",\"password\":\"" GOOD "\"}", "192.0.2.9");
	post(d, 201,
	     "{\"account\":\"admin\",\"password\":\"\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc123\"}",
	     "192.0.2.10");
}

static void guessing_is_slow(void **state)
{
	struct door *d = *state;
	struct session s = admin(d);
	struct door_answer *a;
	unsigned tried = 0;

	d->w->now_ms += 60000;
	/* Of one account from many places. */
	for (unsigned i = 0; i < 20; i++) {
		char source[32];

		snprintf(source, sizeof(source), "198.51.100.%u", i + 100);
		d->w->now_ms += 300;
		a = door_ask(d, &(struct door_ask){.method = "POST",
						   .path = "/api/v1/session",
						   .source = source,
						   .body = "{\"account\":\"admin\",\"password\":\"guess\"}"});
		tried += a->status == 401;
		if (a->status == 429)
			assert_true(a->retry_after >= 1 && a->retry_after <= 60);
		door_leave(d, d->session);
	}
	assert_int_equal(tried, 5);
	/* Also the right one waits now; who is in stays in; a link opens still. */
	post(d, 429, "{\"account\":\"admin\",\"password\":\"" GOOD "\"}", "192.0.2.1");
	as(d, 200, &s, "GET", "/api/v1/session", NULL);
	d->w->now_ms += 60000;
	post(d, 201, "{\"account\":\"admin\",\"password\":\"" GOOD "\"}", "192.0.2.1");
	/* Many accounts from one place: an IPv6 /64 is one. */
	tried = 0;
	for (unsigned i = 0; i < 20; i++) {
		char body[128], source[64];

		snprintf(body, sizeof(body), "{\"account\":\"a%u\",\"password\":\"guess\"}", i);
		snprintf(source, sizeof(source), "2001:db8:1:2::%x", i + 1);
		d->w->now_ms += 300;
		a = door_ask(
		    d, &(struct door_ask){.method = "POST", .path = "/api/v1/session", .source = source, .body = body});
		tried += a->status == 401;
		door_leave(d, d->session);
	}
	assert_int_equal(tried, 5);
	/* Links are guesses too. */
	tried = 0;
	for (unsigned i = 0; i < 20; i++) {
		a = door_ask(d, &(struct door_ask){.method = "POST",
						   .path = "/api/v1/session",
						   .source = "203.0.113.77",
						   .body = "{\"link\":\"AAAA\"}"});
		tried += a->status == 401;
		door_leave(d, d->session);
	}
	assert_int_equal(tried, 5);
}

/* A flood of sign-ins from everywhere: four Argon2id a second, and everybody else is served meanwhile. */
static void a_flood_costs_four_hashes_a_second(void **state)
{
	struct door *d = *state;
	struct session s = admin(d);
	unsigned tried = 0;

	d->w->now_ms += 2000;
	for (unsigned i = 0; i < 1000; i++) {
		char body[128], source[32];
		struct door_answer *a;

		snprintf(body, sizeof(body), "{\"account\":\"u%u\",\"password\":\"guess\"}", i);
		snprintf(source, sizeof(source), "10.%u.%u.1", i / 200, i % 200);
		d->w->now_ms += 2;
		a = door_ask(
		    d, &(struct door_ask){.method = "POST", .path = "/api/v1/session", .source = source, .body = body});
		tried += a->status == 401;
		door_leave(d, d->session);
	}
	assert_true(tried >= 8 && tried <= 12);
	as(d, 200, &s, "GET", "/api/v1/status", NULL);
}

static void csrf(void **state)
{
	struct door *d = *state;
	struct session s = by_link(d, d->w->link.link), none = s, wrong = s, other;
	char link[512];

	other = by_link(d, new_link(d, &s, "admin", link));
	none.csrf[0] = 0;
	wrong.csrf[0] ^= 1;
	as(d, 200, &none, "GET", "/api/v1/status", NULL);
	as(d, 403, &none, "POST", "/api/v1/tokens", "{\"client_type\":\"iot\"}");
	as(d, 403, &wrong, "POST", "/api/v1/tokens", "{\"client_type\":\"iot\"}");
	wrong = s;
	wrong.csrf[42] = 0;
	as(d, 403, &wrong, "POST", "/api/v1/tokens", "{\"client_type\":\"iot\"}");
	snprintf(wrong.csrf, sizeof(wrong.csrf), "%s", other.csrf); /* of another session */
	as(d, 403, &wrong, "DELETE", "/api/v1/session", NULL);
	snprintf(wrong.csrf, sizeof(wrong.csrf), "%s", s.cookie); /* the cookie is not it */
	as(d, 403, &wrong, "DELETE", "/api/v1/session", NULL);
	as(d, 201, &s, "POST", "/api/v1/tokens", "{\"client_type\":\"iot\"}");
}

/* What a browser brought along before signing in never becomes a session, and what it had ends. */
static void fixation(void **state)
{
	struct door *d = *state;
	struct session s = by_link(d, d->w->link.link), planted = {"", ""}, got = {"", ""};
	char link[512], body[600];

	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", new_link(d, &s, "admin", link));
	memset(planted.cookie, 'A', 43);
	keep(door_want(d, 201,
		       &(struct door_ask){
			   .method = "POST", .path = "/api/v1/session", .body = body, .cookie = planted.cookie}),
	     &got);
	assert_string_not_equal(got.cookie, planted.cookie);
	as(d, 401, &planted, "GET", "/api/v1/session", NULL);
	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", new_link(d, &s, "admin", link));
	keep(door_want(
		 d, 201,
		 &(struct door_ask){.method = "POST", .path = "/api/v1/session", .body = body, .cookie = s.cookie}),
	     &got);
	as(d, 401, &s, "GET", "/api/v1/session", NULL);
	as(d, 200, &got, "GET", "/api/v1/session", NULL);
}

static void sessions_end(void **state)
{
	struct door *d = *state;
	struct session s = by_link(d, d->w->link.link), t;
	char link[512];
	struct door_answer *a;

	/* Idle for less than 8 hours, again and again, up to seven days. */
	for (unsigned i = 0; i < 20; i++) {
		d->w->begun += 8 * 3600 - 1;
		as(d, 200, &s, "GET", "/api/v1/status", NULL);
	}
	d->w->begun += 30;
	t = by_link(d, new_link(d, &s, "admin", link));
	d->w->begun += 8 * 3600 - 1;
	as(d, 401, &s, "GET", "/api/v1/status", NULL); /* 7 days are over */
	as(d, 200, &t, "GET", "/api/v1/status", NULL);
	door_restart(d); /* sessions outlive core */
	as(d, 200, &t, "GET", "/api/v1/status", NULL);
	new_link(d, &t, "admin", link);
	d->w->begun += 8 * 3600;
	as(d, 401, &t, "GET", "/api/v1/status", NULL);
	d->w->begun -= 8 * 3600;
	t = by_link(d, link);
	d->w->begun -= 1000; /* the clock goes back to before it was made */
	as(d, 401, &t, "GET", "/api/v1/status", NULL);
	d->w->begun += 1000;
	a = as(d, 204, &t, "DELETE", "/api/v1/session", NULL);
	assert_non_null(strstr(a->cookie, "__Host-rnaut=; Max-Age=0;"));
	assert_int_equal(a->size, 0);
	as(d, 401, &t, "GET", "/api/v1/status", NULL);
	as(d, 401, &t, "DELETE", "/api/v1/session", NULL);
}

static void too_many_sessions_push_out_the_oldest(void **state)
{
	struct door *d = *state;
	struct session all[20];
	char link[512];

	all[0] = by_link(d, d->w->link.link);
	for (unsigned i = 1; i < 17; i++) {
		d->w->begun += 60;
		all[i] = by_link(d, new_link(d, &all[i - 1], "admin", link));
	}
	as(d, 401, &all[0], "GET", "/api/v1/status", NULL);
	as(d, 200, &all[1], "GET", "/api/v1/status", NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_link_is_good_once),
	    T(a_link_ends),
	    T(wrong_links_are_all_alike),
	    T(passwords),
	    T(guessing_is_slow),
	    T(a_flood_costs_four_hashes_a_second),
	    T(csrf),
	    T(fixation),
	    T(sessions_end),
	    T(too_many_sessions_push_out_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
