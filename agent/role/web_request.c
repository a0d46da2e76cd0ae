/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "role/web.h"

/* A request from its header to its route: judged, refused, given a file, or sent on to core. */

#define POLICY                                                                                                         \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "          \
	"font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "                               \
	"require-trusted-types-for 'script'"
#define HEADERS                                                                                                        \
	{"Content-Security-Policy", POLICY}, {"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"},       \
	    {"Referrer-Policy", "no-referrer"}, {"Cross-Origin-Opener-Policy", "same-origin"},                         \
	    {"Cross-Origin-Resource-Policy", "same-origin"},                                                           \
	{                                                                                                              \
		"Permissions-Policy",                                                                                  \
		    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"                 \
	}

const struct rn_http_header web_headers_plain[] = {HEADERS, {NULL, NULL}};
const struct rn_http_header web_headers_secure[] = {
    HEADERS, {"Strict-Transport-Security", "max-age=31536000"}, {NULL, NULL}};

void web_refuse(struct rn_http_request *request, struct rn_web_verdict verdict, unsigned retry_after, bool close)
{
	struct rn_json *root = rn_json_object(), *error = rn_json_object();
	struct rn_http_header headers[] = {{NULL, NULL}, {NULL, NULL}};
	struct rn_http_answer answer = {.status = verdict.status, .type = "application/json", .headers = headers};
	char seconds[12];

	rn_json_add_text(error, "code", verdict.code);
	rn_json_add_text(error, "message", verdict.message);
	rn_json_add(root, "error", error);
	answer.body = rn_json_print(root, false);
	answer.size = answer.body ? strlen(answer.body) : 0;
	answer.close = close;
	answer.allow = verdict.status == 405 ? "GET, HEAD" : NULL;
	rn_json_free(root);
	snprintf(seconds, sizeof(seconds), "%u", retry_after);
	if (retry_after)
		headers[0] = (struct rn_http_header){"Retry-After", seconds};
	rn_http_answer(request, &answer);
}

static bool add_header(void *context, const char *name, const char *value)
{
	rn_web_head_add(context, name, value);
	return true;
}

static struct rn_web_verdict judge(const struct web_server *server, struct rn_http_request *request,
				   struct rn_web_head *head, struct rn_web_request *ask, uint8_t *query)
{
	memset(head, 0, sizeof(*head));
	rn_http_header_each(request, add_header, head);
	return rn_web_head_judge(head, rn_http_method(request), rn_http_target(request), server->secure, ask, query);
}

static void forget(struct rn_web_request *ask)
{
	rn_wipe(ask, sizeof(*ask));
}

static const struct rn_web_request *set_source(struct rn_web_request *ask, const struct rn_http_request *request)
{
	ask->source = rn_http_source(request);
	return ask;
}

void web_on_head(void *context, struct rn_http_request *request)
{
	struct web_server *server = context;
	uint8_t query[RN_WEB_QUERY_MAX];
	struct rn_web_request ask;
	struct rn_web_head head;
	struct rn_web_verdict verdict = judge(server, request, &head, &ask, query);

	rn_http_expect(request, ask.body_size);
	/* What is malformed may be two requests for somebody between us and the client: nothing more is read of it. */
	if (verdict.status)
		web_refuse(request, verdict, 0, verdict.status != 403 && verdict.status != 421);
	else if (ask.body_size > RN_WEB_BODY_MAX)
		web_exchange_announce(server->web, request, set_source(&ask, request));
	forget(&ask);
}

/* A whole request. */
static void take(struct web_server *server, struct rn_http_request *request)
{
	uint8_t query[RN_WEB_QUERY_MAX];
	struct rn_web_request ask;
	struct rn_web_head head;
	struct rn_web_verdict verdict = judge(server, request, &head, &ask, query);

	if (verdict.status) {
		web_refuse(request, verdict, 0, true);
	} else if (strncmp(ask.path, "/api/", 5) == 0) {
		web_exchange_begin(server->web, request, set_source(&ask, request));
	} else {
		web_page(request, &head, ask.path, rn_http_method(request));
	}
	forget(&ask);
}

void web_on_request(void *context, struct rn_http_request *request)
{
	if (rn_http_context(request))
		web_exchange_go_on(rn_http_context(request));
	else
		take(context, request);
}
