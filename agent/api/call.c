/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "domain/name.h"

void rn_api_call_free(struct rn_api_call *call)
{
	rn_json_free(call->body);
	rn_wipe(&call->who, sizeof(call->who));
	free(call);
}

void rn_api_cancel_by(struct rn_api_call *call, const void *context)
{
	call->request->cancel_by = context;
}

/* How an answer is to be given beside its body. */
struct extras {
	const char *allow, *cookie;
	unsigned retry_after;
};

static void answer_json(struct rn_api_call *call, unsigned status, struct rn_json *value, struct extras extras)
{
	struct rn_api_answer answer = {.status = status,
				       .type = "application/json",
				       .allow = extras.allow,
				       .cookie = extras.cookie,
				       .retry_after = extras.retry_after};

	answer.body = rn_json_print(value, false);
	rn_json_free(value);
	if (answer.body)
		answer.size = strlen(answer.body);
	else
		answer.status = 500;
	call->request->door->answer(call->request, &answer);
	rn_api_call_free(call);
}

void rn_api_answer(struct rn_api_call *call, unsigned status, struct rn_json *value)
{
	answer_json(call, status, value, (struct extras){0});
}

void rn_api_answer_cookie(struct rn_api_call *call, unsigned status, struct rn_json *value, const char *cookie)
{
	answer_json(call, status, value, (struct extras){.cookie = cookie});
}

void rn_api_answer_nothing(struct rn_api_call *call, const char *cookie)
{
	call->request->door->answer(call->request, &(struct rn_api_answer){.status = 204, .cookie = cookie});
	rn_api_call_free(call);
}

void rn_api_answer_list(struct rn_api_call *call, const char *key, struct rn_json *list, int code,
			const struct rn_err *err)
{
	struct rn_json *root;

	if (code < 0) {
		rn_json_free(list);
		rn_api_fail(call, code, err);
		return;
	}
	root = rn_json_object();
	rn_json_add(root, key, list);
	rn_api_answer(call, 200, root);
}

void rn_api_answer_text(struct rn_api_call *call, const char *type, char *text_taken)
{
	struct rn_api_answer answer = {.status = text_taken ? 200 : 500, .type = type, .body = text_taken};

	answer.size = text_taken ? strlen(text_taken) : 0;
	call->request->door->answer(call->request, &answer);
	rn_api_call_free(call);
}

void rn_api_stream(struct rn_api_call *call, const struct rn_api_stream *stream)
{
	call->request->door->stream(call->request, stream);
	rn_api_call_free(call);
}

static struct rn_json *error_json(const char *code, const char *message)
{
	struct rn_json *root = rn_json_object(), *error = rn_json_object();

	rn_json_add_text(error, "code", code);
	rn_json_add_text(error, "message", message);
	rn_json_add(root, "error", error);
	return root;
}

