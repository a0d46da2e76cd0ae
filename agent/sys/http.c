/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/crypto.h"
#include "sys/http_internal.h"

/*
 * libmicrohttpd runs without a thread: its epoll descriptor is watched by our loop, and MHD_run does what is due. A
 * request that waits for core is suspended; answering it later resumes its connection, whereupon MHD calls on_access
 * again and the answer is queued. Streams suspend themselves whenever there is nothing to send.
 */
#define BLOCK 16384 /* bytes of an answer that are asked for at once */

static size_t large_room(const struct rn_http_request *r)
{
	return r->room > RN_HTTP_BODY_MAX ? r->room : 0;
}

static void body_drop(struct rn_http_request *r)
{
	if (r->body)
		rn_wipe(r->body, r->size); /* it may hold a password */
	free(r->body);
	r->body = NULL;
	r->http->large -= large_room(r);
	r->room = r->size = 0;
}

static void request_free(struct rn_http_request *r)
{
	http_unwatch(r);
	if (r->next)
		r->next->prev = r->prev;
	if (r->prev)
		r->prev->next = r->next;
	else
		r->http->requests = r->next;
	if (r->link)
		r->link->request = NULL;
	if (r->response)
		MHD_destroy_response(r->response);
	if (r->stream.gone)
		r->stream.gone(r->stream.context);
	if ((r->handled || r->context) && r->http->config.gone)
		r->http->config.gone(r->http->config.context, r);
	body_drop(r);
	free(r->method);
	free(r->path);
	free(r->target);
	free(r->answer);
	free(r);
}

static uid_t peer_uid(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return (uid_t)-1;
	return peer.uid;
}

static struct rn_http_request *request_new(struct rn_http *http, struct MHD_Connection *connection, const char *url,
					   const char *method)
{
	struct rn_http_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->http = http;
	r->connection = connection;
	r->body_max = http->config.body_max ? http->config.body_max(http->config.context, method, url) : RN_HTTP_BODY_MAX;
	r->next = http->requests;
	if (r->next)
		r->next->prev = r;
	http->requests = r;
	r->method = strdup(method);
	r->path = strdup(url);
	r->trusted = !http->config.trusted || http->config.trusted(http->config.context, peer_uid(connection));
	r->link = http_connection_of(connection);
	if (r->link) {
		r->link->request = r;
		r->target = r->link->target;
		r->link->target = NULL;
	}
	if (r->method && r->path)
		return r;
	request_free(r);
	return NULL;
}

static bool body_grow(struct rn_http_request *r, size_t needed)
{
	size_t room = r->room ? r->room : 4096, size = r->size;
	char *grown;

	if (needed <= r->room)
		return true;
	while (room < needed)
		room *= 2;
	if (room > r->body_max && needed <= r->body_max)
		room = r->body_max;
	if (room > RN_HTTP_BODY_MAX &&
	    r->http->large - large_room(r) + room > RN_HTTP_LARGE_AT_ONCE * (size_t)RN_HTTP_LARGE_BODY_MAX)
		return false;
	grown = malloc(room); /* not realloc, which would leave what it moved */
	if (!grown)
		return false;
	if (size)
		memcpy(grown, r->body, size);
	body_drop(r);
	r->body = grown;
	r->size = size;
	r->room = room;
	r->http->large += large_room(r);
	return true;
}

/* Keeps a piece of the body, or counts it away; false ends the connection. */
static bool body_append(struct rn_http_request *r, const char *data, size_t size)
{
	if (r->link)
		rn_http_guard_received(&r->http->guard, &r->link->link, size);
	if (!r->trusted || r->too_large || r->answered || size > r->body_max - r->size) {
		size_t most = r->body_max > RN_HTTP_BODY_MAX ? r->body_max : RN_HTTP_DISCARD_MAX;

		r->too_large = r->too_large || r->trusted;
		body_drop(r);
		r->discarded += size;
		return r->discarded <= most;
	}
	if (!body_grow(r, r->size + size))
		return false;
	memcpy(r->body + r->size, data, size);
	r->size += size;
	return true;
}

static enum MHD_Result queue(struct rn_http_request *r)
{
	enum MHD_Result result = MHD_queue_response(r->connection, r->status, r->response);

