/* SPDX-License-Identifier: Apache-2.0 */
#include "api/local_door.h"

#include <stdlib.h>

/* A request of sys/http in the shape that the router knows. */
struct local_request {
	struct rn_api_request api; /* first: the router's pointer is ours */
	struct rn_http_request *http;
	struct rn_api_stream stream;
};

static struct rn_http_request *http_of(struct rn_api_request *request)
{
	return ((struct local_request *)request)->http;
}

static void answer(struct rn_api_request *request, const struct rn_api_answer *in)
{
	rn_http_answer(
	    http_of(request),
	    &(struct rn_http_answer){
		.status = in->status, .type = in->type, .body = in->body, .size = in->size, .allow = in->allow});
	free(request);
}

static ssize_t fill(void *context, char *out, size_t size)
{
	struct local_request *r = context;

	return r->stream.fill(r->stream.context, out, size);
}

static void gone(void *context)
{
	struct local_request *r = context;

	r->stream.gone(r->stream.context);
	free(r);
}

static void stream(struct rn_api_request *request, const struct rn_api_stream *in)
{
	struct local_request *r = (struct local_request *)request;

	r->stream = *in;
	rn_http_stream(r->http, &(struct rn_http_stream){.type = in->type, .context = r, .fill = fill, .gone = gone});
}

static void wake(struct rn_api_request *request)
{
	rn_http_wake(http_of(request));
}

static const char *query(struct rn_api_request *request, const char *name)
{
	return rn_http_query(http_of(request), name);
}

static void query_each(struct rn_api_request *request, bool (*each)(void *context, const char *name), void *context)
{
	rn_http_query_each(http_of(request), each, context);
}

static void drop(struct rn_api_request *request)
{
	request->body = "";
	request->size = 0;
	rn_http_drop_body(http_of(request));
}

static const struct rn_api_door door = {answer, stream, wake, query, drop, query_each};

void rn_local_door_take(struct rn_core *core, struct rn_streams *streams, struct rn_http_request *http)
{
	struct local_request *r = calloc(1, sizeof(*r));
	const char *last = rn_http_header(http, "Last-Event-ID");
	struct rn_api_call *call;

	if (!r) {
		rn_http_answer(http, &(struct rn_http_answer){.status = 500});
		return;
	}
	r->http = http;
	r->api = (struct rn_api_request){
	    .door = &door,
	    .method = rn_http_method(http),
	    .path = rn_http_path(http),
	    .last_event = last ? last : "",
	    .cookie = "",
	    .bearer = "",
	    .csrf = "",
	    .root = rn_http_trusted(http),
	    .too_large = rn_http_too_large(http),
	};
	r->api.body = rn_http_body(http, &r->api.size);
	call = rn_api_admit(core, streams, &r->api);
	if (call)
		rn_api_handle(call);
}
