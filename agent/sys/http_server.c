/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "sys/http_internal.h"

/*
 * The daemon, and whom it serves until when. MHD's own time-out is of no use on a network: a byte now and then resets
 * it. So each connection has a deadline in the guard, and one that is overdue, or has to make room, is shut down here,
 * which MHD sees as the client's end of it.
 */
#define SLACK 64u		/* connections that MHD has not taken leave of yet */
#define TICK_MS 250		/* a deadline is late by this much at most */
#define SEND_BUFFER (128 << 10) /* what one client who does not read may hold in the kernel; it doubles this */

static struct rn_http *running; /* MHD makes an error page: whose headers belong on it? */

/* --- connections --- */

struct http_connection *http_connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void http_enter(struct rn_http_request *request, enum rn_http_phase phase)
{
	if (request->link)
		rn_http_guard_enter(&request->http->guard, &request->link->link, phase,
				    rn_loop_now_ms(request->http->loop));
}

static struct rn_endpoint endpoint_of(const struct sockaddr *address)
{
	struct rn_endpoint endpoint = {.port = 0};

	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

		endpoint.addr = rn_addr_from_v4(ntohl(v4->sin_addr.s_addr));
		endpoint.port = ntohs(v4->sin_port);
	} else if (address && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

		memcpy(endpoint.addr.b, &v6->sin6_addr, sizeof(endpoint.addr.b));
		endpoint.port = ntohs(v6->sin6_port);
	}
	return endpoint;
}

static struct rn_endpoint peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return endpoint_of(info ? info->client_addr : NULL);
}

struct rn_endpoint rn_http_source(const struct rn_http_request *request)
{
	return peer_of(request->connection);
}

static void doom(struct rn_http *http, struct http_connection *c)
{
	/* What the client did not take goes with it, instead of staying in the kernel until it does. */
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	rn_http_guard_doom(&http->guard, &c->link);
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	shutdown(c->fd, SHUT_RDWR);
	if (c->request)
		http_resume(c->request);
}

static enum MHD_Result on_knock(void *cls, const struct sockaddr *address, socklen_t size)
{
	struct rn_http *http = cls;
	struct rn_endpoint from = endpoint_of(address);

	(void)size;
	return rn_http_guard_allows(&http->guard, &from.addr) ? MHD_YES : MHD_NO;
}

static void handshake_done(struct MHD_Connection *connection)
{
	struct http_connection *c = http_connection_of(connection);

	if (c)
		rn_http_guard_enter(&c->http->guard, &c->link, RN_HTTP_HEADER, rn_loop_now_ms(c->http->loop));
}

static void tune(int fd)
{
	int size = SEND_BUFFER, on = 1;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void connection_begin(struct rn_http *http, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const enum rn_http_phase phase = http->config.tls ? RN_HTTP_HANDSHAKE : RN_HTTP_HEADER;
	struct rn_endpoint from = peer_of(connection);
	struct http_connection *c, *victim;

	if (!info)
		return;
	c = calloc(1, sizeof(*c));
	if (!c || !rn_http_guard_add(&http->guard, &c->link, &from.addr, phase, rn_loop_now_ms(http->loop))) {
		shutdown(info->connect_fd, SHUT_RDWR);
		free(c);
		return;
	}
	c->http = http;
	c->fd = info->connect_fd;
	*context = c;
	tune(c->fd);
	if (http->config.tls)
		http_tls_begin(connection, handshake_done);
	if (http->guard.connections <= http->guard.limits.connections_max)
		return;
	victim = (struct http_connection *)rn_http_guard_victim(&http->guard);
	doom(http, victim ? victim : c);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct rn_http *http = cls;
	struct http_connection *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_begin(http, connection, context);
		return;
	}
	if (!c)
		return;
	rn_http_guard_remove(&http->guard, &c->link);
	rn_watch_free(c->watch);
	free(c->target);
	free(c);
	*context = NULL;
}

/* The request line has come. MHD's own unescaping cuts at %00, so the target is kept as it is. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct http_connection *c = http_connection_of(connection);

	(void)cls;
	if (c) {
		free(c->target);
		c->target = uri ? strdup(uri) : NULL;
	}
	return NULL;
}

static void on_tick(void *context)
{
	struct rn_http *http = context;
	struct rn_http_link *link;

	while ((link = rn_http_guard_overdue(&http->guard, rn_loop_now_ms(http->loop))))
		doom(http, (struct http_connection *)link);
	rn_timer_set(http->tick, TICK_MS);
}

/* A client that waits for an answer may close its sending half; one that listens to a stream has left by that. */
static void on_hangup(void *context, unsigned events)
{
	struct http_connection *c = context;
	struct pollfd socket = {.fd = c->fd, .events = POLLRDHUP};

	(void)events;
	if (!c->request)
		return;
	if (!c->request->stream.fill && poll(&socket, 1, 0) == 1 && !(socket.revents & (POLLHUP | POLLERR)))
		rn_watch_set(c->watch, 0);
	else
		doom(c->http, c);
}

void http_watch(struct rn_http_request *request)
{
	struct http_connection *c = request->link;

	if (c && !c->watch && !request->http->closing)
		c->watch = rn_watch_new(request->http->loop, c->fd, RN_HANGUP, on_hangup, c);
}

