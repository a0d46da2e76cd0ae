/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two endpoints and a network that the input commands: what is sent, lost, repeated, kept back, changed, replayed, and
 * what a peer that has gone bad seals with its own keys. As long as no peer is bad, every message that arrives is one
 * that was sent in that session, whole, and in order.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/session_internal.h"
#include "tests/unit/session_world.h"

#define STEPS 96

static struct world *w;
static struct world_host *host[2]; /* 0 dials 1 */
static bool bad;		   /* somebody seals what no honest endpoint would */

/* A message: who sent it, its number there, and bytes that follow from both. */
struct stamp {
	uint32_t host, number, size;
};
static uint32_t sent[2];

/* The newest number heard in each session: numbers go on when a new one is opened, and an older one may end later. */
#define SESSIONS 128
static struct heard {
	rn_session_id session;
	uint32_t number;
} heard[2][SESSIONS];

static struct heard *heard_in(unsigned to, rn_session_id session)
{
	struct heard *h = heard[to];

	while (h->session && h->session != session)
		CHECK(++h < heard[to] + SESSIONS);
	h->session = session;
	return h;
}

static void fill(uint8_t *out, const struct stamp *stamp)
{
	memcpy(out, stamp, sizeof(*stamp));
	for (size_t i = sizeof(*stamp); i < stamp->size; i++)
		out[i] = (uint8_t)(stamp->number * 31 + i);
}

static void on_event(struct world_host *h, const struct rn_session_event *event)
{
	static uint8_t want[RN_MESSAGE_MAX];
	unsigned to = h == host[1];
	struct heard *last;
	struct stamp stamp;

	CHECK(event->session && event->size <= RN_MESSAGE_MAX);
	if (event->type != RN_SESSION_MESSAGE || bad)
		return;
	CHECK(event->size >= sizeof(stamp));
	memcpy(&stamp, event->data, sizeof(stamp));
	last = heard_in(to, event->session);
	CHECK(stamp.host == !to && stamp.size == event->size);
	CHECK(stamp.number > last->number && stamp.number <= sent[!to]);
	last->number = stamp.number;
	fill(want, &stamp);
	CHECK(memcmp(want, event->data, stamp.size) == 0);
}

static void say(unsigned from, struct fuzz *f)
{
	static uint8_t message[RN_MESSAGE_MAX];
	struct stamp stamp = {from, sent[from] + 1, sizeof(stamp) + fuzz_u16(f) % 5000};

	fill(message, &stamp);
	sent[from]++; /* before: it may arrive within the call */
	if (rn_sessions_send(host[from]->sessions, w->now_ms, host[from]->last, message, stamp.size) != 0)
		sent[from]--;
}

/* Changes a datagram that is under way; where the receiver's public key is enough for its mac, the mac is right. */
static void change(struct fuzz *f, bool mac)
{
	struct world_packet *p = w->queued ? &w->queue[fuzz_u8(f) % w->queued] : NULL;
	unsigned at = fuzz_u16(f), times = fuzz_u8(f) % 4 + 1;

	for (unsigned i = 0; p && p->size && i < times; i++)
		p->data[(at + i) % p->size] ^= (uint8_t)(fuzz_u8(f) | 1);
	for (unsigned i = 0; mac && p && p->size >= 48 && i < 2; i++) {
		size_t end = p->size - (p->data[3] == RN_WIRE_INITIATION ? 2 : 1) * RN_MAC_SIZE;

		if (rn_addr_compare(&host[i]->endpoint.addr, &p->to.addr) == 0)
			rn_mac(host[i]->sessions->keys.mac1, RN_KEY_SIZE, p->data, end, p->data + end);
	}
}

static struct rn_session *session_of(const struct world_host *h)
{
	for (uint32_t i = 0; i < h->sessions->slots; i++)
		if (h->sessions->slot[i] && h->sessions->slot[i]->state == RN_OPEN)
			return h->sessions->slot[i];
	return NULL;
}

/* Frames of the input's choice, sealed with the keys of host `from`'s session. */
static void seal(unsigned from, struct fuzz *f)
{
	struct rn_session *session = session_of(host[from]);
	uint8_t datagram[RN_DATAGRAM_MAX], *frames;
	struct rn_keypair *k;
	struct rn_writer out;
	uint64_t counter;
	size_t size;

	frames = fuzz_block(f, RN_TRANSPORT_PLAIN_MAX, &size);
	if (session) {
		k = &session->keys[RN_KEY_CURRENT];
		counter = k->send.counter++;
		out = rn_wire_writer(datagram, sizeof(datagram), RN_WIRE_TRANSPORT);
		rn_write_u32(&out, k->remote);
		rn_write_u64(&out, counter);
		rn_aead_seal(k->send.key, counter, datagram, RN_TRANSPORT_HEAD, frames, size, datagram + out.at);
		world_inject(host[!from], &host[from]->endpoint, datagram, out.at + size + RN_TAG_SIZE);
		bad = true;
	}
	free(frames);
}

