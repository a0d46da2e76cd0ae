/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/http_guard.h"

#include <stdlib.h>
#include <string.h>

struct rn_http_source {
	struct rn_http_source *next;
	struct rn_addr network;
	unsigned links, alive; /* alive: without the doomed */
};

/* An IPv6 host has a whole /64 to call from. */
static struct rn_addr network_of(const struct rn_addr *source)
{
	struct rn_addr network = *source;

	if (!rn_addr_is_v4(source))
		memset(network.b + 8, 0, 8);
	return network;
}

static struct rn_http_source *find(const struct rn_http_guard *guard, const struct rn_addr *network)
{
	struct rn_http_source *s = guard->sources;

	while (s && rn_addr_compare(&s->network, network) != 0)
		s = s->next;
	return s;
}

bool rn_http_guard_allows(const struct rn_http_guard *guard, const struct rn_addr *source)
{
	struct rn_addr network = network_of(source);
	const struct rn_http_source *s = find(guard, &network);

	return !s || s->links < guard->limits.source_max;
}

static struct rn_http_source *source_of(struct rn_http_guard *guard, const struct rn_addr *source)
{
	struct rn_addr network = network_of(source);
	struct rn_http_source *s = find(guard, &network);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->network = network;
	s->next = guard->sources;
	guard->sources = s;
	return s;
}

bool rn_http_guard_add(struct rn_http_guard *guard, struct rn_http_link *link, const struct rn_addr *source,
		       enum rn_http_phase phase, int64_t now)
{
	if (!rn_http_guard_allows(guard, source))
		return false;
	link->source = source_of(guard, source);
	if (!link->source)
		return false;
	link->source->links++;
	link->source->alive++;
	link->prev = guard->newest;
	if (link->prev)
		link->prev->next = link;
	else
		guard->oldest = link;
	guard->newest = link;
	guard->connections++;
	rn_http_guard_enter(guard, link, phase, now);
	return true;
}

void rn_http_guard_doom(struct rn_http_guard *guard, struct rn_http_link *link)
{
	if (link->doomed || !link->source)
		return;
	link->doomed = true;
	link->source->alive--;
	guard->connections--;
}

void rn_http_guard_remove(struct rn_http_guard *guard, struct rn_http_link *link)
{
	struct rn_http_source **at = &guard->sources, *source = link->source;

	if (!source)
		return;
	rn_http_guard_doom(guard, link);
	if (link->next)
		link->next->prev = link->prev;
	else
		guard->newest = link->prev;
	if (link->prev)
		link->prev->next = link->next;
	else
		guard->oldest = link->next;
	link->source = NULL;
	if (--source->links)
		return;
	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	free(source);
}

/* More than a browser opens. */
static bool crowds(const struct rn_http_guard *guard, const struct rn_http_link *link)
{
	return link->source->alive * 4 > guard->limits.source_max;
}

struct rn_http_link *rn_http_guard_victim(const struct rn_http_guard *guard)
{
	struct rn_http_link *victim = NULL;

	if (guard->connections <= guard->limits.connections_max)
		return NULL;
	for (struct rn_http_link *l = guard->oldest; l; l = l->next) {
		if (l->doomed || l->proven)
			continue;
		if (crowds(guard, l))
			return l;
		if (!victim)
			victim = l;
	}
	return victim;
}

static int64_t deadline(const struct rn_http_limits *limits, const struct rn_http_link *link)
{
	const uint64_t earned = limits->body_rate ? link->received * 1000 / limits->body_rate : 0;
	const unsigned allowed[] = {
	    [RN_HTTP_HANDSHAKE] = limits->handshake_ms, [RN_HTTP_HEADER] = limits->header_ms,
	    [RN_HTTP_BODY] = limits->body_ms,		[RN_HTTP_ANSWER] = limits->answer_ms,
	    [RN_HTTP_IDLE] = limits->idle_ms,
	};

	if (link->phase == RN_HTTP_WAITING || link->phase == RN_HTTP_QUIET)
		return INT64_MAX;
	return link->since + allowed[link->phase] + (link->phase == RN_HTTP_BODY ? (int64_t)earned : 0);
}

void rn_http_guard_enter(const struct rn_http_guard *guard, struct rn_http_link *link, enum rn_http_phase phase,
			 int64_t now)
{
	link->phase = phase;
	link->since = now;
	link->received = 0;
	link->deadline = deadline(&guard->limits, link);
}

void rn_http_guard_received(const struct rn_http_guard *guard, struct rn_http_link *link, size_t bytes)
{
	link->received += bytes;
	link->deadline = deadline(&guard->limits, link);
}

struct rn_http_link *rn_http_guard_overdue(const struct rn_http_guard *guard, int64_t now)
{
	for (struct rn_http_link *l = guard->oldest; l; l = l->next)
		if (!l->doomed && l->deadline <= now)
			return l;
	return NULL;
}
