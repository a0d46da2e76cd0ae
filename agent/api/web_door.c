/* SPDX-License-Identifier: Apache-2.0 */
#include "api/web_door.h"

#include <stdlib.h>
#include <string.h>

#include "proto/web.h"

/* Requests in memory: under way, and those whose reader left before core had an answer. */
#define ALL_MAX (2 * RN_WEB_REQUESTS_MAX)
#define BODIES_MAX (32u << 20)	/* bytes of requests that are being put together */
#define LARGE_MAX (2 * RN_WEB_LARGE_BODY_MAX) /* the same of those that are larger than most may be */
#define ANSWERS_MAX (96u << 20) /* bytes of answers that wait to leave, but for the small ones of busy */

struct web_request {
	struct rn_api_request api; /* first: the router's pointer is ours */
	struct rn_web_door *door;
	struct web_request *next;
	uint64_t session;
	struct rn_api_call *call; /* waits for the body */
	bool answered, gone;
	struct rn_web_request head;
	uint8_t query[RN_WEB_QUERY_MAX];
	char *body;
	size_t room, expected, arrived; /* expected and arrived: also of a body that nobody keeps */
	char *out;			/* of an answer */
	size_t out_size, out_at;
	bool streaming;
	struct rn_api_stream stream;
	uint32_t credit;
};

struct rn_web_door {
	struct rn_core *core;
	struct rn_streams *streams;
	struct web_request *first;
	unsigned live, all;
	uint64_t newest; /* session */
	size_t bodies, large, answers;
};

static const struct rn_api_door api_door;

/* ---- requests ---- */

static struct web_request *find(struct rn_web_door *door, uint64_t session)
{
	struct web_request *r = door->first;

	while (r && (r->session != session || r->gone))
		r = r->next;
	return r;
}

static void unlink_request(struct web_request *r)
{
	struct web_request **at = &r->door->first;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	r->door->all--;
}

/* Large bodies have room of their own, so that they keep nobody else waiting. */
static size_t *pool(struct web_request *r)
{
	return r->expected > RN_WEB_BODY_MAX ? &r->door->large : &r->door->bodies;
}

static void drop_body(struct web_request *r)
{
	if (r->body)
		rn_wipe(r->body, r->api.size); /* it may hold a password */
	free(r->body);
	*pool(r) -= r->room;
	r->body = NULL;
	r->room = r->api.size = 0;
}

static void drop_answer(struct web_request *r)
{
	r->door->answers -= r->out_size;
	if (r->out)
		rn_wipe(r->out, r->out_size); /* it may hold a token */
	free(r->out);
	r->out = NULL;
	r->out_size = r->out_at = 0;
}

static void request_free(struct web_request *r)
{
	unlink_request(r);
	drop_body(r);
	drop_answer(r);
	rn_wipe(&r->head, sizeof(r->head));
	free(r);
}

/* The reader has left. What core is still working on is freed when it answers, which may be within this. */
static void leave(struct web_request *r)
{
	r->gone = true;
	r->door->live--;
	if (r->streaming) {
		r->streaming = false;
		r->stream.gone(r->stream.context);
	}
	if (r->call) {
		rn_api_call_free(r->call);
		r->call = NULL;
		r->answered = true;
	}
	if (r->answered)
		request_free(r);
	else if (r->api.cancel_by)
		rn_core_policy_cancel(r->door->core, r->api.cancel_by);
}

/* ---- answers ---- */

static int say_head(struct web_request *r, const struct rn_web_answer *answer)
{
	uint8_t block[1024];
	int size = rn_web_answer_encode(answer, block, sizeof(block));
	struct rn_local local = {
	    .type = RN_LOCAL_WEB_ANSWER, .session = r->session, .block = block, .block_size = (size_t)size};

	return size < 0 ? size : rn_core_web_send(r->door->core, &local);
}

/* One piece of at most the credit; false: nothing more can leave now. */
static bool say_piece(struct web_request *r)
{
	size_t size = r->credit < RN_WEB_PIECE_MAX ? r->credit : RN_WEB_PIECE_MAX;
	struct rn_local local = {.type = RN_LOCAL_WEB_PIECE, .session = r->session};
	char piece[16384];
	ssize_t got;

	if (!size || !rn_core_web_ready(r->door->core))
		return false;
	if (r->streaming) {
		got = r->stream.fill(r->stream.context, piece, size < sizeof(piece) ? size : sizeof(piece));
		if (got == 0)
			return false;
		local.block = (const uint8_t *)piece;
		local.block_size = got > 0 ? (size_t)got : 0;
		local.role = got < 0;
	} else if (r->out_at < r->out_size) {
		local.block = (const uint8_t *)r->out + r->out_at;
		local.block_size = size < r->out_size - r->out_at ? size : r->out_size - r->out_at;
		local.role = local.block_size == r->out_size - r->out_at;
		r->out_at += local.block_size;
	} else {
		return false;
	}
	r->credit -= (uint32_t)local.block_size;
	if (rn_core_web_send(r->door->core, &local) < 0)
		return false;
	if (local.role && r->streaming) {
		r->streaming = false;
		r->stream.gone(r->stream.context);
	} else if (local.role) {
		drop_answer(r);
	}
	return !local.role;
}

