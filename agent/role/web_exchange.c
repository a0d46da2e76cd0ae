/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "role/web.h"
#include "sys/local.h"

/*
 * A request on its way to core and the answer on its way back. What core is to hear of it is never queued: the exchange
 * knows what it owes, and pays when the socket takes it. It outlives its request until core has heard that this is
 * gone.
 */
#define CREDIT_STEP (RN_WEB_WINDOW / 4)
#define ASK_MAX 4096 /* an encoded struct rn_web_request */

struct piece {
	struct piece *next;
	size_t size, at;
	uint8_t data[];
};

struct web_exchange {
	struct web *web;
	struct web_exchange *next, *prev;
	struct rn_http_request *request; /* NULL: gone */
	uint64_t session;
	int64_t since;
	bool head, credential, asked, answered, ended;
	bool whole; /* its body has come */
	bool large; /* counted as such */
	bool orphan; /* core knows nothing of it */
	bool late;   /* what core says of it is not waited for */
	uint8_t ask[ASK_MAX];
	size_t ask_size, body_size, body_sent;
	struct piece *first, **last;
	size_t held;  /* bytes in pieces */
	size_t taken; /* bytes the client took, for which core has not got credit */
};

/* Its large body is in memory no more, or as good as sent. */
static void leave_large(struct web_exchange *e)
{
	e->web->large -= e->large;
	e->large = false;
}

static void drop_pieces(struct web_exchange *e)
{
	while (e->first) {
		struct piece *p = e->first;

		e->first = p->next;
		free(p);
	}
	e->last = &e->first;
	e->held = 0;
}

static void exchange_free(struct web_exchange *e)
{
	if (e->prev)
		e->prev->next = e->next;
	else
		e->web->exchanges = e->next;
	if (e->next)
		e->next->prev = e->prev;
	e->web->under_way--;
	leave_large(e);
	drop_pieces(e);
	rn_wipe(e->ask, sizeof(e->ask));
	free(e);
}

/* --- towards core --- */

static int say(struct web_exchange *e, enum rn_local_type type, const void *block, size_t size, size_t number)
{
	struct rn_local out = {
	    .type = type, .session = e->session, .number = (uint32_t)number, .block = block, .block_size = size};

	return rn_local_send(e->web->core.fd, &out);
}

static int say_request(struct web_exchange *e)
{
	int r = say(e, RN_LOCAL_WEB_REQUEST, e->ask, e->ask_size, 0);

	if (r < 0)
		return r;
	e->asked = true;
	rn_wipe(e->ask, sizeof(e->ask));
	return 0;
}

static int say_body(struct web_exchange *e)
{
	size_t size;
	const char *body = rn_http_body(e->request, &size);

	while (e->body_sent < e->body_size) {
		size_t piece =
		    e->body_size - e->body_sent < RN_WEB_PIECE_MAX ? e->body_size - e->body_sent : RN_WEB_PIECE_MAX;
		int r = say(e, RN_LOCAL_WEB_BODY, body + e->body_sent, piece, 0);

		if (r < 0)
			return r;
		e->body_sent += piece;
	}
	return 0;
}

/* The exchange may be gone after it. */
static int speak(struct web_exchange *e)
{
	int r = 0;

	if (e->orphan)
		return 0;
	if (!e->request) {
		r = e->asked ? say(e, RN_LOCAL_WEB_GONE, NULL, 0, 0) : 0;
		if (r == 0)
			exchange_free(e);
		return r;
	}
	if (!e->asked)
		r = say_request(e);
	if (r == 0 && e->whole && !e->answered)
		r = say_body(e);
	if (r == 0 && e->taken >= CREDIT_STEP && !e->ended) {
		r = say(e, RN_LOCAL_WEB_CREDIT, NULL, 0, e->taken);
		e->taken = r == 0 ? 0 : e->taken;
	}
	return r;
}

