/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_SESSION_WORLD_H
#define RN_TESTS_SESSION_WORLD_H

#include <stdbool.h>

#include "proto/session.h"

/*
 * A simulated network with a virtual clock and seeded chance for tests of sessions. Hosts are endpoints of the control
 * protocol; datagrams between them are lost, repeated and delayed. Every datagram can be kept for replays.
 */
#define WORLD_HOSTS 256

struct world_packet {
	int64_t at_ms;
	uint64_t order;
	struct rn_endpoint from, to;
	size_t size;
	uint8_t *data;
};

struct world;
struct world_host {
	struct world *world;
	struct rn_sessions *sessions;
	struct rn_endpoint endpoint;
	uint8_t secret[RN_KEY_SIZE], public[RN_KEY_SIZE];
	bool refuse;
	const char *hello; /* what it answers with */
	/* what happened */
	unsigned asked, opened, closed, messages, writable;
	rn_session_id last;
	int reason;
	char last_hello[RN_HELLO_MAX + 1];
	struct rn_endpoint last_from;
	void (*on_event)(struct world_host *host, const struct rn_session_event *event);
	void *user;
};

struct world {
	int64_t now_ms;
	unsigned loss, repeat; /* percent */
	int64_t delay_min_ms, delay_max_ms;
	struct world_packet *queue; /* a binary heap by time, then order */
	size_t queued, queue_room;
	uint64_t order;
	struct world_host hosts[WORLD_HOSTS];
	unsigned host_count;
	size_t bytes_sent, datagrams_sent;
	bool keep; /* keeps a copy of everything sent */
	struct world_packet *kept;
	size_t kept_count;
	bool cut; /* nothing arrives */
};

uint64_t world_random(void); /* of the seed of the latest world_new */
void world_random_bytes(void *out, size_t size);
struct world *world_new(uint64_t seed);
void world_free(struct world *w);
struct world_host *world_add(struct world *w, uint32_t sessions_max);
void world_restart(struct world_host *host, uint32_t sessions_max); /* forgets its sessions, keeps its keys */
rn_session_id world_connect(struct world_host *client, const struct world_host *server, const char *hello);
void world_send(struct world *w, const struct rn_endpoint *from, const struct rn_endpoint *to, const uint8_t *data,
		size_t size);
/* Gives a datagram to a host at once, as if it came from there. */
void world_inject(struct world_host *host, const struct rn_endpoint *from, const uint8_t *data, size_t size);
/* Runs until that time, or until done returns true; false where time ran out first. */
bool world_run(struct world *w, int64_t until_ms, bool (*done)(struct world *w));

#endif
