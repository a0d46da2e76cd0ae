/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *sim_zeros(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		abort();
	return memory;
}

bool sim_percent(struct sim *s, unsigned percent)
{
	return percent && rng_percent(&s->rng, percent);
}

/* ---- the log ---- */

void sim_note(struct sim *s, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t hash = s->result->hash;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull; /* FNV-1a */
	s->result->hash = hash;
}

void sim_say(struct sim *s, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sim_note(s, text, strlen(text));
	if (s->params.trace)
		printf("%8lld ms  %s\n", (long long)s->now_ms, text);
}

void sim_fail(struct sim *s, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	s->result->failed = 1;
	snprintf(s->result->text, sizeof(s->result->text), "step %u, %lld ms: %s", s->step, (long long)s->now_ms, text);
	if (s->params.trace)
		printf("%s\n", s->result->text);
	fflush(stdout);
	_exit(1);
}

/* ---- the queue ---- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_push(struct sim *s, struct sim_event e)
{
	size_t at = s->queued++;

	e.order = s->order++;
	if (s->queued > s->room) {
		s->room = 2 * s->queued;
		s->queue = realloc(s->queue, s->room * sizeof(e));
		if (!s->queue)
			abort();
	}
	for (; at > 0 && before(&e, &s->queue[(at - 1) / 2]); at = (at - 1) / 2)
		s->queue[at] = s->queue[(at - 1) / 2];
	s->queue[at] = e;
}

static struct sim_event pop(struct sim *s)
{
	struct sim_event top = s->queue[0], last = s->queue[--s->queued];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < s->queued) {
		if (child + 1 < s->queued && before(&s->queue[child + 1], &s->queue[child]))
			child++;
		if (!before(&s->queue[child], &last))
			break;
		s->queue[at] = s->queue[child];
		at = child;
	}
	if (s->queued > 0)
		s->queue[at] = last;
	return top;
}

/* ---- the wire ---- */

static bool side(uint64_t salt, unsigned host)
{
	struct rng r = {salt + host};

	return rng_next(&r) & 1;
}

static bool is_cut(const struct sim *s, unsigned from, unsigned to)
{
	for (unsigned i = 0; i < SIM_CUTS; i++) {
		const struct sim_cut *c = &s->cuts[i];

		if (!c->on)
			continue;
		if (c->salt && side(c->salt, from) != side(c->salt, to))
			return true;
		if (!c->salt && ((c->a == from && c->b == to) || (!c->one_way && c->a == to && c->b == from)))
			return true;
	}
	return false;
}

static unsigned host_of(const struct sim *s, const struct rn_endpoint *to)
{
	unsigned index = to->addr.b[14] * 256u + to->addr.b[15];

	return index < s->host_count && rn_addr_compare(&s->hosts[index].at.addr, &to->addr) == 0 ? index
												  : SIM_HOSTS_MAX;
}

void sim_send(struct sim_host *from, const struct rn_endpoint *to, const uint8_t *data, size_t size)
{
	struct sim *s = from->sim;
	unsigned host = host_of(s, to), copies = sim_percent(s, s->repeat) ? 2 : 1;

	s->result->datagrams++;
	if (host == SIM_HOSTS_MAX || to->port != s->hosts[host].at.port || is_cut(s, from->index, host))
		return;
	while (copies-- > 0) {
		struct sim_event e = {.type = SIM_DATAGRAM, .host = host, .from = from->index, .size = size};

		if (sim_percent(s, s->loss))
			continue;
		e.at =
		    s->now_ms + s->delay_min_ms + rng_below(&s->rng, (uint32_t)(s->delay_max_ms - s->delay_min_ms + 1));
		if (sim_percent(s, s->reorder))
			e.at += rng_below(&s->rng, 300);
		e.data = sim_zeros(1, size ? size : 1);
		memcpy(e.data, data, size);
		sim_push(s, e);
	}
}

void sim_run(struct sim *s, int64_t ms)
{
	const int64_t until = s->now_ms + ms;

	while (sim_turn(s, until))
		continue;
}

bool sim_turn(struct sim *s, int64_t until_ms)
{
	struct sim_event e;
	struct sim_host *h;

	if (s->queued == 0 || s->queue[0].at > until_ms) {
		s->now_ms = until_ms;
		return false;
	}
	e = pop(s);
	if (e.at > s->now_ms)
		s->now_ms = e.at;
	h = &s->hosts[e.host];
	s->result->events++;
	sim_note(s, &e.at, sizeof(e.at));
	sim_note(s, (unsigned[]){e.type, e.host, e.peer, e.from}, 4 * sizeof(unsigned));
	sim_note(s, e.data, e.size);
	sim_host_event(h, &e);
	free(e.data);
	return true;
}
