/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/web.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rn_web_request sample(void)
{
	static const char query[] = "after\0"
				    "7\0"
				    "latest\0";

	return (struct rn_web_request){
	    .method = RN_WEB_PUT,
	    .secure = 1,
	    .path = "/api/v1/policy",
	    .cookie = "c",
	    .bearer = "b",
	    .csrf = "x",
	    .last_event = "12",
	    .source = {{{1}}, 443},
	    .body_size = 99,
	    .query = (const uint8_t *)query,
	    .query_size = sizeof(query), /* the literal's own NUL ends the empty value */
	};
}

static void a_request_comes_back(void **state)
{
	struct rn_web_request in = sample(), out;
	uint8_t data[4096];
	int size = rn_web_request_encode(&in, data, sizeof(data));

	(void)state;
	assert_true(size > 0);
	assert_int_equal(rn_web_request_decode(data, (size_t)size, &out), 0);
	assert_string_equal(out.path, in.path);
	assert_int_equal(out.method, in.method);
	assert_int_equal(out.body_size, 99);
	assert_string_equal(rn_web_query(&out, "after"), "7");
	assert_string_equal(rn_web_query(&out, "latest"), "");
	assert_null(rn_web_query(&out, "7"));
	for (int cut = 0; cut < size; cut++)
		assert_int_equal(rn_web_request_decode(data, (size_t)cut, &out), -EBADMSG);
}

static void an_answer_comes_back(void **state)
{
	struct rn_web_answer in = {.status = 405, .body_size = 3, .type = "text/plain", .allow = "GET", .cookie = "k"},
			     out;
	uint8_t data[1024];
	int size = rn_web_answer_encode(&in, data, sizeof(data));

	(void)state;
	assert_true(size > 0);
	assert_int_equal(rn_web_answer_decode(data, (size_t)size, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	data[0] = data[1] = 0;
	assert_int_equal(rn_web_answer_decode(data, (size_t)size, &out), -EBADMSG);
}

static void refuse(struct rn_web_request request)
{
	struct rn_web_request out;
	uint8_t data[4096];
	int size = rn_web_request_encode(&request, data, sizeof(data));

	assert_true(size > 0);
	assert_int_equal(rn_web_request_decode(data, (size_t)size, &out), -EBADMSG);
}

static void nonsense_is_refused(void **state)
{
	struct rn_web_request request = sample();

	(void)state;
	request.method = 0;
	refuse(request);
	request = sample();
	request.method = RN_WEB_OTHER + 1;
	refuse(request);
	request = sample();
	request.secure = 2;
	refuse(request);
	request = sample();
	request.query_size--; /* a value that does not end */
	refuse(request);
	request = sample();
	request.query_size = 6; /* a name without a value */
	refuse(request);
	request = sample();
	request.query = (const uint8_t *)"a\0b\0c"; /* a pair, and a name that does not end */
	request.query_size = 5;
	refuse(request);
}

static void methods_have_names(void **state)
{
	(void)state;
	assert_int_equal(rn_web_method("DELETE"), RN_WEB_DELETE);
	assert_int_equal(rn_web_method("get"), RN_WEB_OTHER);
	assert_int_equal(rn_web_method(""), RN_WEB_OTHER);
	assert_string_equal(rn_web_method_name(RN_WEB_PATCH), "PATCH");
	assert_string_equal(rn_web_method_name(0), "");
	assert_string_equal(rn_web_method_name(200), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_comes_back),
	    cmocka_unit_test(an_answer_comes_back),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(methods_have_names),
	};

	return cmocka_run_group_tests_name("web_codec", tests, NULL, NULL);
}