	MHD_destroy_response(r->response);
	r->response = NULL;
	http_enter(r, RN_HTTP_ANSWER);
	return result;
}

void http_suspend(struct rn_http_request *r)
{
	r->suspended = true;
	MHD_suspend_connection(r->connection);
	http_watch(r);
}

void http_resume(struct rn_http_request *r)
{
	if (!r->suspended)
		return;
	http_unwatch(r);
	r->suspended = false;
	MHD_resume_connection(r->connection);
	r->http->resumed = true;
	http_arm(r->http);
}

static bool has_body(struct rn_http_request *r)
{
	const char *length = rn_http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return rn_http_header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && strspn(length, "0") != strlen(length));
}

/* Says by its header alone that its body is more than is kept: nothing of that needs to be waited for. */
static bool says_too_much(struct rn_http_request *r)
{
	const char *length = rn_http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length && !rn_http_header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING) &&
	       strtoull(length, NULL, 10) > r->body_max;
}

/* The header has come. An answer that is given now keeps the connection only where no body follows. */
static enum MHD_Result begin(struct rn_http *http, struct MHD_Connection *connection, const char *url,
			     const char *method, void **state)
{
	struct rn_http_request *r = request_new(http, connection, url, method);
	bool body;

	if (!r)
		return MHD_NO;
	*state = r;
	body = has_body(r);
	http_enter(r, body ? RN_HTTP_BODY : RN_HTTP_WAITING);
	if (http->config.head)
		http->config.head(http->config.context, r);
	if (!r->answered && body && says_too_much(r)) {
		r->too_large = r->trusted;
		r->handled = true;
		http->config.handle(http->config.context, r);
	}
	if (!r->answered || !body)
		return MHD_YES;
	return r->response ? queue(r) : MHD_NO;
}

enum MHD_Result http_on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
			       const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct rn_http *http = cls;
	struct rn_http_request *r = *state;

	(void)version;
	if (!r)
		return begin(http, connection, url, method, state);
	if (*upload_size) {
		bool kept = body_append(r, upload, *upload_size);

		*upload_size = 0;
		return kept ? MHD_YES : MHD_NO;
	}
	if (r->link && r->link->link.doomed)
		return MHD_NO;
	if (!r->handled && !r->answered) {
		r->handled = true;
		http_enter(r, RN_HTTP_WAITING);
		http->config.handle(http->config.context, r);
	}
	if (r->answered)
		return r->response ? queue(r) : MHD_NO;
	if (http->closing)
		return MHD_NO;
	http_suspend(r);
	return MHD_YES;
}

void http_on_completed(void *cls, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	struct rn_http_request *r = *state;

	(void)cls;
	(void)connection;
	(void)why;
	*state = NULL;
	if (!r)
		return;
	http_enter(r, RN_HTTP_IDLE);
	request_free(r);
}

const char *rn_http_method(const struct rn_http_request *request)
{
	return request->method;
}

const char *rn_http_path(const struct rn_http_request *request)
{
	return request->path;
}

const char *rn_http_target(const struct rn_http_request *request)
{
	return request->target ? request->target : "";
}

bool rn_http_trusted(const struct rn_http_request *request)
{
	return request->trusted;
}

bool rn_http_too_large(const struct rn_http_request *request)
{
	return request->too_large;
}

const char *rn_http_body(const struct rn_http_request *request, size_t *ret_size)
{
	*ret_size = request->size;
	return request->body ? request->body : "";
}

const char *rn_http_header(struct rn_http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct each_header {
	bool (*call)(void *context, const char *name, const char *value);
	void *context;
};

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct each_header *each = cls;

	(void)kind;
	return each->call(each->context, key, value ? value : "") ? MHD_YES : MHD_NO;
}

void rn_http_header_each(struct rn_http_request *request,
			 bool (*each)(void *context, const char *name, const char *value), void *context)
{
	struct each_header all = {each, context};

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, each_header, &all);
}

struct lookup {
	const char *name, *value;
};

static enum MHD_Result match(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct lookup *lookup = cls;

	(void)kind;
	if (strcmp(key, lookup->name) != 0)
		return MHD_YES;
	lookup->value = value ? value : "";
	return MHD_NO;
}

