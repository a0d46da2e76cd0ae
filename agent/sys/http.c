/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/http.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

/*
 * libmicrohttpd runs without a thread: its epoll descriptor is watched by our loop, and MHD_run does what is due. A
 * request that waits for core is suspended; answering it later resumes its connection, whereupon MHD calls on_access
 * again and the answer is queued. Streams suspend themselves whenever there is nothing to send.
 */
struct rn_http_request {
	struct rn_http *http;
	struct MHD_Connection *connection;
	struct rn_http_request *next, *prev;
	char *method, *path;
	char *body;
	size_t size, room, discarded;
	bool trusted, too_large, handled, answered, suspended;
	unsigned status;
	struct MHD_Response *response; /* not queued yet */
	struct rn_http_stream stream;
};

struct rn_http {
	struct rn_http_config config;
	struct rn_loop *loop;
	struct rn_watch *watch;
	struct rn_timer *timer;
	struct MHD_Daemon *daemon;
	struct rn_http_request *requests;
	bool closing, resumed; /* resumed: a connection that MHD has not seen to yet */
};

static void request_free(struct rn_http_request *r)
{
	if (r->next)
		r->next->prev = r->prev;
	if (r->prev)
		r->prev->next = r->next;
	else
		r->http->requests = r->next;
	if (r->response)
		MHD_destroy_response(r->response);
	if (r->stream.gone)
		r->stream.gone(r->stream.context);
	free(r->method);
	free(r->path);
	free(r->body);
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
	r->next = http->requests;
	if (r->next)
		r->next->prev = r;
	http->requests = r;
	r->method = strdup(method);
	r->path = strdup(url);
	r->trusted = http->config.trusted(http->config.context, peer_uid(connection));
	if (r->method && r->path)
		return r;
	request_free(r);
	return NULL;
}

/* Keeps a piece of the body, or counts it away; false ends the connection. */
static bool body_append(struct rn_http_request *r, const char *data, size_t size)
{
	if (!r->trusted || r->too_large || size > RN_HTTP_BODY_MAX - r->size) {
		r->too_large = r->too_large || r->trusted;
		r->discarded += size;
		return r->discarded <= 16 * (size_t)RN_HTTP_BODY_MAX;
	}
	if (r->size + size > r->room) {
		size_t room = r->room ? r->room : 4096;
		char *grown;

		while (room < r->size + size)
			room *= 2;
		grown = realloc(r->body, room);
		if (!grown)
			return false;
		r->body = grown;
		r->room = room;
	}
	memcpy(r->body + r->size, data, size);
	r->size += size;
	return true;
}

static enum MHD_Result queue(struct rn_http_request *r)
{
	enum MHD_Result result = MHD_queue_response(r->connection, r->status, r->response);

	MHD_destroy_response(r->response);
	r->response = NULL;
	return result;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct rn_http *http = cls;
	struct rn_http_request *r = *state;

	(void)version;
	if (!r) {
		*state = request_new(http, connection, url, method);
		return *state ? MHD_YES : MHD_NO;
	}
	if (*upload_size) {
		bool kept = body_append(r, upload, *upload_size);

		*upload_size = 0;
		return kept ? MHD_YES : MHD_NO;
	}
	if (!r->handled) {
		r->handled = true;
		http->config.handle(http->config.context, r);
	}
	if (r->answered)
		return r->response ? queue(r) : MHD_NO;
	if (http->closing)
		return MHD_NO;
	r->suspended = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	(void)cls;
	(void)connection;
	(void)why;
	if (*state)
		request_free(*state);
	*state = NULL;
}

static void arm(struct rn_http *http)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	/* MHD 0.9.75 counts a resumed connection neither in its epoll descriptor nor in its timeout. */
	if (http->resumed)
		rn_timer_set(http->timer, 0);
	else if (MHD_get_timeout(http->daemon, &timeout) != MHD_YES)
		rn_timer_set(http->timer, -1);
	else
		rn_timer_set(http->timer, timeout > 60000 ? 60000 : (int64_t)timeout);
}

