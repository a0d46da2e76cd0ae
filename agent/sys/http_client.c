/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define LINE_MAX_BYTES (64u << 10) /* of a stream; a longer line ends it */

/* More waits for a word: who is refused by his header while he sends loses the answer with the connection. */
#define SENT_AT_ONCE (64u << 10) /* bytes of a body */

struct transfer {
	CURL *curl;
	struct curl_slist *headers;
	struct rn_http_reply reply;
	size_t room;
	bool too_large, stopped;
	bool (*line)(void *context, const char *text); /* NULL: one whole reply */
	void *context;
};

void rn_http_reply_done(struct rn_http_reply *reply)
{
	free(reply->body);
	memset(reply, 0, sizeof(*reply));
}

static bool keep(struct transfer *t, const char *data, size_t size)
{
	size_t limit = t->line && t->reply.status == 200 ? LINE_MAX_BYTES : RN_HTTP_CLIENT_REPLY_MAX;

	if (size > limit || t->reply.size > limit - size) {
		t->too_large = true;
		return false;
	}
	if (t->reply.size + size + 1 > t->room) {
		size_t room = 2 * (t->reply.size + size + 1);
		char *grown = realloc(t->reply.body, room);

		if (!grown)
			return false;
		t->reply.body = grown;
		t->room = room;
	}
	memcpy(t->reply.body + t->reply.size, data, size);
	t->reply.size += size;
	t->reply.body[t->reply.size] = '\0';
	return true;
}

/* Gives every whole line that is kept to its reader and keeps the rest. */
static void give_lines(struct transfer *t)
{
	char *start = t->reply.body, *end;

	while (start && !t->stopped && (end = memchr(start, '\n', t->reply.size - (size_t)(start - t->reply.body)))) {
		*end = '\0';
		t->stopped = !t->line(t->context, start);
		start = end + 1;
	}
	if (!start)
		return;
	t->reply.size -= (size_t)(start - t->reply.body);
	memmove(t->reply.body, start, t->reply.size);
	t->reply.body[t->reply.size] = '\0';
}

static size_t on_data(char *data, size_t one, size_t size, void *context)
{
	struct transfer *t = context;

	(void)one;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->reply.status);
	if (!keep(t, data, size))
		return 0;
	if (t->line && t->reply.status == 200)
		give_lines(t);
	return t->stopped ? 0 : size;
}

static int header(struct transfer *t, const char *text)
{
	struct curl_slist *grown = curl_slist_append(t->headers, text);

	if (!grown)
		return -ENOMEM;
	t->headers = grown;
	return 0;
}

static int prepare(struct transfer *t, const char *socket, const char *method, const char *path)
{
	char url[1024];
	int length = snprintf(url, sizeof(url), "http://rnaut%s", path);

	if (length < 0 || (size_t)length >= sizeof(url))
		return -ENAMETOOLONG;
	t->curl = curl_easy_init();
	if (!t->curl)
		return -ENOMEM;
	curl_easy_setopt(t->curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(t->curl, CURLOPT_URL, url);
	curl_easy_setopt(t->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
	return 0;
}

static int result(struct transfer *t, CURLcode code, const char *socket, struct rn_err *err)
{
	long number = 0;

	curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_OK || t->stopped)
		return 0;
	if (code == CURLE_COULDNT_CONNECT && (number == EACCES || number == EPERM))
		return rn_fail(err, -EACCES, "%s is closed to this user: run the command with sudo", socket);
	if (code == CURLE_COULDNT_CONNECT)
		return rn_fail(err, -ECONNREFUSED,
			       "rnautd core does not answer on %s: start it with systemctl start rnautd.target",
			       socket);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return rn_fail(err, -ETIMEDOUT, "rnautd core did not answer within %d s: see its log",
			       RN_HTTP_CLIENT_TIMEOUT_S);
	if (t->too_large)
		return rn_fail(err, -EMSGSIZE, "the answer is larger than this program takes");
	return rn_fail(err, -EIO, "the connection to rnautd core broke: %s", curl_easy_strerror(code));
}

static void transfer_done(struct transfer *t)
{
	curl_slist_free_all(t->headers);
	curl_easy_cleanup(t->curl);
	rn_http_reply_done(&t->reply);
}

static int perform(struct transfer *t, const char *socket, struct rn_http_reply *ret, struct rn_err *err)
{
	int code;

	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	code = result(t, curl_easy_perform(t->curl), socket, err);
	if (code < 0)
		return code;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->reply.status);
	*ret = t->reply;
	memset(&t->reply, 0, sizeof(t->reply));
	if (!ret->body)
		ret->body = calloc(1, 1);
	return ret->body ? 0 : rn_fail(err, -ENOMEM, "out of memory");
}

int rn_http_call(const char *socket, const char *method, const char *path, const char *body, struct rn_http_reply *ret,
		 struct rn_err *err)
{
	struct transfer t = {.line = NULL};
	int code = prepare(&t, socket, method, path);

	if (code == 0 && body)
		code = header(&t, "Content-Type: application/json");
	if (code == 0 && body)
		code = header(&t, strlen(body) > SENT_AT_ONCE ? "Expect: 100-continue" : "Expect:");
	if (code < 0) {
		rn_fail(err, code, "the request cannot be made: %s", strerror(-code));
		goto out;
	}
	curl_easy_setopt(t.curl, CURLOPT_TIMEOUT, (long)RN_HTTP_CLIENT_TIMEOUT_S);
	if (body) {
		curl_easy_setopt(t.curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 1000L * RN_HTTP_CLIENT_TIMEOUT_S);
		curl_easy_setopt(t.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
		curl_easy_setopt(t.curl, CURLOPT_POSTFIELDS, body);
	}
	code = perform(&t, socket, ret, err);
out:
	transfer_done(&t);
	return code;
}

int rn_http_follow(const char *socket, const char *path, const char *last_event_id,
		   bool (*line)(void *context, const char *text), void *context, struct rn_http_reply *ret,
		   struct rn_err *err)
{
	struct transfer t = {.line = line, .context = context};
	char text[96];
	int code = prepare(&t, socket, "GET", path);

	snprintf(text, sizeof(text), "Last-Event-ID: %.64s", last_event_id ? last_event_id : "");
	if (code == 0 && last_event_id)
		code = header(&t, text);
	if (code == 0)
		code = perform(&t, socket, ret, err);
	else
		rn_fail(err, code, "the request cannot be made: %s", strerror(-code));
	transfer_done(&t);
	return code;
}