void rn_api_refuse(struct rn_api_call *call, unsigned status, const char *code, const char *format, ...)
{
	struct rn_err err;
	char text[sizeof(err.text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	rn_fail(&err, 0, "%s", text);
	rn_api_answer(call, status, error_json(code, err.text));
}

static const struct {
	int code;
	unsigned status;
	const char *name, *text;
} failures[] = {
    {-ENOENT, 404, "not_found", "there is no such object"},
    {-EEXIST, 409, "exists", "it exists already"},
    {-ESTALE, 409, "stale", "somebody else changed it meanwhile: look at it again"},
    {-EDQUOT, 409, "full", "there are too many: delete one"},
    {-EBUSY, 409, "busy", "a change of the same thing is under way: try again"},
    {-EINVAL, 400, "invalid", "the request is not valid"},
    {-EMSGSIZE, 400, "invalid", "it does not fit the bounds"},
    {-EMLINK, 409, "last_admin", "the last admin can neither be lowered nor deleted"},
    {-EACCES, 401, "unauthorized", "that is not good (any more)"},
    {-EPERM, 403, "forbidden", "this is not yours to do"},
    {-ENOTSUP, 409, "not_the_gateway", "only the gateway can do this"},
    {-EAGAIN, 503, "unavailable", "a process that is needed is not there now: try again"},
    {-ECANCELED, 503, "unavailable", "whoever asked has gone"},
    {-ENOSPC, 507, "no_space", "nothing could be stored: the disk is full"},
    {-EIO, 500, "internal", "core failed: see its log"},
};

void rn_api_fail(struct rn_api_call *call, int code, const struct rn_err *err)
{
	size_t i = 0, last = sizeof(failures) / sizeof(failures[0]) - 1;

	while (i < last && failures[i].code != code)
		i++;
	answer_json(call, failures[i].status,
		    error_json(failures[i].name, err && err->text[0] ? err->text : failures[i].text),
		    (struct extras){.retry_after = failures[i].status == 503 ? 1 : 0});
}

void rn_api_refuse_later(struct rn_api_call *call, unsigned wait_s, const struct rn_err *err)
{
	answer_json(call, 429, error_json("too_many", err->text), (struct extras){.retry_after = wait_s});
}

void rn_api_refuse_method(struct rn_api_call *call, const char *allow)
{
	struct rn_json *error = error_json("method_not_allowed", "this path does not know that method");

	answer_json(call, 405, error, (struct extras){.allow = allow});
}

struct rn_json *rn_api_enforced(const struct rn_enforced *hubs, unsigned hub_count)
{
	struct rn_json *list = rn_json_array();

	for (unsigned i = 0; i < hub_count; i++) {
		struct rn_json *hub = rn_json_object();

		rn_json_add_text(hub, "hub", hubs[i].hub);
		rn_json_add_bool(hub, "applied", hubs[i].applied);
		if (hubs[i].applied)
			rn_json_add_u64(hub, "after_microseconds", (uint64_t)(hubs[i].after_ms * 1000.0));
		else
			rn_json_add_text(hub, "after_microseconds", NULL);
		rn_json_append(list, hub);
	}
	return list;
}

void rn_api_done(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs, unsigned hub_count)
{
	struct rn_api_call *call = context;
	struct rn_json *root;

	if (code < 0) {
		rn_api_fail(call, code, err);
		return;
	}
	root = rn_json_object();
	rn_json_add(root, "enforced", rn_api_enforced(hubs, hub_count));
	rn_api_answer(call, 200, root);
}

/* Turns what rn_json_get_* says into 0, or an answered call. */
static int member(struct rn_api_call *call, const char *key, int code, bool needed, const struct rn_err *err)
{
	if (code == 0 || (code == -ENOENT && !needed))
		return 0;
	if (code == -ENOENT)
		rn_api_refuse(call, 400, "invalid", "the field \"%s\" is missing", key);
	else
		rn_api_fail(call, -EINVAL, err);
	return -EINVAL;
}

int rn_api_need_text(struct rn_api_call *call, const char *key, const char **ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_text(call->body, key, ret, &err), true, &err);
}

int rn_api_need_bool(struct rn_api_call *call, const char *key, bool *ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_bool(call->body, key, ret, &err), true, &err);
}

int rn_api_need_int(struct rn_api_call *call, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_int(call->body, key, min, max, ret, &err), true, &err);
}

int rn_api_text(struct rn_api_call *call, const char *key, const char **ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_text(call->body, key, ret, &err), false, &err);
}

int rn_api_bool(struct rn_api_call *call, const char *key, bool *ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_bool(call->body, key, ret, &err), false, &err);
}

int rn_api_int(struct rn_api_call *call, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_int(call->body, key, min, max, ret, &err), false, &err);
}

int rn_api_name(struct rn_api_call *call, const char *key, char ret[RN_NAME_MAX + 1])
{
	const char *text = NULL;

	if (rn_api_text(call, key, &text) < 0)
		return -EINVAL;
	if (!text)
		return 0;
	if (!rn_name_valid(text)) {
		rn_api_refuse(call, 400, "invalid",
			      "\"%s\" must be a name: a to z, 0 to 9, dot, dash and underscore, at most %d characters",
			      key, RN_NAME_MAX);
		return -EINVAL;
	}
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

int rn_api_need_name(struct rn_api_call *call, const char *key, char ret[RN_NAME_MAX + 1])
{
	const char *text;

	return rn_api_need_text(call, key, &text) < 0 ? -EINVAL : rn_api_name(call, key, ret);
}

int rn_api_moment(struct rn_api_call *call, const char *key, int64_t *ret)
{
	const char *text = NULL;

	if (rn_api_text(call, key, &text) < 0)
		return -EINVAL;
	if (!text || (strlen(text) > 10 && rn_moment_parse(text, ret) == 0))
		return 0;
	rn_api_refuse(call, 400, "invalid", "\"%s\" must be a time like 2027-03-31T18:00:00Z", key);
	return -EINVAL;
}

int rn_api_role(struct rn_api_call *call, enum rn_access *ret)
{
	const char *text;

	if (rn_api_need_text(call, "role", &text) < 0)
		return -EINVAL;
	if (rn_access_parse(text, ret) == 0)
		return 0;
	rn_api_refuse(call, 400, "invalid", "\"role\" must be viewer, operator or admin");
	return -EINVAL;
}

int rn_api_query_u64(struct rn_api_call *call, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *text = call->request->door->query(call->request, key);
	unsigned long long value = 0;
	char *end = NULL;

	if (!text)
		return 0;
	errno = 0;
	if (text[0] >= '0' && text[0] <= '9')
		value = strtoull(text, &end, 10);
	if (!end || *end || errno || value < min || value > max) {
		rn_api_refuse(call, 400, "invalid", "\"%s\" must be a number from %" PRIu64 " to %" PRIu64, key, min,
			      max);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}
