/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/web_head.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/web_target.h"

#define LENGTH_DIGITS 10

static const struct {
	const char *name;
	size_t at;
	bool once;
} known[] = {
#define KNOWN(name, member, once)                                                                                      \
	{                                                                                                              \
		name, offsetof(struct rn_web_head, member), once                                                       \
	}
    KNOWN("Host", host, true),
    KNOWN("Origin", origin, true),
    KNOWN("Sec-Fetch-Site", fetch_site, true),
    KNOWN("Content-Length", length, true),
    KNOWN("Transfer-Encoding", coding, true),
    KNOWN("Cookie", cookie, true),
    KNOWN("Authorization", authorization, true),
    KNOWN("X-Rnaut-Csrf", csrf, true),
    KNOWN("Last-Event-ID", last_event, true),
    KNOWN("Accept-Encoding", accept_encoding, false),
    KNOWN("If-None-Match", if_none_match, false),
#undef KNOWN
};

static bool token(const char *text)
{
	size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~");

	return size && !text[size];
}

static bool plain(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

void rn_web_head_add(struct rn_web_head *head, const char *name, const char *value)
{
	if (++head->count > RN_WEB_HEADERS_MAX)
		head->more = true;
	if (!token(name) || !plain(value))
		head->broken = true;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char **slot = (const char **)((char *)head + known[i].at);

		if (strcasecmp(known[i].name, name) != 0)
			continue;
		if (*slot && known[i].once)
			head->broken = true;
		*slot = value;
	}
}

/* What does not fit, or is not visible ASCII, is nothing that we gave: it is left out, and core says 401. */
static void copy(char *out, size_t size, const char *text, size_t length)
{
	if (length >= size)
		length = 0;
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			length = 0;
	memcpy(out, text, length);
	out[length] = '\0';
}

/* False: the cookie is there twice. */
static bool read_cookie(const char *text, char *out, size_t size)
{
	const size_t name = strlen(RN_WEB_COOKIE);
	bool found = false;

	for (; text; text = strchr(text, ';')) {
		text += strspn(text, "; \t");
		if (strncmp(text, RN_WEB_COOKIE, name) != 0 || text[name] != '=')
			continue;
		if (found)
			return false;
		found = true;
		copy(out, size, text + name + 1, strcspn(text + name + 1, "; \t"));
	}
	return true;
}

static void read_bearer(const char *text, char *out, size_t size)
{
	if (!text || strncasecmp(text, "Bearer ", 7) != 0)
		return;
	text += 7;
	text += strspn(text, " ");
	copy(out, size, text, strlen(text));
}

static bool read_length(const char *text, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t value = 0;

	if (!digits || digits > LENGTH_DIGITS || text[digits])
		return false;
	for (; *text; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	*ret = value;
	return true;
}

static struct rn_web_verdict refuse(unsigned status, const char *code, const char *message)
{
	return (struct rn_web_verdict){status, code, message};
}

/* Another site's page in a browser: it may look at nothing and change nothing. */
static bool same_site(const struct rn_web_head *head, bool secure)
{
	if (head->fetch_site && strcmp(head->fetch_site, "same-origin") != 0 && strcmp(head->fetch_site, "none") != 0)
		return false;
	return !head->origin || rn_web_origin_same(head->origin, head->host, secure);
}

static struct rn_web_verdict judge_body(const struct rn_web_head *head, struct rn_web_request *request)
{
	const bool stranger = !request->cookie[0] && !request->bearer[0];
	uint64_t size = 0;

	if (head->coding)
		return refuse(411, "invalid",
			      "send the body with its Content-Length; no transfer coding is taken here");
	if (head->length && !read_length(head->length, &size))
		return refuse(400, "invalid", "the Content-Length is not a number");
	if (stranger && size > RN_WEB_STRANGER_BODY_MAX)
		return refuse(413, "too_large", "without a session or a token a body may have 64 KiB at most");
	if (size > RN_WEB_LARGE_BODY_MAX)
		return refuse(413, "too_large", "a body may have 34 MiB at most, and of most paths 1 MiB");
	if (size > RN_WEB_BODY_MAX && !rn_web_takes_large(request->path))
		return refuse(413, "too_large", "a body may have 1 MiB at most");
	request->body_size = (uint32_t)size;
	return refuse(0, NULL, NULL);
}

static struct rn_web_verdict judge_target(const struct rn_web_head *head, const char *target, bool secure,
					  struct rn_web_request *request, uint8_t *query_room)
{
	int r;

	if (head->more)
		return refuse(431, "too_large", "a request may have 64 header lines at most");
	if (head->broken || !head->host)
		return refuse(400, "invalid", "a header line is malformed, there twice, or Host is missing");
	if (!rn_web_host_valid(head->host))
		return refuse(400, "invalid", "Host must be a name or an address, and may have a port");
	if (!secure && !rn_web_host_local(head->host))
		return refuse(421, "misdirected", "this port serves http://127.0.0.1 and http://localhost only");
	r = rn_web_target(target, request->path, sizeof(request->path), query_room, RN_WEB_QUERY_MAX,
			  &request->query_size);
	request->query = query_room;
	if (r == -EMSGSIZE)
		return refuse(414, "invalid", "the path or the query is longer than any there is");
	if (r < 0)
		return refuse(400, "invalid", "the target must be a path, and its percent signs well-formed");
	return refuse(0, NULL, NULL);
}

struct rn_web_verdict rn_web_head_judge(const struct rn_web_head *head, const char *method, const char *target,
					bool secure, struct rn_web_request *ret, uint8_t *query_room)
{
	const bool looks = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	struct rn_web_verdict verdict;

	memset(ret, 0, sizeof(*ret));
	ret->secure = secure;
	ret->method = strcmp(method, "HEAD") == 0 ? RN_WEB_GET : (uint8_t)rn_web_method(method);
	verdict = judge_target(head, target, secure, ret, query_room);
	if (verdict.status)
		return verdict;
	if (!looks && !same_site(head, secure))
		return refuse(403, "forbidden", "a page of another origin may not do this");
	if (!read_cookie(head->cookie, ret->cookie, sizeof(ret->cookie)))
		return refuse(400, "invalid", "the session cookie is there twice");
	read_bearer(head->authorization, ret->bearer, sizeof(ret->bearer));
	if (head->csrf)
		copy(ret->csrf, sizeof(ret->csrf), head->csrf, strlen(head->csrf));
	if (head->last_event)
		copy(ret->last_event, sizeof(ret->last_event), head->last_event, strlen(head->last_event));
	return judge_body(head, ret);
}

bool rn_web_takes_gzip(const char *accept_encoding)
{
	for (const char *at = accept_encoding; at && *at; at += strcspn(at, ",")) {
		size_t size;

		at += strspn(at, ", \t");
		size = strcspn(at, ",; \t");
		if (size == 4 && strncasecmp(at, "gzip", 4) == 0) {
			const char *weight = at + 4 + strspn(at + 4, "; \t");

			/* q=0 and its decimals: not wanted */
			return strncasecmp(weight, "q=0", 3) != 0 ||
			       strspn(weight + 3, ".0") != strcspn(weight + 3, ", \t");
		}
	}
	return false;
}