static void pump(struct web_request *r)
{
	while (!r->gone && say_piece(r))
		;
}

/* A piece of each in turn, so that a fast reader does not keep the others waiting. */
static void pump_all(void *context)
{
	struct rn_web_door *door = context;
	bool more = true;

	while (more) {
		more = false;
		for (struct web_request *r = door->first; r; r = r->next)
			if (!r->gone && say_piece(r))
				more = true;
	}
}

static void copy(char *out, size_t size, const char *text)
{
	size_t length = text ? strnlen(text, size - 1) : 0;

	memcpy(out, text ? text : "", length);
	out[length] = '\0';
}

static void send_answer(struct web_request *r, const struct rn_api_answer *in)
{
	struct rn_web_answer head = {.status = (uint16_t)in->status, .retry_after = in->retry_after};
	r->answered = true;
	drop_body(r);
	if (r->gone) {
		free(in->body);
		request_free(r);
		return;
	}
	copy(head.type, sizeof(head.type), in->body ? in->type : NULL);
	copy(head.allow, sizeof(head.allow), in->allow);
	copy(head.cookie, sizeof(head.cookie), in->cookie);
	head.body_size = (uint32_t)in->size;
	say_head(r, &head);
	rn_wipe(&head, sizeof(head));
	if (!in->size) {
		free(in->body);
		return;
	}
	r->out = in->body;
	r->out_size = in->size;
	r->door->answers += in->size;
	pump(r);
}

static void busy(struct web_request *r)
{
	static const char text[] = "{\"error\":{\"code\":\"unavailable\",\"message\":\"too much at once: try again\"}}";
	struct rn_api_answer full = {.status = 503, .retry_after = 1, .type = "application/json", .body = strdup(text)};

	full.size = full.body ? sizeof(text) - 1 : 0;
	send_answer(r, &full);
}

/* A long answer that many slow readers ask for at once must not fill the memory. */
static void answer(struct rn_api_request *request, const struct rn_api_answer *in)
{
	struct web_request *r = (struct web_request *)request;

	if (r->gone || r->door->answers + in->size <= ANSWERS_MAX) {
		send_answer(r, in);
		return;
	}
	free(in->body);
	busy(r);
}

static void stream(struct rn_api_request *request, const struct rn_api_stream *in)
{
	struct web_request *r = (struct web_request *)request;
	struct rn_web_answer head = {.status = 200, .stream = 1};

	r->answered = true;
	drop_body(r);
	if (r->gone) {
		in->gone(in->context);
		request_free(r);
		return;
	}
	copy(head.type, sizeof(head.type), in->type);
	r->stream = *in;
	r->streaming = true;
	say_head(r, &head);
	pump(r);
}

static void wake(struct rn_api_request *request)
{
	pump((struct web_request *)request);
}

static const char *query(struct rn_api_request *request, const char *name)
{
	return rn_web_query(&((struct web_request *)request)->head, name);
}

static void query_each(struct rn_api_request *request, bool (*each)(void *context, const char *name), void *context)
{
	rn_web_query_each(&((struct web_request *)request)->head, each, context);
}

static void drop(struct rn_api_request *request)
{
	drop_body((struct web_request *)request);
}

static const struct rn_api_door api_door = {answer, stream, wake, query, drop, query_each};

/* ---- what web says ---- */

static struct web_request *request_new(struct rn_web_door *door, uint64_t session, const struct rn_web_request *head)
{
	struct web_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct web_request){.door = door, .next = door->first, .session = session, .head = *head};
	if (head->query_size)
		memcpy(r->query, head->query, head->query_size);
	r->head.query = r->query;
	r->credit = RN_WEB_WINDOW;
	r->expected = head->body_size;
	r->api = (struct rn_api_request){
	    .door = &api_door,
	    .method = rn_web_method_name(head->method),
	    .path = r->head.path,
	    .last_event = r->head.last_event,
	    .cookie = r->head.cookie,
	    .bearer = r->head.bearer,
	    .csrf = r->head.csrf,
	    .source = head->source,
	    .web = true,
	};
	door->first = r;
	door->live++;
	door->all++;
	return r;
}

