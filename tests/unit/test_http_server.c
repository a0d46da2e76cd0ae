/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server on TCP and TLS: deadlines, limits, hang-ups, and what is no request, with real sockets on loopback.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/http.h"
#include "sys/x509_console.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BIG (4u << 20)

static const struct rn_http_limits limits = {.connections_max = 24,
					     .source_max = 8,
					     .handshake_ms = 400,
					     .header_ms = 400,
					     .idle_ms = 800,
					     .body_ms = 400,
					     .body_rate = 1000,
					     .answer_ms = 600};
static const struct rn_http_header headers[] = {{"X-Mark", "everywhere"}, {NULL, NULL}};
static uint16_t plain_port, tls_port;
static pid_t server;

/* --- the server, in a child --- */

static struct rn_loop *loop;
static unsigned handled, gone_count;
static struct rn_http_request *waiting;
static char *big;

static void say(struct rn_http_request *request, unsigned status, const char *text)
{
	rn_http_answer(request,
		       &(struct rn_http_answer){
			   .status = status, .type = "text/plain", .body = strdup(text), .size = strlen(text)});
}

static ssize_t silent(void *context, char *out, size_t size)
{
	(void)context;
	(void)out;
	(void)size;
	return 0;
}

static void nothing(void *context)
{
	(void)context;
}

static bool is_bad_length(void *context, const char *name, const char *value)
{
	bool *bad = context;

	if (strcasecmp(name, "Content-Length") == 0 &&
	    (!*value || value[strspn(value, "0123456789")] || strlen(value) > 18))
		*bad = true;
	return true;
}

static void head(void *context, struct rn_http_request *request)
{
	bool bad = false;

	(void)context;
	rn_http_header_each(request, is_bad_length, &bad);
	if (bad)
		rn_http_answer(request, &(struct rn_http_answer){.status = 400, .close = true});
	if (strcmp(rn_http_target(request), "/refuse") == 0)
		rn_http_answer(request, &(struct rn_http_answer){.status = 403, .close = true});
	rn_http_expect(request, 65536);
}

static void handle(void *context, struct rn_http_request *request)
{
	const char *where = rn_http_path(request);
	char text[96];
	size_t size;

	(void)context;
	rn_http_body(request, &size);
	handled++;
	if (strcmp(where, "/never") == 0) {
		waiting = request;
	} else if (strcmp(where, "/stream") == 0) {
		rn_http_stream(request,
			       &(struct rn_http_stream){.type = "text/event-stream", .fill = silent, .gone = nothing});
	} else if (strcmp(where, "/big") == 0) {
		rn_http_answer(
		    request, &(struct rn_http_answer){.status = 200, .type = "text/plain", .fixed = big, .size = BIG});
	} else if (strcmp(where, "/prove") == 0) {
		rn_http_prove(request);
		say(request, 200, "proven");
	} else {
		snprintf(text, sizeof(text), "%s %s %zu handled=%u gone=%u", rn_http_method(request),
			 rn_http_target(request), size, handled, gone_count);
		say(request, 200, text);
	}
}

static void gone(void *context, struct rn_http_request *request)
{
	(void)context;
	gone_count++;
	if (request == waiting)
		waiting = NULL;
}

static char *ca_key, *ca, *other_ca, *key, *certificate;

static void serve(int plain, int tls)
{
	struct rn_http_config config = {
	    .handle = handle, .head = head, .gone = gone, .headers = headers, .limits = &limits};
	struct rn_http *first, *second;
	struct rn_err err;
	int64_t expires;

	signal(SIGPIPE, SIG_IGN);
	big = calloc(1, BIG);
	loop = rn_loop_new();
	first = rn_http_new(loop, plain, &config, &err);
	config.tls = true;
	if (rn_http_tls_load(certificate, key, &expires, &err) < 0)
		_exit(8);
	second = rn_http_new(loop, tls, &config, &err);
	if (!first || !second)
		_exit(9);
	rn_loop_run(loop);
	rn_http_free(first);
	rn_http_free(second);
	rn_http_tls_unload();
	rn_loop_free(loop);
	free(big);
	for (unsigned i = 0; i < 5; i++)
		free(((char *[]){ca_key, ca, other_ca, key, certificate})[i]);
	exit(0);
}