int web_exchanges_speak(struct web *web)
{
	struct web_exchange *next;
	int r = 0;

	for (struct web_exchange *e = web->exchanges; e && r == 0; e = next) {
		next = e->next;
		r = speak(e);
	}
	return r;
}

/* --- towards the client --- */

static ssize_t fill(void *context, char *out, size_t size)
{
	struct web_exchange *e = context;
	size_t at = 0;

	while (e->first && at < size) {
		struct piece *p = e->first;
		size_t part = p->size - p->at < size - at ? p->size - p->at : size - at;

		memcpy(out + at, p->data + p->at, part);
		at += part;
		p->at += part;
		if (p->at < p->size)
			break;
		e->first = p->next;
		if (!e->first)
			e->last = &e->first;
		free(p);
	}
	e->held -= at;
	e->taken += at;
	if (e->taken >= CREDIT_STEP)
		web_core_flush(e->web);
	return at ? (ssize_t)at : e->ended ? -1 : 0;
}

static void ignore(void *context)
{
	(void)context;
}

/* Core knew the session or the token. That anybody may ask for health proves nothing. */
static bool proves(const struct web_exchange *e, const struct rn_web_answer *answer)
{
	return answer->status < 400 &&
	       (answer->cookie[0] || (e->credential && strcmp(rn_http_path(e->request), "/api/v1/health") != 0));
}

static void pass_on(struct web_exchange *e, const struct rn_web_answer *answer)
{
	struct rn_http_header headers[4] = {{NULL, NULL}};
	const uint64_t size = answer->body_size;
	char seconds[12];
	unsigned count = 0;

	if (answer->allow[0])
		headers[count++] = (struct rn_http_header){"Allow", answer->allow};
	if (answer->cookie[0])
		headers[count++] = (struct rn_http_header){"Set-Cookie", answer->cookie};
	if (answer->retry_after) {
		snprintf(seconds, sizeof(seconds), "%u", answer->retry_after);
		headers[count++] = (struct rn_http_header){"Retry-After", seconds};
	}
	headers[count].name = NULL;
	if (proves(e, answer))
		rn_http_prove(e->request);
	e->ended = !answer->stream && !size;
	rn_http_stream(e->request, &(struct rn_http_stream){.type = answer->type[0] ? answer->type : NULL,
							    .context = e,
							    .fill = fill,
							    .gone = ignore,
							    .status = answer->status,
							    .size = answer->stream ? NULL : &size,
							    .headers = headers});
}

static bool take_answer(struct web_exchange *e, const struct rn_local *in)
{
	struct rn_web_answer answer;

	if (rn_web_answer_decode(in->block, in->block_size, &answer) < 0 || answer.status < 200 || e->answered)
		return false;
	e->answered = true;
	leave_large(e);
	if (e->request)
		pass_on(e, &answer);
	rn_wipe(&answer, sizeof(answer));
	return true;
}

static bool take_piece(struct web_exchange *e, const struct rn_local *in)
{
	struct piece *p;

	if (!e->answered || e->ended || in->block_size > RN_WEB_PIECE_MAX || e->held + in->block_size > RN_WEB_WINDOW)
		return false;
	e->ended = in->role == 1;
	if (in->block_size && e->request && !e->head) {
		p = malloc(sizeof(*p) + in->block_size);
		if (!p)
			return false;
		*p = (struct piece){.size = in->block_size};
		memcpy(p->data, in->block, in->block_size);
		*e->last = p;
		e->last = &p->next;
		e->held += p->size;
	}
	if (e->request)
		rn_http_wake(e->request);
	return true;
}

bool web_exchange_receive(struct web *web, const struct rn_local *in)
{
	struct web_exchange *e = web->exchanges;

	while (e && (e->session != in->session || e->orphan || !e->asked))
		e = e->next;
	/* What crossed our GONE on its way is no fault, and one that waits to say GONE wants to hear nothing. */
	if (!e || !e->request || e->late)
		return in->session <= web->session &&
		       (in->type == RN_LOCAL_WEB_ANSWER || in->type == RN_LOCAL_WEB_PIECE);
	if (in->type == RN_LOCAL_WEB_ANSWER)
		return take_answer(e, in);
	return in->type == RN_LOCAL_WEB_PIECE && take_piece(e, in);
}

