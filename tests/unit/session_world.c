/* SPDX-License-Identifier: Apache-2.0 */
#include "session_world.h"

#include <stdlib.h>
#include <string.h>

static uint64_t random_state; /* the endpoint's random callback has no context */

uint64_t world_random(void)
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void world_random_bytes(void *out, size_t size)
{
	uint8_t *p = out;

	while (size-- > 0)
		*p++ = (uint8_t)world_random();
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

struct world *world_new(uint64_t seed)
{
	struct world *w = must(calloc(1, sizeof(*w)));

	random_state = seed;
	w->now_ms = 1000;
	w->delay_min_ms = w->delay_max_ms = 10;
	return w;
}

void world_free(struct world *w)
{
	size_t i;

	for (i = 0; i < w->host_count; i++)
		rn_sessions_free(w->hosts[i].sessions);
	for (i = 0; i < w->queued; i++)
		free(w->queue[i].data);
	for (i = 0; i < w->kept_count; i++)
		free(w->kept[i].data);
	free(w->queue);
	free(w->kept);
	free(w);
}

static bool before(const struct world_packet *a, const struct world_packet *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(struct world *w, struct world_packet p)
{
	size_t at = w->queued++;

	if (w->queued > w->queue_room) {
		w->queue_room = 2 * w->queued;
		w->queue = must(realloc(w->queue, w->queue_room * sizeof(p)));
	}
	for (; at > 0 && before(&p, &w->queue[(at - 1) / 2]); at = (at - 1) / 2)
		w->queue[at] = w->queue[(at - 1) / 2];
	w->queue[at] = p;
}

static struct world_packet pop(struct world *w)
{
	struct world_packet top = w->queue[0], last = w->queue[--w->queued];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < w->queued) {
		if (child + 1 < w->queued && before(&w->queue[child + 1], &w->queue[child]))
			child++;
		if (!before(&w->queue[child], &last))
			break;
		w->queue[at] = w->queue[child];
		at = child;
	}
	if (w->queued > 0)
		w->queue[at] = last;
	return top;
}

static struct world_packet copy(const struct world *w, const struct rn_endpoint *from, const struct rn_endpoint *to,
				const uint8_t *data, size_t size)
{
	struct world_packet p = { .at_ms = w->now_ms, .from = *from, .to = *to, .size = size };

	p.data = must(malloc(size ? size : 1));
	memcpy(p.data, data, size);
	return p;
}

static bool chance(unsigned percent)
{
	return percent && world_random() % 100 < percent;
}

void world_send(struct world *w, const struct rn_endpoint *from, const struct rn_endpoint *to, const uint8_t *data,
		size_t size)
{
	unsigned copies = chance(w->repeat) ? 2 : 1;

	w->bytes_sent += size;
	w->datagrams_sent++;
	if (w->keep) {
		w->kept = must(realloc(w->kept, (w->kept_count + 1) * sizeof(*w->kept)));
		w->kept[w->kept_count++] = copy(w, from, to, data, size);
	}
	while (copies-- > 0) {
		struct world_packet p;

		if (w->cut || chance(w->loss))
			continue;
		p = copy(w, from, to, data, size);
		p.at_ms += w->delay_min_ms;
		p.at_ms += (int64_t)(world_random() % (uint64_t)(w->delay_max_ms - w->delay_min_ms + 1));
		p.order = w->order++;
		push(w, p);
	}
}

static void host_send(void *context, const struct rn_endpoint *to, const uint8_t *datagram, size_t size)
{
	struct world_host *host = context;

	world_send(host->world, &host->endpoint, to, datagram, size);
}

static void host_event(void *context, const struct rn_session_event *event)
{
	struct world_host *host = context;

	if (event->type == RN_SESSION_OPEN) {
		host->opened++;
		host->last = event->session;
		memcpy(host->last_hello, event->data, event->size);
		host->last_hello[event->size] = 0;
	} else if (event->type == RN_SESSION_CLOSED) {
		host->closed++;
		host->reason = event->reason;
	} else if (event->type == RN_SESSION_MESSAGE) {
		host->messages++;
	} else if (event->type == RN_SESSION_WRITABLE) {
		host->writable++;
	}
	host->last_from = event->from;
	if (host->on_event)
		host->on_event(host, event);
}

static bool host_admit(void *context, const struct rn_session_event *ask, uint8_t *ret_hello, size_t *ret_size)
{
	struct world_host *host = context;

	(void)ask;
	host->asked++;
	*ret_size = strlen(host->hello);
	memcpy(ret_hello, host->hello, *ret_size);
	return !host->refuse;
}

void world_restart(struct world_host *host, uint32_t sessions_max)
{
	struct rn_sessions_config config = { .sessions_max = sessions_max,
					     .context = host,
					     .send = host_send,
					     .event = host_event,
					     .admit = host_admit,
					     .random = world_random_bytes };

	memcpy(config.static_secret, host->secret, RN_KEY_SIZE);
	rn_sessions_free(host->sessions);
	host->sessions = must(rn_sessions_new(&config));
}

struct world_host *world_add(struct world *w, uint32_t sessions_max)
{
	struct world_host *host = &w->hosts[w->host_count];

	if (w->host_count == WORLD_HOSTS)
		abort();
	host->world = w;
	host->hello = "welcome";
	host->endpoint.addr = rn_addr_from_v4(0x0a000001 + 256 * w->host_count++);
	host->endpoint.port = 51821;
	world_random_bytes(host->secret, RN_KEY_SIZE);
	rn_x25519_public(host->secret, host->public);
	world_restart(host, sessions_max);
	return host;
}

rn_session_id world_connect(struct world_host *client, const struct world_host *server, const char *hello)
{
	return rn_sessions_connect(client->sessions, client->world->now_ms, &server->endpoint, server->public,
				   (const uint8_t *)hello, strlen(hello));
}

void world_inject(struct world_host *host, const struct rn_endpoint *from, const uint8_t *data, size_t size)
{
	uint8_t *exact = must(malloc(size ? size : 1)); /* so that a sanitizer sees every read past it */

	memcpy(exact, data, size);
	rn_sessions_receive(host->sessions, host->world->now_ms, from, exact, size);
	free(exact);
}

static void deliver(struct world *w)
{
	struct world_packet p = pop(w);
	size_t i;

	for (i = 0; i < w->host_count; i++)
		if (rn_addr_compare(&w->hosts[i].endpoint.addr, &p.to.addr) == 0 &&
		    w->hosts[i].endpoint.port == p.to.port)
			world_inject(&w->hosts[i], &p.from, p.data, p.size);
	free(p.data);
}

static int64_t tick_all(struct world *w)
{
	int64_t next = INT64_MAX;
	size_t i;

	for (i = 0; i < w->host_count; i++) {
		int64_t deadline = rn_sessions_tick(w->hosts[i].sessions, w->now_ms);

		if (deadline < next)
			next = deadline;
	}
	return next;
}

bool world_run(struct world *w, int64_t until_ms, bool (*done)(struct world *w))
{
	for (;;) {
		int64_t next = tick_all(w);

		if (done && done(w))
			return true;
		if (w->queued > 0 && w->queue[0].at_ms < next)
			next = w->queue[0].at_ms;
		if (next > until_ms)
			break;
		if (next > w->now_ms)
			w->now_ms = next;
		if (w->queued > 0 && w->queue[0].at_ms <= w->now_ms)
			deliver(w);
	}
	w->now_ms = until_ms;
	return !done;
}
