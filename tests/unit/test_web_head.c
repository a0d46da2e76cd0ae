/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, hosts, origins and headers as anybody may send them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/web_head.h"
#include "proto/web_target.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_targets(void **state)
{
	static const struct {
		const char *target;
		int code;
		const char *path, *query; /* query: name=value|... */
	} cases[] = {
	    {"/", 0, "/", ""},
	    {"/api/v1/status", 0, "/api/v1/status", ""},
	    {"/a%20b%c3%a9", 0, "/a b\xc3\xa9", ""},
	    {"/?", 0, "/", ""},
	    {"/x?a=1&b=2&c", 0, "/x", "a=1|b=2|c=|"},
	    {"/x?a=1=2&&b=%26+%2b", 0, "/x", "a=1=2|b=& +|"},
	    {"/x?=1", 0, "/x", "=1|"},
	    {"/x?%3d=%3D", 0, "/x", "===|"},
	    {"", -EINVAL, NULL, NULL},
	    {"*", -EINVAL, NULL, NULL},
	    {"http://127.0.0.1/", -EINVAL, NULL, NULL},
	    {"127.0.0.1:8080", -EINVAL, NULL, NULL},
	    {"?a=1", -EINVAL, NULL, NULL},
	    {"/a b", -EINVAL, NULL, NULL},
	    {"/a\tb", -EINVAL, NULL, NULL},
	    {"/\xc3\xa9", -EINVAL, NULL, NULL},
	    {"/#top", -EINVAL, NULL, NULL},
	    {"/a?b#c", -EINVAL, NULL, NULL},
	    {"/%", -EINVAL, NULL, NULL},
	    {"/%2", -EINVAL, NULL, NULL},
	    {"/%zz", -EINVAL, NULL, NULL},
	    {"/%00", -EINVAL, NULL, NULL},
	    {"/a%0d%0ab", -EINVAL, NULL, NULL},
	    {"/x?a=%00", -EINVAL, NULL, NULL},
	    {"/x?a=%", -EINVAL, NULL, NULL},
	    {"/api%2fv1", -EINVAL, NULL, NULL},
	    {"/..", -EINVAL, NULL, NULL},
	    {"/a/../b", -EINVAL, NULL, NULL},
	    {"/a/%2e%2E/b", -EINVAL, NULL, NULL},
	    {"/a/./b", -EINVAL, NULL, NULL},
	    {"/a/..b/c.", 0, "/a/..b/c.", ""},
	    {"/0123456789012345678901234567890123456789", -EMSGSIZE, NULL, NULL},
	    {"/?01234567890123456789012345678901=1234567890", -EMSGSIZE, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[32], text[64] = "";
		uint8_t query[40];
		size_t size, values = 0;
		int code = rn_web_target(cases[i].target, path, sizeof(path), query, sizeof(query), &size);

		if (code != cases[i].code)
			fail_msg("%s: %d", cases[i].target, code);
		if (code)
			continue;
		assert_string_equal(path, cases[i].path);
		for (size_t k = 0; k < size; k++)
			snprintf(text + k, sizeof(text) - k, "%c", query[k] ? query[k] : values++ % 2 ? '|' : '=');
		assert_string_equal(text, cases[i].query);
	}
}

/* Every length of room, exactly as much as is needed: under ASan no byte beside it is touched. */
static void test_target_room(void **state)
{
	static const char target[] = "/ab%20c?d=e%26&f&g=";
	const size_t path_need = 6, query_need = 11;

	(void)state;
	for (size_t p = 0; p <= path_need; p++)
		for (size_t q = 0; q <= query_need + 2; q++) {
			char *path = malloc(p ? p : 1);
			uint8_t *query = malloc(q ? q : 1);
			size_t size;
			int code = rn_web_target(target, path, p, query, q, &size);

			if (p == path_need && q >= query_need + 1)
				assert_int_equal(code, 0);
			else if (p < path_need || q < query_need)
				assert_int_equal(code, -EMSGSIZE);
			free(path);
			free(query);
		}
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool valid, local;
	} cases[] = {
	    {"localhost", true, true},
	    {"LocalHost:8080", true, true},
	    {"127.0.0.1", true, true},
	    {"127.0.0.1:1", true, true},
	    {"127.0.0.1:", false, false},
	    {"127.0.0.1:123456", false, false},
	    {"127.0.0.1:80a", false, false},
	    {"127.0.0.1.evil.example", true, false},
	    {"127.0.0.1@evil.example", false, false},
	    {"localhost.evil.example", true, false},
	    {"evil.example", true, false},
	    {"evil.example:8443", true, false},
	    {"[::1]", true, false},
	    {"[::1]:8443", true, false},
	    {"[::1", false, false},
	    {"[]", false, false},
	    {"::1", false, false},
	    {"", false, false},
	    {"a b", false, false},
	    {"a/b", false, false},
	    {"a,b", false, false},
	    {"http://a", false, false},
	    {".a", false, false},
	    {"127.0.0.2", true, false},
	    {"127.1", true, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (rn_web_host_valid(cases[i].host) != cases[i].valid ||
		    rn_web_host_local(cases[i].host) != cases[i].local)
			fail_msg("%s", cases[i].host);
}

static void test_origins(void **state)
{
	(void)state;
	assert_true(rn_web_origin_same("https://gw.example:8443", "gw.example:8443", true));
	assert_true(rn_web_origin_same("http://127.0.0.1:8080", "127.0.0.1:8080", false));
	assert_false(rn_web_origin_same("http://gw.example:8443", "gw.example:8443", true));
	assert_false(rn_web_origin_same("https://127.0.0.1:8080", "127.0.0.1:8080", false));
	assert_false(rn_web_origin_same("http://127.0.0.1:8081", "127.0.0.1:8080", false));
	assert_false(rn_web_origin_same("null", "127.0.0.1:8080", false));
	assert_false(rn_web_origin_same("", "127.0.0.1:8080", false));
	assert_false(rn_web_origin_same("http://127.0.0.1:8080.evil.example", "127.0.0.1:8080", false));
}

struct line {
	const char *name, *value;
};

static unsigned judged_at(const char *path, const char *method, bool secure, const struct line *lines,
			  struct rn_web_request *ret)
{
	static uint8_t query[RN_WEB_QUERY_MAX];
	struct rn_web_head head = {0};

	for (; lines->name; lines++)
		rn_web_head_add(&head, lines->name, lines->value);
	return rn_web_head_judge(&head, method, path, secure, ret, query).status;
}

static unsigned judged(const char *method, bool secure, const struct line *lines, struct rn_web_request *ret)
{
	return judged_at("/api/v1/x", method, secure, lines, ret);
}
#define LINES(...) ((const struct line[]){__VA_ARGS__, {NULL, NULL}})
#define HOST                                                                                                           \
	{                                                                                                              \
		"Host", "127.0.0.1:8080"                                                                               \
	}
#define COOKIE                                                                                                         \
	{                                                                                                              \
		"Cookie", "a=b; __Host-rnaut=secret"                                                                   \
	}

static void test_heads(void **state)
{
	const struct {
		const char *method;
		bool secure;
		const struct line *lines;
		unsigned status;
	} cases[] = {
	    {"GET", false, LINES(HOST), 0},
	    {"GET", false, LINES({"X", "y"}), 400},
	    {"GET", false, LINES({"Host", "gw.example"}), 421},
	    {"GET", true, LINES({"Host", "gw.example"}), 0},
	    {"GET", true, LINES({"Host", "gw.example/"}), 400},
	    {"GET", false, LINES(HOST, {"host", "127.0.0.1"}), 400},
	    {"GET", false, LINES(HOST, {"X y", "z"}), 400},
	    {"GET", false, LINES(HOST, {"X ", "z"}), 400},
	    {"GET", false, LINES(HOST, {"", "z"}), 400},
	    {"GET", false, LINES(HOST, {"X", "a\001b"}), 400},
	    {"GET", false, LINES(HOST, {"X", "a\rb"}), 400},
	    {"GET", false, LINES(HOST, {"X", "caf\xc3\xa9\tb"}), 0},
	    {"POST", false, LINES(HOST, {"Content-Length", "5"}), 0},
	    {"POST", false, LINES(HOST, {"Content-Length", "5"}, {"Content-Length", "5"}), 400},
	    {"POST", false, LINES(HOST, {"Content-Length", "5, 5"}), 400},
	    {"POST", false, LINES(HOST, {"Content-Length", "+5"}), 400},
	    {"POST", false, LINES(HOST, {"Content-Length", "0x5"}), 400},
	    {"POST", false, LINES(HOST, {"Content-Length", ""}), 400},
	    {"POST", false, LINES(HOST, {"Content-Length", "99999999999999999999"}), 400},
	    {"POST", false, LINES(HOST, {"Content-Length", "0000000005"}), 0}, /* ten digits, and no more */
	    {"POST", false, LINES(HOST, {"Content-Length", "00000000005"}), 400},
	    {"POST", false, LINES(HOST, {"Transfer-Encoding", "chunked"}), 411},
	    {"POST", false, LINES(HOST, {"Transfer-Encoding", "identity"}, {"Content-Length", "5"}), 411},
	    {"POST", false, LINES(HOST, {"Content-Length", "65536"}), 0},
	    {"POST", false, LINES(HOST, {"Content-Length", "65537"}), 413},
	    {"POST", false, LINES(HOST, COOKIE, {"Content-Length", "1048576"}), 0},
	    {"POST", false, LINES(HOST, {"Authorization", "Bearer x"}, {"Content-Length", "1048577"}), 413},
	    {"POST", false, LINES(HOST, {"Cookie", "other=1"}, {"Content-Length", "65537"}), 413},
	    {"GET", false, LINES(HOST, COOKIE, COOKIE), 400},
	    {"GET", false, LINES(HOST, {"Cookie", "__Host-rnaut=a; __Host-rnaut=b"}), 400},
	    {"POST", false, LINES(HOST, {"Origin", "http://127.0.0.1:8080"}), 0},
	    {"POST", false, LINES(HOST, {"Origin", "http://evil.example"}), 403},
	    {"POST", false, LINES(HOST, {"Origin", "null"}), 403},
	    {"DELETE", false, LINES(HOST, {"Origin", "http://127.0.0.1"}), 403},
	    {"POST", false, LINES(HOST, {"Sec-Fetch-Site", "same-origin"}), 0},
	    {"POST", false, LINES(HOST, {"Sec-Fetch-Site", "none"}), 0},
	    {"POST", false, LINES(HOST, {"Sec-Fetch-Site", "same-site"}), 403},
	    {"OPTIONS", false, LINES(HOST, {"Sec-Fetch-Site", "cross-site"}), 403},
	    {"GET", false, LINES(HOST, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://evil.example"}), 0},
	    {"HEAD", false, LINES(HOST, {"Origin", "http://evil.example"}), 0},
	};
	struct rn_web_request request;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned status = judged(cases[i].method, cases[i].secure, cases[i].lines, &request);

		if (status != cases[i].status)
			fail_msg("case %zu: %u", i, status);
	}
}

/* A policy's text may be large, of somebody with a credential. */
static void test_large_bodies(void **state)
{
	static const struct {
		const char *path, *length;
		unsigned status, stranger;
	} cases[] = {
	    {"/api/v1/policy", "1048577", 0, 413},	{"/api/v1/policy", "35651584", 0, 413},
	    {"/api/v1/policy", "35651585", 413, 413},	{"/api/v1/policy/check?x=1", "35651584", 0, 413},
	    {"/api/v1/policies", "1048577", 413, 413},	{"/api/v1/x/policy", "1048577", 413, 413},
	    {"/api/v1/policy", "9999999999", 413, 413},
	};
	struct rn_web_request request;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct line length = {"Content-Length", cases[i].length};

		assert_int_equal(judged_at(cases[i].path, "PUT", false, LINES(HOST, COOKIE, length), &request),
				 cases[i].status);
		assert_int_equal(judged_at(cases[i].path, "PUT", false, LINES(HOST, length), &request),
				 cases[i].stranger);
	}
}

static void test_credentials(void **state)
{
	struct rn_web_request request;
	char huge[512];

	(void)state;
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(
	    judged("POST", true,
		   LINES(HOST, {"Cookie", "x__Host-rnaut=no;__Host-rnaut=yes ; b=__Host-rnaut=no"},
			 {"authorization", "bearer  token"}, {"x-rnaut-csrf", "c"}, {"Last-Event-ID", "7"}),
		   &request),
	    0);
	assert_string_equal(request.cookie, "yes");
	assert_string_equal(request.bearer, "token");
	assert_string_equal(request.csrf, "c");
	assert_string_equal(request.last_event, "7");
	assert_int_equal(request.secure, 1);
	/* What cannot be ours is no credential, and its sender is a stranger. */
	assert_int_equal(judged("GET", true, LINES(HOST, {"Authorization", "Basic x"}), &request), 0);
	assert_string_equal(request.bearer, "");
	assert_int_equal(judged("GET", true, LINES(HOST, {"X-Rnaut-Csrf", huge}, {"Last-Event-ID", huge}), &request),
			 0);
	assert_string_equal(request.csrf, "");
	assert_string_equal(request.last_event, "");
	assert_int_equal(judged("GET", true,
				LINES(HOST, {"Cookie", "__Host-rnaut=caf\xc3\xa9"}, {"Authorization", "Bearer a\tb"},
				      {"X-Rnaut-Csrf", "a\tb"}, {"Last-Event-ID", "7 8"}),
				&request),
			 0);
	assert_string_equal(request.cookie, "");
	assert_string_equal(request.bearer, "");
	assert_string_equal(request.csrf, "");
	assert_string_equal(request.last_event, "");
}

static void test_many_lines(void **state)
{
	static uint8_t query[RN_WEB_QUERY_MAX];
	struct rn_web_request request;
	struct rn_web_head head = {0};

	(void)state;
	rn_web_head_add(&head, "Host", "localhost");
	for (unsigned i = 1; i < RN_WEB_HEADERS_MAX; i++)
		rn_web_head_add(&head, "X", "y");
	assert_int_equal(rn_web_head_judge(&head, "GET", "/", false, &request, query).status, 0);
	rn_web_head_add(&head, "X", "y");
	assert_int_equal(rn_web_head_judge(&head, "GET", "/", false, &request, query).status, 431);
}

static void test_gzip(void **state)
{
	(void)state;
	assert_true(rn_web_takes_gzip("gzip, deflate, br"));
	assert_true(rn_web_takes_gzip("br;q=1.0, GZIP;q=0.8"));
	assert_true(rn_web_takes_gzip("gzip;q=0.001"));
	assert_false(rn_web_takes_gzip("gzip;q=0"));
	assert_false(rn_web_takes_gzip("gzip; q=0.000"));
	assert_false(rn_web_takes_gzip("xgzip, gzipx"));
	assert_false(rn_web_takes_gzip(""));
	assert_false(rn_web_takes_gzip(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_targets),	cmocka_unit_test(test_target_room), cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_origins),	cmocka_unit_test(test_heads),	    cmocka_unit_test(test_large_bodies),
	    cmocka_unit_test(test_credentials), cmocka_unit_test(test_many_lines),  cmocka_unit_test(test_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