/* The whole body is there. */
static void go_on(struct web_request *r)
{
	struct rn_api_call *call = r->call;

	r->call = NULL;
	rn_api_handle(call);
}

static bool take_request(struct rn_web_door *door, const struct rn_local *message)
{
	struct rn_web_request head;
	struct web_request *r;

	if (message->session <= door->newest || door->live >= RN_WEB_REQUESTS_MAX ||
	    rn_web_request_decode(message->block, message->block_size, &head) < 0)
		return false;
	door->newest = message->session;
	r = request_new(door, message->session, &head);
	rn_wipe(&head, sizeof(head));
	if (!r)
		return false;
	if (door->all > ALL_MAX) {
		busy(r);
		return true;
	}
	r->call = rn_api_admit(door->core, door->streams, &r->api);
	rn_wipe(r->head.cookie, sizeof(r->head.cookie));
	rn_wipe(r->head.bearer, sizeof(r->head.bearer));
	rn_wipe(r->head.csrf, sizeof(r->head.csrf));
	if (!r->call)
		return true;
	r->api.too_large = r->expected > rn_api_body_max(r->call);
	if (!r->expected || r->api.too_large)
		go_on(r);
	return true;
}

static bool keep(struct web_request *r, const struct rn_local *message)
{
	size_t needed = r->api.size + message->block_size;

	if (needed > r->room) {
		size_t room = 2 * needed < r->expected ? 2 * needed : r->expected;
		size_t most = r->expected > RN_WEB_BODY_MAX ? LARGE_MAX : BODIES_MAX;
		/* Not realloc, which would leave what it moved. */
		char *grown = room - r->room <= most - *pool(r) ? malloc(room) : NULL;
		size_t size = r->api.size;

		if (!grown)
			return false;
		if (size)
			memcpy(grown, r->body, size);
		drop_body(r);
		r->body = grown;
		r->room = room;
		r->api.size = size;
		*pool(r) += room;
	}
	memcpy(r->body + r->api.size, message->block, message->block_size);
	r->api.size = needed;
	r->api.body = r->body;
	return true;
}

static bool take_body(struct rn_web_door *door, const struct rn_local *message)
{
	struct web_request *r = find(door, message->session);

	if (!r || !message->block_size || message->block_size > RN_WEB_PIECE_MAX ||
	    message->block_size > r->expected - r->arrived)
		return false;
	r->arrived += message->block_size;
	if (!r->call)
		return true; /* answered already: nobody keeps it */
	if (!keep(r, message)) {
		rn_api_call_free(r->call);
		r->call = NULL;
		busy(r);
	} else if (r->arrived == r->expected) {
		go_on(r);
	}
	return true;
}

static bool take_credit(struct rn_web_door *door, const struct rn_local *message)
{
	struct web_request *r = find(door, message->session);

	if (!r || message->number > RN_WEB_WINDOW - r->credit)
		return false;
	r->credit += message->number;
	pump(r);
	return true;
}

static bool take_gone(struct rn_web_door *door, const struct rn_local *message)
{
	struct web_request *r = find(door, message->session);

	if (r)
		leave(r);
	return r != NULL;
}

static bool receive(void *context, const struct rn_local *message)
{
	struct rn_web_door *door = context;

	switch ((int)message->type) {
	case RN_LOCAL_WEB_HELLO:
		return true;
	case RN_LOCAL_WEB_REQUEST:
		return take_request(door, message);
	case RN_LOCAL_WEB_BODY:
		return take_body(door, message);
	case RN_LOCAL_WEB_CREDIT:
		return take_credit(door, message);
	case RN_LOCAL_WEB_GONE:
		return take_gone(door, message);
	default:
		return false;
	}
}

static void gone(void *context)
{
	struct rn_web_door *door = context;
	struct web_request *next;

	for (struct web_request *r = door->first; r; r = next) {
		next = r->next;
		if (!r->gone)
			leave(r);
	}
	door->newest = 0;
}

/* ---- life ---- */

struct rn_web_door *rn_web_door_new(struct rn_core *core, struct rn_streams *streams)
{
	struct rn_web_door *door = calloc(1, sizeof(*door));

	if (!door)
		return NULL;
	door->core = core;
	door->streams = streams;
	rn_core_on_web(core, &(struct rn_core_web){door, receive, gone, pump_all});
	return door;
}

void rn_web_door_free(struct rn_web_door *door)
{
	if (!door)
		return;
	rn_core_on_web(door->core, NULL);
	gone(door);
	for (struct web_request *r = door->first, *next; r; r = next) {
		next = r->next;
		request_free(r);
	}
	free(door);
}