/* An initiation with a payload of the input's choice, from an address with a good cookie. */
static void initiate(struct fuzz *f)
{
	struct rn_endpoint from = {rn_addr_from_v4(0xc6336400 + fuzz_u8(f)), 7};
	struct rn_sessions *s = host[1]->sessions;
	uint8_t secret[RN_KEY_SIZE] = {7}, payload[RN_INITIATION_PAYLOAD] = {0}, datagram[RN_INITIATION_SIZE];
	uint8_t cookie[RN_COOKIE_SIZE];
	struct rn_wire_prologue prologue;
	struct rn_noise *noise;
	struct rn_writer out = rn_wire_writer(datagram, sizeof(datagram), RN_WIRE_INITIATION);
	uint16_t size = fuzz_u16(f) % sizeof(payload);

	fuzz_fill(f, payload, size);
	rn_cookie_make(s->jar, w->now_ms, &from, cookie);
	prologue = rn_wire_prologue(cookie);
	noise = rn_noise_new(true, &prologue, sizeof(prologue), secret, host[1]->public);
	CHECK(noise);
	rn_write_u32(&out, fuzz_u32(f));
	CHECK(rn_noise_write(noise, payload, sizeof(payload), datagram + out.at, RN_INITIATION_NOISE) ==
	      RN_INITIATION_NOISE);
	out.at += RN_INITIATION_NOISE;
	rn_mac(s->keys.mac1, RN_KEY_SIZE, datagram, out.at, datagram + out.at);
	rn_mac(cookie, sizeof(cookie), datagram, out.at + RN_MAC_SIZE, datagram + out.at + RN_MAC_SIZE);
	world_inject(host[1], &from, datagram, sizeof(datagram));
	rn_noise_free(noise);
}

static void replay(struct fuzz *f)
{
	struct world_packet p;

	if (!w->kept_count)
		return;
	p = w->kept[fuzz_u16(f) % w->kept_count]; /* a copy: answers are kept too, and move the list */
	for (unsigned i = 0; i < 2; i++)
		if (rn_addr_compare(&host[i]->endpoint.addr, &p.to.addr) == 0)
			world_inject(host[i], fuzz_u8(f) & 1 ? &p.from : &host[i]->endpoint, p.data, p.size);
}

static void network(struct fuzz *f)
{
	w->loss = fuzz_u8(f) % 60;
	w->repeat = fuzz_u8(f) % 60;
	w->delay_max_ms = w->delay_min_ms + fuzz_u8(f) * 4;
}

static void step(struct fuzz *f)
{
	uint8_t what = fuzz_u8(f) % 16;
	uint8_t *block;
	size_t size;

	if (what < 3)
		world_run(w, w->now_ms + (fuzz_u8(f) << (4 * what)), NULL);
	else if (what < 5)
		say(what - 3, f);
	else if (what < 7)
		change(f, what == 5);
	else if (what < 9)
		seal(what - 7, f);
	else if (what == 9)
		initiate(f);
	else if (what == 10)
		replay(f);
	else if (what == 11)
		network(f);
	else if (what == 12 && host[0]->last)
		rn_sessions_close(host[fuzz_u8(f) & 1]->sessions, w->now_ms, host[0]->last);
	else if (what == 13)
		world_restart(host[1], 8);
	else if (what == 14)
		world_connect(host[0], host[1], "hello");
	else if (what == 15) {
		block = fuzz_block(f, RN_DATAGRAM_MAX + 1, &size);
		world_inject(host[fuzz_u8(f) & 1], &host[fuzz_u8(f) & 1]->endpoint, block, size);
		free(block);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {data, size};

	w = world_new(7);
	w->keep = true;
	bad = false;
	for (unsigned i = 0; i < 2; i++) {
		host[i] = world_add(w, 8);
		host[i]->on_event = on_event;
	}
	memset(heard, 0, sizeof(heard));
	memset(sent, 0, sizeof(sent));
	world_connect(host[0], host[1], "hello");
	for (unsigned i = 0; f.size && i < STEPS; i++) {
		step(&f);
		CHECK(rn_sessions_count(host[0]->sessions) <= 8 + RN_HALF_OPEN_MIN + 2);
	}
	world_run(w, w->now_ms + 3000, NULL);
	world_free(w);
	return 0;
}
