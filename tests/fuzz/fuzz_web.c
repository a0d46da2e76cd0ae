/* SPDX-License-Identifier: Apache-2.0 */
/* A request that web tells core of, and the answer; the first byte says which. */
#include <string.h>

#include "fuzz.h"
#include "proto/local.h"
#include "proto/web.h"

static unsigned names;

static bool each(void *context, const char *name)
{
	const char *value = rn_web_query(context, name);

	/* Every name has a value, and both end within the query. */
	CHECK(value);
	names += strlen(name) + strlen(value) + 2;
	return true;
}

static void request(const uint8_t *data, size_t size)
{
	static uint8_t again[RN_LOCAL_SIZE_MAX];
	struct rn_web_request in;

	if (rn_web_request_decode(data, size, &in) < 0)
		return;
	CHECK(*rn_web_method_name(in.method) || in.method == RN_WEB_OTHER);
	names = 0;
	rn_web_query_each(&in, each, &in);
	CHECK(names >= in.query_size || in.query_size == 0 || names > 0);
	CHECK(rn_web_request_encode(&in, again, sizeof(again)) == (int)size && memcmp(again, data, size) == 0);
}

static void answer(const uint8_t *data, size_t size)
{
	static uint8_t again[RN_LOCAL_SIZE_MAX];
	struct rn_web_answer in;

	if (rn_web_answer_decode(data, size, &in) < 0)
		return;
	CHECK(rn_web_answer_encode(&in, again, sizeof(again)) == (int)size && memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > RN_LOCAL_SIZE_MAX)
		return 0;
	(data[0] & 1 ? answer : request)(data + 1, size - 1);
	return 0;
}