/* --- life --- */

static const struct rn_web_verdict away = {503, "unavailable", "the gateway's core is not there now: try again"},
				   busy = {503, "unavailable", "too many requests are under way: try again"},
				   late = {503, "unavailable", "the gateway's core gave no answer in time: try again"};

/* At the end: core wants sessions to rise. */
static void append(struct web *web, struct web_exchange *e)
{
	struct web_exchange *last = web->exchanges;

	while (last && last->next)
		last = last->next;
	e->prev = last;
	if (last)
		last->next = e;
	else
		web->exchanges = e;
}

static void begin(struct web *web, struct rn_http_request *request, const struct rn_web_request *ask, bool whole)
{
	struct web_exchange *e;
	int size;

	if (!web_core_there(web)) {
		web_refuse(request, away, 2, !whole);
		return;
	}
	e = web->under_way < RN_WEB_REQUESTS_MAX ? calloc(1, sizeof(*e)) : NULL;
	size = e ? rn_web_request_encode(ask, e->ask, sizeof(e->ask)) : -ENOMEM;
	if (size < 0) {
		free(e);
		web_refuse(request, busy, 1, !whole);
		return;
	}
	e->web = web;
	e->whole = whole;
	e->large = !whole;
	web->large += e->large;
	e->request = request;
	e->session = ++web->session;
	e->since = rn_loop_now_ms(web->loop);
	e->head = strcmp(rn_http_method(request), "HEAD") == 0;
	e->credential = ask->cookie[0] || ask->bearer[0];
	e->ask_size = (size_t)size;
	e->body_size = ask->body_size;
	e->last = &e->first;
	append(web, e);
	web->under_way++;
	rn_http_set_context(request, e);
	web_core_flush(web);
}

void web_exchange_begin(struct web *web, struct rn_http_request *request, const struct rn_web_request *ask)
{
	begin(web, request, ask, true);
}

void web_exchange_announce(struct web *web, struct rn_http_request *request, const struct rn_web_request *ask)
{
	if (web->large < WEB_LARGE_MAX)
		begin(web, request, ask, false);
	else
		web_refuse(request, busy, 1, true);
}

void web_exchange_go_on(struct web_exchange *e)
{
	e->whole = true;
	e->since = rn_loop_now_ms(e->web->loop);
	web_core_flush(e->web);
}

void web_on_gone(void *context, struct rn_http_request *request)
{
	struct web_exchange *e = rn_http_context(request);

	(void)context;
	if (!e)
		return;
	e->request = NULL;
	leave_large(e);
	drop_pieces(e);
	if (e->orphan || !e->asked)
		exchange_free(e);
	else
		web_core_flush(e->web);
}

void web_exchanges_abandon(struct web *web)
{
	struct web_exchange *next;

	for (struct web_exchange *e = web->exchanges; e; e = next) {
		next = e->next;
		e->orphan = e->ended = true;
		if (!e->request)
			exchange_free(e);
		else if (!e->answered)
			web_refuse(e->request, away, 2, false);
		else
			rn_http_wake(e->request);
	}
}

void web_exchanges_sweep(struct web *web)
{
	int64_t now = rn_loop_now_ms(web->loop);

	for (struct web_exchange *e = web->exchanges; e; e = e->next)
		if (e->request && e->whole && !e->answered && now - e->since > WEB_WAIT_MS) {
			e->answered = e->late = true;
			web_refuse(e->request, late, 2, true);
		}
}

void web_exchanges_free(struct web *web)
{
	struct web_exchange *next;

	for (struct web_exchange *e = web->exchanges; e; e = next) {
		next = e->next;
		exchange_free(e);
	}
}