const char *rn_http_query(struct rn_http_request *request, const char *name)
{
	struct lookup lookup = {.name = name};

	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, match, &lookup);
	return lookup.value;
}

struct each {
	bool (*call)(void *context, const char *name);
	void *context;
};

static enum MHD_Result each_key(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct each *each = cls;

	(void)kind;
	(void)value;
	return each->call(each->context, key) ? MHD_YES : MHD_NO;
}

void rn_http_query_each(struct rn_http_request *request, bool (*each)(void *context, const char *name), void *context)
{
	struct each all = {each, context};

	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, each_key, &all);
}

void rn_http_expect(struct rn_http_request *request, size_t body_max)
{
	request->body_max = body_max < RN_HTTP_LARGE_BODY_MAX ? body_max : RN_HTTP_LARGE_BODY_MAX;
}

void rn_http_drop_body(struct rn_http_request *request)
{
	body_drop(request);
}

void rn_http_prove(struct rn_http_request *request)
{
	if (request->link)
		request->link->link.proven = true;
}

void rn_http_set_context(struct rn_http_request *request, void *context)
{
	request->context = context;
}

void *rn_http_context(const struct rn_http_request *request)
{
	return request->context;
}

/* --- answers --- */

static ssize_t fill(struct rn_http_request *r, char *out, size_t size)
{
	if (r->stream.fill)
		return r->stream.fill(r->stream.context, out, size);
	if (size > r->answer_left)
		size = r->answer_left;
	memcpy(out, r->answer_at, size);
	r->answer_at += size;
	r->answer_left -= size;
	return (ssize_t)size;
}

static ssize_t on_fill(void *cls, uint64_t at, char *out, size_t size)
{
	struct rn_http_request *r = cls;
	ssize_t got;

	(void)at;
	if (r->http->closing || (r->link && r->link->link.doomed))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	got = fill(r, out, size);
	if (got < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	http_enter(r, got ? RN_HTTP_ANSWER : RN_HTTP_QUIET);
	if (got == 0)
		http_suspend(r);
	return got;
}

void http_add_headers(struct MHD_Response *response, const struct rn_http_header *headers)
{
	for (; headers && headers->name; headers++)
		MHD_add_response_header(response, headers->name, headers->value);
}

static void respond(struct rn_http_request *r, unsigned status, uint64_t size, const char *type, const char *cache)
{
	r->answered = true;
	body_drop(r); /* what is still to come is read away */
	r->status = status;
	r->response = MHD_create_response_from_callback(size, BLOCK, on_fill, r, NULL);
	if (!r->response)
		return;
	http_add_headers(r->response, r->http->config.headers);
	MHD_add_response_header(r->response, MHD_HTTP_HEADER_CACHE_CONTROL, cache ? cache : "no-store");
	if (type)
		MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

void rn_http_answer(struct rn_http_request *request, const struct rn_http_answer *answer)
{
	if (request->answered) {
		free(answer->body);
		return;
	}
	request->answer = answer->body;
	request->answer_at = answer->body ? answer->body : answer->fixed;
	request->answer_left = request->answer_at ? answer->size : 0;
	respond(request, answer->status, request->answer_left, request->answer_left ? answer->type : NULL,
		answer->cache);
	if (request->response) {
		if (answer->allow)
			MHD_add_response_header(request->response, MHD_HTTP_HEADER_ALLOW, answer->allow);
		if (answer->close)
			MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONNECTION, "close");
		http_add_headers(request->response, answer->headers);
	}
	http_resume(request);
}

void rn_http_stream(struct rn_http_request *request, const struct rn_http_stream *stream)
{
	request->stream = *stream;
	request->stream.size = NULL;
	respond(request, stream->status ? stream->status : MHD_HTTP_OK, stream->size ? *stream->size : MHD_SIZE_UNKNOWN,
		stream->type, NULL);
	if (request->response)
		http_add_headers(request->response, stream->headers);
	http_resume(request);
}

void rn_http_wake(struct rn_http_request *request)
{
	if (request->stream.fill)
		http_resume(request);
}
