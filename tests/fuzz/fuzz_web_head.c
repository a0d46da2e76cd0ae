/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP request as anybody may send it: lines of "method target", then "name: value". What is let through
 * is sound in every part, whatever the rest said.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/local.h"
#include "proto/web_head.h"
#include "proto/web_target.h"

static bool plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void let_through(const struct rn_web_head *head, const struct rn_web_request *request, bool secure)
{
	static uint8_t data[RN_LOCAL_SIZE_MAX];
	struct rn_web_request decoded;
	int size = rn_web_request_encode(request, data, sizeof(data));

	CHECK(request->path[0] == '/' && plain(request->path) && !strstr(request->path, "/../"));
	CHECK(plain(request->cookie) && plain(request->bearer) && plain(request->csrf) && plain(request->last_event));
	CHECK(!head->broken && !head->more && head->host && rn_web_host_valid(head->host));
	CHECK(secure || rn_web_host_local(head->host));
	CHECK(request->body_size <= (rn_web_takes_large(request->path) ? RN_WEB_LARGE_BODY_MAX : RN_WEB_BODY_MAX));
	CHECK(size > 0 && rn_web_request_decode(data, (size_t)size, &decoded) == 0);
}

static char *next(char **rest, const char *ends)
{
	char *word = *rest ? strsep(rest, ends) : NULL;

	return word ? word : *rest ? *rest : (char *)"";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[RN_WEB_QUERY_MAX];
	struct rn_web_head head = {0};
	struct rn_web_request request;
	char *text, *rest, *line, *method, *target;
	bool secure;

	if (size < 1)
		return 0;
	secure = data[0] & 1;
	text = fuzz_text(data + 1, size - 1);
	rest = text;
	line = next(&rest, "\n");
	method = next(&line, " ");
	target = line ? line : (char *)"";
	while (rest) {
		char *value = next(&rest, "\n"), *name = next(&value, ":");

		rn_web_head_add(&head, name, value ? value : "");
	}
	memset(&request, 0, sizeof(request));
	request.source.port = 1;
	if (rn_web_head_judge(&head, method, target, secure, &request, room).status == 0)
		let_through(&head, &request, secure);
	if (head.accept_encoding)
		rn_web_takes_gzip(head.accept_encoding);
	free(text);
	return 0;
}
