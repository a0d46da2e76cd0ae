/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server on the loop, spoken to by the client and by raw bytes, over a unix socket of its own. */
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/api.h"
#include "sys/http.h"
#include "sys/http_client.h"

static char directory[] = "/tmp/rn-http-XXXXXX", path[64];
static pid_t server;

/* --- the server, in a child --- */

struct late {
	struct rn_timer *timer;
	struct rn_http_request *request;
};

static struct rn_loop *loop;

static void say(struct rn_http_request *request, unsigned status, const char *text)
{
	rn_http_answer(request, &(struct rn_http_answer){.status = status,
							 .type = "text/plain",
							 .body = strdup(text),
							 .size = strlen(text),
							 .allow = status == 405 ? "GET" : NULL});
}

static void fire(void *context)
{
	struct late *late = context;

	say(late->request, 200, "late");
	rn_timer_free(late->timer);
	free(late);
}

struct counter {
	struct rn_timer *timer;
	struct rn_http_request *request;
	unsigned ready, sent;
};

static void tick(void *context)
{
	struct counter *c = context;

	c->ready++;
	rn_http_wake(c->request);
	rn_timer_set(c->timer, 5);
}

static ssize_t fill(void *context, char *out, size_t size)
{
	struct counter *c = context;

	if (c->sent == 5)
		return -1;
	if (c->sent >= c->ready)
		return 0;
	return snprintf(out, size, "id: %u\n", ++c->sent);
}

static void gone(void *context)
{
	struct counter *c = context;

	rn_timer_free(c->timer);
	free(c);
}

static void stream(struct rn_http_request *request)
{
	struct counter *c = calloc(1, sizeof(*c));

	c->request = request;
	c->timer = rn_timer_new(loop, tick, c);
	rn_timer_set(c->timer, 5);
	rn_http_stream(request, &(struct rn_http_stream){.type = "text/event-stream", .context = c, .fill = fill, .gone = gone});
}

static bool trusted(void *context, uid_t uid)
{
	(void)context;
	return uid == geteuid();
}

static size_t body_max(void *context, const char *method, const char *where)
{
	(void)context;
	return strcmp(method, "PUT") == 0 && strcmp(where, "/large") == 0 ? RN_HTTP_LARGE_BODY_MAX : RN_HTTP_BODY_MAX;
}

static void handle(void *context, struct rn_http_request *request)
{
	const char *where = rn_http_path(request), *query = rn_http_query(request, "q");
	char text[128];
	size_t size;

	(void)context;
	rn_http_body(request, &size);
	if (!rn_http_trusted(request)) {
		say(request, 403, "no");
	} else if (rn_http_too_large(request)) {
		say(request, 413, "large");
	} else if (strcmp(where, "/late") == 0) {
		struct late *late = calloc(1, sizeof(*late));

		late->request = request;
		late->timer = rn_timer_new(loop, fire, late);
		rn_timer_set(late->timer, 30);
	} else if (strcmp(where, "/stream") == 0) {
		stream(request);
	} else if (strcmp(where, "/method") == 0) {
		say(request, 405, rn_http_method(request));
	} else {
		snprintf(text, sizeof(text), "%s %s %zu q=%s", rn_http_method(request), where, size,
			 query ? query : "-");
		say(request, 200, text);
	}
}