static int listen_any(uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void make_certificates(void)
{
	static const char *const names[] = {"localhost", "127.0.0.1", NULL};
	char *spare = malloc(RN_CONSOLE_PEM_MAX);

	ca_key = malloc(RN_CONSOLE_PEM_MAX);
	ca = malloc(RN_CONSOLE_PEM_MAX);
	other_ca = malloc(RN_CONSOLE_PEM_MAX);
	key = malloc(RN_CONSOLE_PEM_MAX);
	certificate = malloc(RN_CONSOLE_PEM_MAX);
	assert_int_equal(rn_console_ca(time(NULL), ca_key, ca), 0);
	assert_int_equal(rn_console_ca(time(NULL), spare, other_ca), 0);
	assert_int_equal(rn_console_certificate(ca_key, ca, names, time(NULL), key, certificate), 0);
	free(spare);
}

static int set_up(void **state)
{
	int plain = listen_any(&plain_port), tls = listen_any(&tls_port);

	(void)state;
	make_certificates();
	server = fork();
	if (server == 0)
		serve(plain, tls);
	close(plain);
	close(tls);
	return 0;
}

static int tear_down(void **state)
{
	int status;

	(void)state;
	kill(server, SIGTERM);
	waitpid(server, &status, 0);
	for (unsigned i = 0; i < 5; i++)
		free(((char *[]){ca_key, ca, other_ca, key, certificate})[i]);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* --- clients --- */

/* From 127.0.0.HOST. */
static int dial_from(unsigned host, uint16_t port)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host)};
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 8192;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* All that comes until the end of the connection, or for so long. */
static size_t drain(int fd, char *out, size_t size, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t end = now_ms() + wait_ms;
	size_t at = 0;

	while (at < size - 1 && now_ms() < end && poll(&p, 1, (int)(end - now_ms())) == 1) {
		ssize_t got = recv(fd, out + at, size - 1 - at, 0);

		if (got <= 0)
			break;
		at += (size_t)got;
	}
	out[at] = '\0';
	return at;
}

static void put(int fd, const char *text)
{
	assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void ask(const char *request, char *out, size_t size, int wait_ms)
{
	int fd = dial_from(1, plain_port);

	put(fd, request);
	drain(fd, out, size, wait_ms);
	close(fd);
}

/* How long the server keeps the connection, which gets `more` every 50 ms. */
static int64_t kept(int fd, const char *more, int64_t at_most)
{
	int64_t began = now_ms();
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};

	while (now_ms() - began < at_most) {
		if (more && send(fd, more, strlen(more), MSG_NOSIGNAL) < 0)
			break;
		if (poll(&p, 1, 50) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)))
			break;
	}
	return now_ms() - began;
}

/* --- the tests --- */