void http_unwatch(struct rn_http_request *request)
{
	if (!request->link)
		return;
	rn_watch_free(request->link->watch);
	request->link->watch = NULL;
}

/* --- what MHD says by itself --- */

/*
 * What is not HTTP at all never reaches on_access: MHD 0.9.75 answers it with an HTML page that it makes by this
 * function of its own library. The program's definition comes first, for the library too, so that these answers also
 * are JSON with the server's headers. (Where a library were linked so that it does not, they would be HTML again and
 * the tests would say so.)
 */
struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer, enum MHD_ResponseMemoryMode mode)
{
	static char text[] =
	    "{\"error\":{\"code\":\"invalid\",\"message\":\"this is not an HTTP/1.1 request, or its header is "
	    "larger than this server takes\"}}";
	struct MHD_Response *response =
	    MHD_create_response_from_buffer_with_free_callback(sizeof(text) - 1, text, NULL);

	(void)size;
	(void)buffer;
	(void)mode;
	if (!response)
		return NULL;
	if (running)
		http_add_headers(response, running->config.headers);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	return response;
}

struct lookup {
	const char *name, *value;
	size_t name_size, value_size;
	bool found;
};

static enum MHD_Result match(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
			     size_t value_size)
{
	struct lookup *lookup = cls;

	(void)kind;
	if (name_size != lookup->name_size || (name_size && strncasecmp(name, lookup->name, name_size) != 0))
		return MHD_YES;
	lookup->found = true;
	lookup->value = value;
	lookup->value_size = value ? value_size : 0;
	return MHD_NO;
}

/* As MHD reads a Content-Length: digits alone, and not too many. */
static bool is_length(const struct lookup *lookup)
{
	return lookup->value_size && lookup->value_size < 19 &&
	       strspn(lookup->value, "0123456789") == lookup->value_size;
}

/*
 * The library's own look-ups come here too. A Content-Length that is none makes MHD 0.9.75 send the header of its error
 * twice; where `head` judges requests MHD does not see such a one, and `head`, which sees all, refuses it.
 */
enum MHD_Result MHD_lookup_connection_value_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
					      const char *key, size_t key_size, const char **ret_value,
					      size_t *ret_size)
{
	struct lookup lookup = {.name = key, .name_size = key_size};

	if (!connection || !key)
		return MHD_NO;
	MHD_get_connection_values_n(connection, kind, match, &lookup);
	if (!lookup.found)
		return MHD_NO;
	if (running && running->config.head && kind == MHD_HEADER_KIND && key_size == 14 &&
	    strncasecmp(key, "Content-Length", 14) == 0 && !is_length(&lookup))
		return MHD_NO;
	if (ret_value)
		*ret_value = lookup.value;
	if (ret_size)
		*ret_size = lookup.value_size;
	return MHD_YES;
}

/* --- the daemon --- */

void http_arm(struct rn_http *http)
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
	running = http;
	MHD_run(http->daemon);
	running = NULL;
	http_arm(http);
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

static struct MHD_Daemon *start(struct rn_http *http, int fd)
{
	const bool tcp = http->config.limits;
	const struct MHD_OptionItem limited[] = {
	    {MHD_OPTION_CONNECTION_LIMIT, tcp ? http->config.limits->connections_max + SLACK : 0, NULL},
	    {MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL},
	    {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
	    {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, http},
	    {MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem simple[] = {
	    {MHD_OPTION_CONNECTION_LIMIT, RN_HTTP_CONNECTIONS_MAX, NULL},
	    {MHD_OPTION_CONNECTION_TIMEOUT, RN_HTTP_IDLE_S, NULL},
	    {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
	    {MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (http->config.tls ? MHD_USE_TLS : 0);

	return MHD_start_daemon(flags, 0, tcp ? on_knock : NULL, http, http_on_access, http, MHD_OPTION_LISTEN_SOCKET,
				fd, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, http,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)RN_HTTP_MEMORY_MAX, MHD_OPTION_ARRAY,
				tcp ? limited : simple, MHD_OPTION_ARRAY, http->config.tls ? http_tls_options() : none,
				MHD_OPTION_END);
}

static int daemon_start(struct rn_http *http, int fd, struct rn_err *err)
{
	const union MHD_DaemonInfo *info;

	if (http->config.tls && !http_tls_ready())
		return rn_fail(err, -EINVAL, "there is no certificate to serve TLS with");
	http->daemon = start(http, fd);
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
	if (config->limits) {
		http->guard.limits = *config->limits;
		http->tick = rn_timer_new(loop, on_tick, http);
	}
	if (!http->timer || (config->limits && !http->tick))
		goto out;
	if (daemon_start(http, fd, err) < 0) {
		/* The descriptor stays the caller's where we fail. */
		if (http->daemon)
			MHD_quiesce_daemon(http->daemon);
		rn_http_free(http);
		return NULL;
	}
	http_arm(http);
	if (http->tick)
		rn_timer_set(http->tick, TICK_MS);
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
			http_unwatch(r);
			r->suspended = false;
			MHD_resume_connection(r->connection);
		}
	rn_watch_free(http->watch);
	rn_timer_free(http->timer);
	rn_timer_free(http->tick);
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	free(http);
}

unsigned rn_http_connections(const struct rn_http *http)
{
	return http->guard.connections;
}
