/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"

/*
 * Server-sent events (WHATWG HTML, section 9.2): "id: SERIAL", "data: {...}" for each flow event; an event "lost" says
 * how many this reader missed because the ring went round. A comment every few seconds finds readers that have gone.
 */
#define STREAMS_MAX 32
#define KEEPALIVE_MS 5000
#define BATCH 32 /* events formatted at once */

struct stream {
	struct rn_streams *all;
	struct stream *next;
	struct rn_api_request *request;
	uint64_t after; /* serial of the last event in the text */
	bool resuming;	/* a gap before the first event is history, unless the reader said where it was */
	bool keepalive;
	bool ended; /* who reads it may not any more */
	struct rn_principal who;
	char *text; /* formatted and not sent yet */
	size_t size, at, room;
};

struct rn_streams {
	struct rn_core *core;
	struct rn_timer *timer;
	struct rn_loop *loop;
	struct stream *first;
	unsigned count;
};

static void append_text(struct stream *s, const char *text)
{
	size_t size = strlen(text);

	if (s->size + size > s->room) {
		size_t room = 2 * (s->size + size);
		char *grown = realloc(s->text, room);

		if (!grown)
			return;
		s->text = grown;
		s->room = room;
	}
	memcpy(s->text + s->size, text, size);
	s->size += size;
}

static void append_event(void *context, const struct rn_core_event *event)
{
	struct stream *s = context;
	struct rn_json *json = rn_api_event_json(s->all->core, event);
	char *text = rn_json_print(json, false), head[96];

	rn_json_free(json);
	if (!text)
		return;
	if (s->resuming && event->serial > s->after + 1) {
		snprintf(head, sizeof(head), "event: lost\ndata: {\"count\":%" PRIu64 "}\n\n",
			 event->serial - s->after - 1);
		append_text(s, head);
	}
	s->resuming = true;
	s->after = event->serial;
	snprintf(head, sizeof(head), "id: %" PRIu64 "\ndata: ", event->serial);
	append_text(s, head);
	append_text(s, text);
	append_text(s, "\n\n");
	free(text);
}

static void refill(struct stream *s)
{
	uint64_t lost = 0;

	s->size = s->at = 0;
	s->after = rn_core_events(s->all->core, s->after, BATCH, append_event, s, &lost);
	if (s->size == 0 && s->keepalive)
		append_text(s, ":\n\n");
	s->keepalive = false;
}

static ssize_t fill(void *context, char *out, size_t size)
{
	struct stream *s = context;

	if (s->ended)
		return -1;
	if (s->at == s->size)
		refill(s);
	if (size > s->size - s->at)
		size = s->size - s->at;
	if (size)
		memcpy(out, s->text + s->at, size);
	s->at += size;
	return (ssize_t)size;
}

static void gone(void *context)
{
	struct stream *s = context, **link = &s->all->first;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	s->all->count--;
	free(s->text);
	rn_wipe(&s->who, sizeof(s->who));
	free(s);
}

/* A reader whose stream ends in its wake is freed there. */
static void wake(void *context)
{
	struct rn_streams *all = context;
	struct stream *next;

	for (struct stream *s = all->first; s; s = next) {
		next = s->next;
		s->request->door->wake(s->request);
	}
}

static void tick(void *context)
{
	struct rn_streams *all = context;

	for (struct stream *s = all->first; s; s = s->next) {
		s->keepalive = true;
		s->ended = !rn_core_still(all->core, &s->who);
	}
	wake(all);
	rn_timer_set(all->timer, KEEPALIVE_MS);
}

struct rn_streams *rn_streams_new(struct rn_loop *loop, struct rn_core *core)
{
	struct rn_streams *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->core = core;
	all->timer = rn_timer_new(loop, tick, all);
	if (!all->timer) {
		free(all);
		return NULL;
	}
	rn_timer_set(all->timer, KEEPALIVE_MS);
	rn_core_on_event(core, wake, all);
	return all;
}

void rn_streams_free(struct rn_streams *streams)
{
	if (!streams)
		return;
	rn_core_on_event(streams->core, NULL, NULL);
	rn_timer_free(streams->timer);
	free(streams);
}

/* Where the reader was: Last-Event-ID of a browser that comes back, or ?after=. Neither: all that is still known. */
static int position(struct rn_api_call *call, uint64_t *ret, bool *ret_resuming)
{
	const char *last = call->request->last_event;
	char *end;

	*ret_resuming = last[0] || call->request->door->query(call->request, "after");
	if (rn_api_query_u64(call, "after", 0, UINT64_MAX, ret) < 0)
		return -EINVAL;
	if (!last[0])
		return 0;
	errno = 0;
	*ret = strtoull(last, &end, 10);
	if (last[0] >= '0' && last[0] <= '9' && !*end && !errno)
		return 0;
	rn_api_refuse(call, 400, "invalid", "Last-Event-ID must be the id of an event of this stream");
	return -EINVAL;
}

void rn_api_flows_stream(struct rn_api_call *call)
{
	struct rn_api_stream stream = {.type = "text/event-stream", .fill = fill, .gone = gone};
	struct rn_streams *all = call->streams;
	bool resuming = false;
	uint64_t after = 0;
	struct stream *s;

	if (position(call, &after, &resuming) < 0)
		return;
	s = all->count < STREAMS_MAX ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		rn_api_refuse(call, 503, "unavailable", "%u streams are open already: close one", all->count);
		return;
	}
	/* Serials begin anew when core does. */
	if (after > rn_api_newest(call->core))
		after = 0;
	*s =
	    (struct stream){.all = all, .next = all->first, .request = call->request, .after = after, .who = call->who};
	/* after=0 asks for everything that is still known, and what the ring forgot before is not this reader's loss.
	 */
	s->resuming = resuming && after > 0;
	/* Headers leave with the first byte of the body: a reader must not wait for the first event. */
	s->keepalive = true;
	all->first = s;
	all->count++;
	stream.context = s;
	rn_api_stream(call, &stream);
}