static void test_plain(void **state)
{
	char out[4096];

	(void)state;
	ask("GET /a?b=%41 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out, sizeof(out), 2000);
	assert_non_null(strstr(out, "HTTP/1.1 200 "));
	assert_non_null(strstr(out, "X-Mark: everywhere"));
	assert_non_null(strstr(out, "GET /a?b=%41 0 "));
	ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", out, sizeof(out), 2000);
	assert_non_null(strstr(out, "POST /a 3 "));
	ask("HEAD /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out, sizeof(out), 2000);
	assert_non_null(strstr(out, "Content-Length: 4194304\r\n"));
	assert_string_equal(strstr(out, "\r\n\r\n"), "\r\n\r\n");
}

/* Two requests at once are two answers, in order. */
static void test_pipeline(void **state)
{
	char out[8192], *first, *second;

	(void)state;
	ask("GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out,
	    sizeof(out), 2000);
	first = strstr(out, "GET /one");
	second = strstr(out, "GET /two");
	assert_true(first && second && first < second);
}

/* What MHD answers by itself has our headers and is JSON; what is refused in `head` ends the connection. */
static void test_no_requests(void **state)
{
	static const struct {
		const char *request, *status;
	} cases[] = {
	    {"GET /a HTTP/9.9\r\n\r\n", "505"},
	    {"GET /a HTTP/0.9\r\n\r\n", "505"},
	    {"GET /a\r\n\r\n", "400"},
	    {"GET /a http/1.1\r\nHost: x\r\n\r\n", "400"},
	    {"GET /a HTTP/1.1x\r\nHost: x\r\n\r\n", "400"},
	    {"GET /a HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "400"},
	    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
	    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400"},
	    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
	    {"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
	     "403"},
	};
	char out[8192], status[32], *line = calloc(1, 128 << 10);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		ask(cases[i].request, out, sizeof(out), 2000);
		snprintf(status, sizeof(status), "HTTP/1.1 %s ", cases[i].status);
		if (strncmp(out, status, strlen(status)) != 0 || !strstr(out, "X-Mark: everywhere") ||
		    !strstr(out, "Cache-Control: no-store") || strstr(strstr(out, "\r\n"), "HTTP/1.1 4") ||
		    strstr(out, "<html") || strstr(out, "smuggled"))
			fail_msg("case %zu: %s", i, out);
	}
	for (unsigned place = 0; place < 2; place++) { /* the target, a header */
		strcpy(line, place ? "GET /a HTTP/1.1\r\nHost: x\r\nX: " : "GET /");
		memset(line + strlen(line), 'x', 100 << 10);
		ask(line, out, sizeof(out), 2000);
		assert_non_null(strstr(out, place ? "HTTP/1.1 431 " : "HTTP/1.1 414 "));
		assert_non_null(strstr(out, "X-Mark: everywhere"));
		assert_non_null(strstr(out, "{\"error\":"));
	}
	free(line);
	/* Without a blank in its first line MHD 0.9.75 says nothing and closes. */
	ask("GARBAGE\r\n\r\n", out, sizeof(out), 2000);
	assert_string_equal(out, "");
}

static void test_deadlines(void **state)
{
	int fd;

	(void)state;
	fd = dial_from(1, plain_port);
	assert_in_range(kept(fd, NULL, 3000), 300, 1500);
	close(fd);
	/* A byte now and then is no request: the header as a whole has its time. */
	fd = dial_from(1, plain_port);
	put(fd, "GET /a HTTP/1.1\r\nHost: x\r\nX: ");
	assert_in_range(kept(fd, "y", 3000), 300, 1500);
	close(fd);
	fd = dial_from(1, plain_port);
	put(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
	assert_in_range(kept(fd, "y", 3000), 300, 1500);
	close(fd);
	/* An honest body at twice the rate is waited for. */
	fd = dial_from(1, plain_port);
	put(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
	assert_in_range(kept(fd,
			     "................................................................................"
			     "................................................................................",
			     1500),
			1400, 3000);
	close(fd);
	/* Between two requests. */
	fd = dial_from(1, plain_port);
	put(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_in_range(kept(fd, NULL, 3000), 700, 2000);
	close(fd);
	/* Who asks for much and reads nothing. */
	fd = dial_from(1, plain_port);
	put(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_in_range(kept(fd, NULL, 5000), 500, 3000);
	close(fd);
	/* A request that waits for us is not hurried. */
	fd = dial_from(1, plain_port);
	put(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_in_range(kept(fd, NULL, 1500), 1400, 3000);
	close(fd);
}

static unsigned told(const char *word)
{
	char out[4096], *at;

	ask("GET /count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out, sizeof(out), 2000);
	at = strstr(out, word);
	assert_non_null(at);
	return (unsigned)strtoul(at + strlen(word), NULL, 10);
}

static void hang_up_on(const char *request, bool reset)
{
	struct linger hard = {1, 0};
	int fd = dial_from(1, plain_port);
	unsigned due;

	put(fd, request);
	usleep(100000);
	due = told("handled=") - told("gone=");
	if (reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	/* Of those handled one less waits: the one who left. */
	for (unsigned i = 0; i < 100; i++) {
		if (told("handled=") - told("gone=") < due)
			return;
		usleep(10000);
	}
	fail_msg("nobody heard that the client left");
}

/* Whoever waits for an answer, or listens to a stream that is silent, and leaves. */
static void test_hang_up(void **state)
{
	(void)state;
	hang_up_on("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", false);
	hang_up_on("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", true);
	hang_up_on("GET /never HTTP/1.1\r\nHost: x\r\n\r\n", true);
}

/* A client that has said all it wants to say still gets its answer. */
static void test_half_closed(void **state)
{
	char out[4096];
	int fd = dial_from(1, plain_port);

	(void)state;
	put(fd, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(fd, SHUT_WR);
	drain(fd, out, sizeof(out), 2000);
	assert_non_null(strstr(out, "GET /half"));
	close(fd);
}

static bool served(unsigned host)
{
	char out[4096];
	int fd = dial_from(host, plain_port);

	send(fd, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 47, MSG_NOSIGNAL);
	drain(fd, out, sizeof(out), 1000);
	close(fd);
	return strstr(out, " 200 ");
}

static void test_source_limit(void **state)
{
	int fds[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		fds[i] = dial_from(9, plain_port);
	usleep(50000);
	assert_false(served(9));
	assert_true(served(10));
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	usleep(50000);
	assert_true(served(9));
}

/* Full of those who send nothing: a new client takes the place of one, and who is known keeps his. */
static void test_eviction(void **state)
{
	int fds[24], known = dial_from(99, plain_port);
	char out[4096];

	(void)state;
	put(known, "GET /prove HTTP/1.1\r\nHost: x\r\n\r\n");
	usleep(50000);
	assert_true(recv(known, out, sizeof(out), 0) > 0);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < COUNT(fds); i++)
			fds[i] = dial_from(20 + i / 8, plain_port);
		assert_true(served(50 + round));
		for (unsigned i = 0; i < COUNT(fds); i++)
			close(fds[i]);
	}
	put(known, "GET /still HTTP/1.1\r\nHost: x\r\n\r\n");
	usleep(50000);
	out[recv(known, out, sizeof(out) - 1, 0)] = '\0';
	assert_non_null(strstr(out, "GET /still"));
	close(known);
}

/* --- TLS --- */

static gnutls_session_t secure(int fd, const char *trusted, const char *priorities,
			       gnutls_certificate_credentials_t *ret, int *ret_code)
{
	gnutls_datum_t text = {(unsigned char *)trusted, (unsigned)strlen(trusted)};
	gnutls_session_t session;

	gnutls_certificate_allocate_credentials(ret);
	gnutls_certificate_set_x509_trust_mem(*ret, &text, GNUTLS_X509_FMT_PEM);
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_priority_set_direct(session, priorities, NULL);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, *ret);
	gnutls_session_set_verify_cert(session, "localhost", 0);
	gnutls_transport_set_int(session, fd);
	gnutls_handshake_set_timeout(session, 2000);
	do {
		*ret_code = gnutls_handshake(session);
	} while (*ret_code < 0 && !gnutls_error_is_fatal(*ret_code));
	return session;
}

/* The handshake's code; out gets the answer to a request. */
static int tls_ask(const char *trusted, const char *priorities, char *out, size_t size)
{
	static const char request[] = "GET /tls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	gnutls_certificate_credentials_t credentials;
	int code, fd = dial_from(1, tls_port);
	gnutls_session_t session = secure(fd, trusted, priorities, &credentials, &code);
	ssize_t got;
	size_t at = 0;

	if (code >= 0) {
		assert_true(gnutls_record_send(session, request, sizeof(request) - 1) > 0);
		while ((got = gnutls_record_recv(session, out + at, size - 1 - at)) > 0)
			at += (size_t)got;
	}
	out[at] = '\0';
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	close(fd);
	return code;
}

static void test_tls(void **state)
{
	static const char *const refused[] = {
	    "NORMAL:-VERS-ALL:+VERS-TLS1.1",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.0",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-CCM",
	};
	static const char *const taken[] = {
	    "NORMAL",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:-GROUP-ALL:+GROUP-SECP256R1",
	};
	char out[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		if (tls_ask(ca, taken[i], out, sizeof(out)) < 0)
			fail_msg("%s", taken[i]);
		assert_non_null(strstr(out, "GET /tls"));
		assert_non_null(strstr(out, "X-Mark: everywhere"));
	}
	for (size_t i = 0; i < COUNT(refused); i++)
		if (tls_ask(ca, refused[i], out, sizeof(out)) >= 0)
			fail_msg("%s", refused[i]);
	assert_true(tls_ask(other_ca, "NORMAL", out, sizeof(out)) < 0);
}

static void test_tls_deadlines(void **state)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	int code, fd = dial_from(1, tls_port);

	(void)state;
	assert_in_range(kept(fd, NULL, 3000), 300, 1500);
	close(fd);
	/* A record that never ends. */
	fd = dial_from(1, tls_port);
	assert_int_equal(send(fd, "\x16\x03\x01\x20\x00", 5, 0), 5);
	assert_in_range(kept(fd, "\x01", 3000), 300, 1500);
	close(fd);
	/* The handshake is done: the header has its own time, from now. */
	fd = dial_from(1, tls_port);
	usleep(300000);
	session = secure(fd, ca, "NORMAL", &credentials, &code);
	assert_true(code >= 0);
	assert_in_range(kept(fd, NULL, 3000), 300, 1500);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	close(fd);
}

static void expect_refused(const char *chain, const char *private, const char *words)
{
	struct rn_err err = {""};
	int64_t expires;

	assert_int_equal(rn_http_tls_load(chain, private, &expires, &err), -EINVAL);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
}

static void test_bad_files(void **state)
{
	static const char *const names[] = {"localhost", NULL};
	char *other_key = malloc(RN_CONSOLE_PEM_MAX), *other = malloc(RN_CONSOLE_PEM_MAX);
	struct rn_err err = {""};
	int64_t expires = 0;

	(void)state;
	assert_int_equal(rn_console_certificate(ca_key, ca, names, time(NULL), other_key, other), 0);
	expect_refused("", key, "PEM certificates");
	expect_refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key, "PEM certificates");
	expect_refused(key, key, "PEM certificates");
	expect_refused(certificate, "", "no private key");
	expect_refused(certificate, certificate, "no private key");
	expect_refused(certificate, other_key, "does not belong");
	for (unsigned i = 0; i < 4; i++) /* again and again: nothing is lost or freed twice */
		assert_int_equal(rn_http_tls_load(i & 1 ? other : certificate, i & 1 ? other_key : key, &expires, &err),
				 0);
	assert_in_range(expires - time(NULL), (RN_CONSOLE_DAYS - 1) * 86400, RN_CONSOLE_DAYS * 86400);
	rn_http_tls_unload();
	free(other);
	free(other_key);
}

static void test_console_certificate(void **state)
{
	static const char *const some[] = {"localhost", "127.0.0.1", NULL}, *const more[] = {"localhost", "gw.example",
											     NULL};
	const int64_t now = time(NULL);

	(void)state;
	assert_true(rn_console_good(ca, certificate, some, now, now + 300 * 86400));
	assert_false(rn_console_good(ca, certificate, some, now, now + 400 * 86400));
	assert_false(rn_console_good(ca, certificate, some, now - 86400, now));
	assert_false(rn_console_good(ca, certificate, more, now, now));
	assert_false(rn_console_good(other_ca, certificate, some, now, now));
	assert_false(rn_console_good(ca, key, some, now, now));
	assert_false(rn_console_good("", certificate, some, now, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),	 cmocka_unit_test(test_pipeline),
	    cmocka_unit_test(test_no_requests),	 cmocka_unit_test(test_deadlines),
	    cmocka_unit_test(test_hang_up),	 cmocka_unit_test(test_half_closed),
	    cmocka_unit_test(test_source_limit), cmocka_unit_test(test_eviction),
	    cmocka_unit_test(test_tls),		 cmocka_unit_test(test_tls_deadlines),
	    cmocka_unit_test(test_bad_files),	 cmocka_unit_test(test_console_certificate),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
