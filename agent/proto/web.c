/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/web.h"

#include <errno.h>
#include <string.h>

#include "proto/fields.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ASK(kind, member) RN_FIELD_AT(struct rn_web_request, kind, member)
#define SAY(kind, member) RN_FIELD_AT(struct rn_web_answer, kind, member)

static const struct rn_field request_fields[] = {
    ASK(U8, method),	   ASK(U8, secure),
    ASK(TEXT, path),	   ASK(TEXT, cookie),
    ASK(TEXT, bearer),	   ASK(TEXT, csrf),
    ASK(TEXT, last_event), ASK(ENDPOINT, source),
    ASK(U32, body_size),   RN_FIELD_VIEW(struct rn_web_request, BLOCK, query, RN_WEB_QUERY_MAX),
};
static const struct rn_field answer_fields[] = {
    SAY(U16, status), SAY(U8, stream),	SAY(U32, body_size), SAY(U32, retry_after),
    SAY(TEXT, type),  SAY(TEXT, allow), SAY(TEXT, cookie),
};

static const char *const methods[] = {
    [RN_WEB_GET] = "GET",     [RN_WEB_POST] = "POST",	  [RN_WEB_PUT] = "PUT",
    [RN_WEB_PATCH] = "PATCH", [RN_WEB_DELETE] = "DELETE", [RN_WEB_OTHER] = "",
};

const char *rn_web_method_name(uint8_t method)
{
	return method >= RN_WEB_GET && method <= RN_WEB_OTHER ? methods[method] : "";
}

enum rn_web_method rn_web_method(const char *name)
{
	for (unsigned i = RN_WEB_GET; i < RN_WEB_OTHER; i++)
		if (strcmp(methods[i], name) == 0)
			return i;
	return RN_WEB_OTHER;
}

static int encode(const void *in, const struct rn_field *fields, size_t count, uint8_t *out, size_t out_size)
{
	struct rn_writer w = rn_writer(out, out_size);

	rn_fields_write(&w, in, fields, count);
	return w.failed ? -EMSGSIZE : (int)w.at;
}

int rn_web_request_encode(const struct rn_web_request *in, uint8_t *out, size_t out_size)
{
	return encode(in, request_fields, COUNT(request_fields), out, out_size);
}

int rn_web_answer_encode(const struct rn_web_answer *in, uint8_t *out, size_t out_size)
{
	return encode(in, answer_fields, COUNT(answer_fields), out, out_size);
}

/* Pairs of texts, each ended by NUL. */
static bool query_good(const uint8_t *query, size_t size)
{
	size_t ends = 0;

	for (size_t i = 0; i < size; i++)
		ends += query[i] == 0;
	return size == 0 || (query[size - 1] == 0 && ends % 2 == 0);
}

int rn_web_request_decode(const uint8_t *data, size_t size, struct rn_web_request *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_web_request request;

	memset(&request, 0, sizeof(request));
	rn_fields_read(&r, &request, request_fields, COUNT(request_fields));
	if (!rn_reader_done(&r) || request.method < RN_WEB_GET || request.method > RN_WEB_OTHER || request.secure > 1 ||
	    !query_good(request.query, request.query_size))
		return -EBADMSG;
	*ret = request;
	return 0;
}

int rn_web_answer_decode(const uint8_t *data, size_t size, struct rn_web_answer *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_web_answer answer;

	memset(&answer, 0, sizeof(answer));
	rn_fields_read(&r, &answer, answer_fields, COUNT(answer_fields));
	if (!rn_reader_done(&r) || answer.stream > 1 || answer.status < 100 || answer.status > 599)
		return -EBADMSG;
	*ret = answer;
	return 0;
}

void rn_web_query_each(const struct rn_web_request *request, bool (*each)(void *context, const char *name),
		       void *context)
{
	const char *at = (const char *)request->query, *end = at + request->query_size;

	while (at < end) {
		const char *name = at;

		at += strlen(at) + 1;
		at += strlen(at) + 1;
		if (!each(context, name))
			return;
	}
}

const char *rn_web_query(const struct rn_web_request *request, const char *name)
{
	const char *at = (const char *)request->query, *end = at + request->query_size;

	while (at < end) {
		const char *found = at, *value = at + strlen(at) + 1;

		at = value + strlen(value) + 1;
		if (strcmp(found, name) == 0)
			return value;
	}
	return NULL;
}

bool rn_web_takes_large(const char *path)
{
	static const char policy[] = "/api/v1/policy";
	const size_t size = sizeof(policy) - 1;

	return strncmp(path, policy, size) == 0 && (path[size] == '\0' || path[size] == '/');
}