static void run(struct rn_http *http)
{
	http->resumed = false;
	MHD_run(http->daemon);
	arm(http);
}

static void on_ready(void *context, unsigned events)
{
	(void)events;
	run(context);
}

static void on_timer(void *context)
{
	run(context);
}

static void resume(struct rn_http_request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->connection);
	r->http->resumed = true;
	arm(r->http);
}

static int daemon_start(struct rn_http *http, int fd, struct rn_err *err)
{
	const union MHD_DaemonInfo *info;

	http->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, http, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_CONNECTION_LIMIT, RN_HTTP_CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, RN_HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)RN_HTTP_MEMORY_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!http->daemon)
		return rn_fail(err, -EIO, "the HTTP server cannot be started: %s", strerror(errno));
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || info->epoll_fd < 0)
		return rn_fail(err, -EIO, "this libmicrohttpd was built without epoll");
	http->watch = rn_watch_new(http->loop, info->epoll_fd, RN_READABLE, on_ready, http);
	return http->watch ? 0 : rn_fail(err, -ENOMEM, "out of memory");
}

struct rn_http *rn_http_new(struct rn_loop *loop, int fd, const struct rn_http_config *config, struct rn_err *err)
{
	struct rn_http *http = calloc(1, sizeof(*http));

	if (!http)
		goto out;
	http->loop = loop;
	http->config = *config;
	http->timer = rn_timer_new(loop, on_timer, http);
	if (!http->timer)
		goto out;
	if (daemon_start(http, fd, err) < 0) {
		/* The descriptor stays the caller's where we fail. */
		if (http->daemon)
			MHD_quiesce_daemon(http->daemon);
		rn_http_free(http);
		return NULL;
	}
	arm(http);
	return http;
out:
	rn_http_free(http);
	rn_fail(err, -ENOMEM, "out of memory");
	return NULL;
}

void rn_http_free(struct rn_http *http)
{
	if (!http)
		return;
	http->closing = true;
	for (struct rn_http_request *r = http->requests; r; r = r->next)
		if (r->suspended) {
			r->suspended = false;
			MHD_resume_connection(r->connection);
		}
	rn_watch_free(http->watch);
	rn_timer_free(http->timer);
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	free(http);
}

const char *rn_http_method(const struct rn_http_request *request)
{
	return request->method;
}

const char *rn_http_path(const struct rn_http_request *request)
{
	return request->path;
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

void rn_http_answer(struct rn_http_request *request, const struct rn_http_answer *answer)
{
	static char nothing[1];

	if (request->answered)
		return;
	request->answered = true;
	request->status = answer->status;
	request->response =
	    MHD_create_response_from_buffer(answer->size, answer->body ? answer->body : nothing,
					    answer->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (request->response) {
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		if (answer->body)
			MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
		if (answer->allow)
			MHD_add_response_header(request->response, MHD_HTTP_HEADER_ALLOW, answer->allow);
	} else {
		free(answer->body);
	}
	resume(request);
}

static ssize_t on_fill(void *cls, uint64_t at, char *out, size_t size)
{
	struct rn_http_request *r = cls;
	ssize_t got;

	(void)at;
	got = r->http->closing ? -1 : r->stream.fill(r->stream.context, out, size);
	if (got < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (got == 0) {
		r->suspended = true;
		MHD_suspend_connection(r->connection);
	}
	return got;
}

void rn_http_stream(struct rn_http_request *request, const struct rn_http_stream *stream)
{
	request->answered = true;
	request->stream = *stream;
	request->status = MHD_HTTP_OK;
	request->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, on_fill, request, NULL);
	if (request->response) {
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONTENT_TYPE, stream->type);
	}
	resume(request);
}

void rn_http_wake(struct rn_http_request *request)
{
	if (request->stream.fill)
		resume(request);
}