static void serve(int fd)
{
	struct rn_http_config config = {.trusted = trusted, .handle = handle, .body_max = body_max};
	struct rn_http *http;
	struct rn_err err;

	signal(SIGPIPE, SIG_IGN);
	loop = rn_loop_new();
	http = rn_http_new(loop, fd, &config, &err);
	if (!http)
		_exit(9);
	rn_loop_run(loop);
	rn_http_free(http);
	rn_loop_free(loop);
	exit(0);
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	assert_int_equal(rn_api_listen(path, &fd, NULL), 0);
	server = fork();
	if (server == 0)
		serve(fd);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	int status;

	(void)state;
	kill(server, SIGTERM);
	waitpid(server, &status, 0);
	unlink(path);
	rmdir(directory);
	/* Nothing leaked, nothing crashed, even with connections open. */
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* --- the tests --- */

static void expect(const char *method, const char *where, const char *body, long status, const char *answer)
{
	struct rn_http_reply reply;
	struct rn_err err = {""};

	if (rn_http_call(path, method, where, body, &reply, &err) < 0)
		fail_msg("%s %s with %zu bytes: %s", method, where, body ? strlen(body) : 0, err.text);
	assert_int_equal(reply.status, status);
	assert_string_equal(reply.body, answer);
	rn_http_reply_done(&reply);
}

static void test_answers(void **state)
{
	(void)state;
	expect("GET", "/a", NULL, 200, "GET /a 0 q=-");
	expect("GET", "/a%20b?q=x%26y&z", NULL, 200, "GET /a b 0 q=x&y");
	expect("POST", "/a", "{}", 200, "POST /a 2 q=-");
	expect("DELETE", "/method", NULL, 405, "DELETE");
	expect("GET", "/late", NULL, 200, "late");
	expect("POST", "/late", "x", 200, "late");
}

static void test_body_bounds(void **state)
{
	char *body = calloc(1, 3 * RN_HTTP_BODY_MAX + 1), text[64];

	(void)state;
	memset(body, 'x', RN_HTTP_BODY_MAX);
	snprintf(text, sizeof(text), "PUT /b %u q=-", RN_HTTP_BODY_MAX);
	expect("PUT", "/b", body, 200, text);
	body[RN_HTTP_BODY_MAX] = 'x';
	expect("PUT", "/b", body, 413, "large");
	memset(body, 'x', 3 * RN_HTTP_BODY_MAX);
	expect("PUT", "/b", body, 413, "large");
	free(body);
	body = calloc(1, RN_HTTP_LARGE_BODY_MAX + 2);
	memset(body, 'x', RN_HTTP_LARGE_BODY_MAX);
	snprintf(text, sizeof(text), "PUT /large %u q=-", RN_HTTP_LARGE_BODY_MAX);
	for (unsigned i = 0; i < 2 * RN_HTTP_LARGE_AT_ONCE; i++) /* each one's memory is free again */
		expect("PUT", "/large", body, 200, text);
	body[RN_HTTP_LARGE_BODY_MAX] = 'x';
	expect("PUT", "/large", body, 413, "large");
	free(body);
	body = calloc(1, 20 * RN_HTTP_BODY_MAX + 1);
	memset(body, 'x', 20 * RN_HTTP_BODY_MAX);
	expect("PUT", "/b", body, 413, "large");
	free(body);
}

/* A server that takes its time, and then refuses by the header: exits with 0 if nothing but that had been sent. */
static void refuse_late(int listener)
{
	static const char answer[] = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	char text[4096] = "";
	size_t size = 0;
	int fd = accept(listener, NULL, NULL);
	ssize_t got;

	while (!strstr(text, "\r\n\r\n") && (got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)got;
	usleep(1200000); /* more than the second that libcurl would wait */
	got = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	_exit(write(fd, answer, sizeof(answer) - 1) < 0 || got != -1 || errno != EAGAIN);
}

/* However late the answer comes, a large body waits for it: else it would run into a connection that is closed. */
static void test_late_refusal(void **state)
{
	char *body = calloc(1, RN_HTTP_BODY_MAX + 2), there[sizeof(path) + 8];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), status = -1;
	struct rn_http_reply reply;
	pid_t late;

	(void)state;
	snprintf(there, sizeof(there), "%s.late", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", there);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	memset(body, 'x', RN_HTTP_BODY_MAX + 1);
	late = fork();
	if (late == 0)
		refuse_late(listener);
	assert_int_equal(rn_http_call(there, "PUT", "/large", body, &reply, NULL), 0);
	assert_int_equal(reply.status, 413);
	assert_int_equal(waitpid(late, &status, 0), late);
	assert_int_equal(status, 0);
	rn_http_reply_done(&reply);
	close(listener);
	unlink(there);
	free(body);
}

/* The header says how much it would be: the answer comes before any of it. */
static void test_body_declared(void **state)
{
	static const char *const targets[] = {"/b", "/large"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		char text[1024] = "";
		size_t size = 0;
		ssize_t got;
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		dprintf(fd, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n", targets[i]);
		while ((got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
			size += (size_t)got;
		assert_int_equal(strncmp(text, "HTTP/1.1 413 ", 13), 0);
		assert_non_null(strstr(text, "large"));
		close(fd);
	}
}

struct lines {
	unsigned count, stop;
	char last[32];
};

static bool line(void *context, const char *text)
{
	struct lines *lines = context;

	snprintf(lines->last, sizeof(lines->last), "%s", text);
	return ++lines->count != lines->stop;
}

static void test_stream(void **state)
{
	struct rn_http_reply reply;
	struct lines all = {0}, some = {.stop = 2};

	(void)state;
	assert_int_equal(rn_http_follow(path, "/stream", NULL, line, &all, &reply, NULL), 0);
	assert_int_equal(all.count, 5);
	assert_string_equal(all.last, "id: 5");
	rn_http_reply_done(&reply);
	assert_int_equal(rn_http_follow(path, "/stream", "7", line, &some, &reply, NULL), 0);
	assert_int_equal(some.count, 2);
	rn_http_reply_done(&reply);
	assert_int_equal(rn_http_follow(path, "/method", NULL, line, &some, &reply, NULL), 0);
	assert_int_equal(reply.status, 405);
	assert_string_equal(reply.body, "GET");
	rn_http_reply_done(&reply);
}

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, sizeof(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static ssize_t raw(const char *request, char *out, size_t size)
{
	int fd = dial();
	ssize_t got, at = 0;

	assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
	shutdown(fd, SHUT_WR);
	while (at < (ssize_t)size - 1 && (got = read(fd, out + at, size - 1 - (size_t)at)) > 0)
		at += got;
	out[at] = '\0';
	close(fd);
	return at;
}

static void test_broken_requests(void **state)
{
	static const char *const broken[] = {"GET\r\n\r\n",
					     "\r\n\r\n\r\n",
					     "GET /a HTTP/9.9\r\n\r\n",
					     "GET /a HTTP/1.1\r\n\r\n",
					     "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
					     "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
	char out[4096], *long_header = calloc(1, 128 * 1024);

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (raw(broken[i], out, sizeof(out)) > 0)
			assert_null(strstr(out, " 200 "));
	strcpy(long_header, "GET /a HTTP/1.1\r\nHost: x\r\nX: ");
	memset(long_header + strlen(long_header), 'x', 100 * 1024);
	strcat(long_header, "\r\n\r\n");
	if (raw(long_header, out, sizeof(out)) > 0)
		assert_null(strstr(out, " 200 "));
	free(long_header);
	expect("GET", "/a", NULL, 200, "GET /a 0 q=-");
}

static void test_readers_that_leave(void **state)
{
	static const char request[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
			  late[] = "GET /late HTTP/1.1\r\nHost: x\r\n\r\n";

	(void)state;
	for (int i = 0; i < 20; i++) {
		int fd = dial();

		assert_true(write(fd, i & 1 ? request : late, strlen(i & 1 ? request : late)) > 0);
		close(fd);
	}
	expect("GET", "/late", NULL, 200, "late");
}

/* Another user reaches the socket by its group and is told no, and its body is not kept. */
static void test_stranger(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	chmod(directory, 0755);
	child = fork();
	if (child == 0) {
		struct rn_http_reply reply = {0};
		int code = seteuid(65534);

		code = code == 0 ? rn_http_call(path, "POST", "/a", "{}", &reply, NULL) : -1;
		_exit(code == 0 && reply.status == 403 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	child = fork();
	if (child == 0) {
		struct rn_http_reply reply = {0};
		/* under sudo root is in group 0 by a supplementary group too */
		int code = setgroups(0, NULL) == 0 && setegid(65534) == 0 && seteuid(65534) == 0
			       ? rn_http_call(path, "GET", "/a", NULL, &reply, NULL)
			       : -1;

		_exit(code == -EACCES ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_listen(void **state)
{
	struct rn_err err = {""};
	char other[80];
	struct stat st;
	int fd = -1;

	(void)state;
	assert_int_equal(rn_api_listen(path, &fd, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another process"));
	snprintf(other, sizeof(other), "%s/t", directory);
	for (int i = 0; i < 2; i++) { /* the second time over a stale one */
		assert_int_equal(rn_api_listen(other, &fd, &err), 0);
		assert_int_equal(stat(other, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0660);
		close(fd);
	}
	unlink(other);
	assert_int_equal(rn_api_listen("/nonexistent/x/api.sock", &fd, &err), -ENOENT);
	assert_int_equal(rn_http_call(other, "GET", "/a", NULL, &(struct rn_http_reply){0}, &err), -ECONNREFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_body_bounds),
	    cmocka_unit_test(test_late_refusal),
	    cmocka_unit_test(test_body_declared),
	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_broken_requests),
	    cmocka_unit_test(test_readers_that_leave),
	    cmocka_unit_test(test_stranger),
	    cmocka_unit_test(test_listen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
