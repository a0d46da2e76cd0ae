/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reliable.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rtt.h"

/*
 * Send side: fragments [first, end) are in the ring; those below `next` have been sent at least once. An acknowledged
 * fragment's place is NULL. Each is unsent, in flight, or lost and due again.
 * Receive side: everything below `wanted` has arrived; ring[n % window] holds what came early.
 */
enum fragment_state { UNSENT, IN_FLIGHT, LOST };

struct fragment {
	enum fragment_state state;
	unsigned sends;
	int64_t sent_ms;
	uint64_t transmission; /* number of its latest transmission */
	uint8_t flags;
	uint16_t size;
	uint8_t data[];
};

struct sender {
	struct fragment *ring[RN_SEND_QUEUE];
	uint64_t first, next, end;
	uint64_t transmissions, largest_acked; /* one above the largest that arrived */
	unsigned in_flight;
	struct rn_congestion congestion;
	struct rn_rtt rtt;
	int64_t rto_base_ms;
};

struct receiver {
	struct fragment *ring[RN_RECEIVE_WINDOW];
	uint64_t wanted;
	uint8_t *message;
	size_t message_size;
	bool delivered; /* message was given out: begin a new one */
	unsigned unacked;
	bool ack_now;
	int64_t ack_due_ms;
};

struct rn_reliable {
	struct sender tx;
	struct receiver rx;
};

static struct fragment *fragment_new(const uint8_t *data, size_t size, uint8_t flags)
{
	struct fragment *f = calloc(1, sizeof(*f) + size);

	if (!f)
		return NULL;
	f->flags = flags;
	f->size = (uint16_t)size;
	if (size > 0)
		memcpy(f->data, data, size);
	return f;
}

static void fragment_free(struct fragment *f)
{
	if (!f)
		return;
	rn_wipe(f, sizeof(*f) + f->size);
	free(f);
}

static struct fragment **tx_place(struct sender *tx, uint64_t seq)
{
	return &tx->ring[seq % RN_SEND_QUEUE];
}

struct rn_reliable *rn_reliable_new(void)
{
	struct rn_reliable *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	rn_congestion_init(&r->tx.congestion);
	rn_rtt_init(&r->tx.rtt);
	r->rx.ack_due_ms = INT64_MAX;
	return r;
}

void rn_reliable_free(struct rn_reliable *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < RN_SEND_QUEUE; i++)
		fragment_free(r->tx.ring[i]);
	for (i = 0; i < RN_RECEIVE_WINDOW; i++)
		fragment_free(r->rx.ring[i]);
	if (r->rx.message)
		rn_wipe(r->rx.message, RN_MESSAGE_MAX);
	free(r->rx.message);
	free(r);
}

int rn_reliable_queue(struct rn_reliable *r, const uint8_t *message, size_t size)
{
	size_t pieces = size ? (size + RN_FRAGMENT_MAX - 1) / RN_FRAGMENT_MAX : 1, i;
	struct sender *tx = &r->tx;
	uint64_t end = tx->end;

	if (size > RN_MESSAGE_MAX)
		return -EMSGSIZE;
	if (pieces > RN_SEND_QUEUE - (tx->end - tx->first))
		return -EAGAIN;
	for (i = 0; i < pieces; i++) {
		size_t at = i * RN_FRAGMENT_MAX, left = size - at;
		bool last = i + 1 == pieces;
		struct fragment *f =
			fragment_new(message + at, last ? left : RN_FRAGMENT_MAX, last ? RN_FRAGMENT_LAST : 0);

		if (!f)
			goto fail;
		*tx_place(tx, end++) = f;
	}
	tx->end = end;
	return 0;
fail:
	while (end-- > tx->end) {
		fragment_free(*tx_place(tx, end));
		*tx_place(tx, end) = NULL;
	}
	return -ENOMEM;
}

bool rn_reliable_drained(const struct rn_reliable *r)
{
	return r->tx.first == r->tx.end;
}

/* Nobody knows which transmission of a repeated fragment arrived (Karn), so only fragments sent once teach. */
static void acknowledge(struct sender *tx, int64_t now_ms, uint64_t seq)
{
	struct fragment **place = tx_place(tx, seq), *f = *place;

	if (f->state == IN_FLIGHT)
		tx->in_flight--;
	if (f->sends == 1) {
		rn_rtt_sample(&tx->rtt, now_ms - f->sent_ms);
		if (f->transmission >= tx->largest_acked)
			tx->largest_acked = f->transmission + 1;
	}
	rn_congestion_acked(&tx->congestion);
	fragment_free(f);
	*place = NULL;
}

/* What was sent RN_LOSS_THRESHOLD transmissions before one that arrived is lost. */
static void find_lost(struct sender *tx)
{
	uint64_t seq, newest_lost = 0;
	bool found = false;

	for (seq = tx->first; seq < tx->next; seq++) {
		struct fragment *f = *tx_place(tx, seq);

		if (!f || f->state != IN_FLIGHT || f->transmission + RN_LOSS_THRESHOLD >= tx->largest_acked)
			continue;
		f->state = LOST;
		tx->in_flight--;
		found = true;
		if (f->transmission > newest_lost)
			newest_lost = f->transmission;
	}
	if (found)
		rn_congestion_lost(&tx->congestion, newest_lost, tx->transmissions);
}

int rn_reliable_read_ack(struct rn_reliable *r, int64_t now_ms, struct rn_reader *in)
{
	uint64_t wanted = rn_read_u64(in), seq;
	uint32_t early = rn_read_u32(in);
	struct sender *tx = &r->tx;
	bool progress = false;

	if (in->failed || wanted > tx->next)
		return -EPROTO;
	for (seq = tx->first; seq < tx->next; seq++) {
		uint64_t ahead = seq - wanted - 1; /* bit of the bitmap, where seq is above wanted */
		bool arrived = seq < wanted || (seq > wanted && ahead < 32 && (early >> ahead & 1));

		if (arrived && *tx_place(tx, seq)) {
			acknowledge(tx, now_ms, seq);
			progress = true;
		}
	}
	while (tx->first < tx->next && !*tx_place(tx, tx->first))
		tx->first++;
	if (progress) {
		tx->rto_base_ms = now_ms;
		rn_rtt_progress(&tx->rtt);
		find_lost(tx);
	}
	return 0;
}

static void ack_soon(struct receiver *rx, int64_t now_ms, bool in_order)
{
	rx->unacked++;
	if (!in_order || rx->unacked >= 2)
		rx->ack_now = true;
	else if (rx->ack_due_ms == INT64_MAX)
		rx->ack_due_ms = now_ms + RN_ACK_DELAY_MS;
}

int rn_reliable_read_data(struct rn_reliable *r, int64_t now_ms, struct rn_reader *in)
{
	uint64_t seq = rn_read_u64(in);
	uint8_t flags = rn_read_u8(in);
	struct receiver *rx = &r->rx;
	size_t size;
	const uint8_t *data = rn_read_block(in, RN_FRAGMENT_MAX, &size);
	struct fragment **place = &rx->ring[seq % RN_RECEIVE_WINDOW];

	if (!data || (flags & ~RN_FRAGMENT_LAST) || (size == 0 && !flags))
		return -EPROTO;
	/* A peer that keeps to the window never sends beyond it. */
	if (seq >= rx->wanted && seq - rx->wanted >= RN_RECEIVE_WINDOW)
		return -EPROTO;
	ack_soon(rx, now_ms, seq == rx->wanted);
	if (seq < rx->wanted || *place)
		return 0;
	*place = fragment_new(data, size, flags);
	return *place ? 0 : -ENOMEM;
}

static int append(struct receiver *rx, const struct fragment *f)
{
	if (!rx->message)
		rx->message = malloc(RN_MESSAGE_MAX);
	if (!rx->message)
		return -ENOMEM;
	if (f->size > RN_MESSAGE_MAX - rx->message_size)
		return -EPROTO;
	memcpy(rx->message + rx->message_size, f->data, f->size);
	rx->message_size += f->size;
	return 0;
}

/* Idle sessions hold no message buffer. */
static void drop_delivered(struct receiver *rx)
{
	if (!rx->delivered)
		return;
	rn_wipe(rx->message, rx->message_size);
	free(rx->message);
	rx->message = NULL;
	rx->message_size = 0;
	rx->delivered = false;
}

int rn_reliable_next(struct rn_reliable *r, const uint8_t **ret, size_t *ret_size)
{
	struct receiver *rx = &r->rx;
	struct fragment **place;
	int err;

	drop_delivered(rx);
	while (*(place = &rx->ring[rx->wanted % RN_RECEIVE_WINDOW])) {
		err = append(rx, *place);
		if (err)
			return err;
		rx->delivered = (*place)->flags & RN_FRAGMENT_LAST;
		fragment_free(*place);
		*place = NULL;
		rx->wanted++;
		if (rx->delivered) {
			*ret = rx->message;
			*ret_size = rx->message_size;
			return 1;
		}
	}
	return 0;
}

void rn_reliable_want_ack(struct rn_reliable *r)
{
	r->rx.ack_now = true;
}

static bool ack_wanted(const struct receiver *rx, int64_t now_ms)
{
	return rx->ack_now || rx->ack_due_ms <= now_ms;
}

/* The first fragment that may be sent now, or `end`. */
static uint64_t sendable(const struct sender *tx)
{
	uint64_t limit = tx->first + RN_RECEIVE_WINDOW, seq;

	if (tx->in_flight >= tx->congestion.window)
		return tx->end;
	for (seq = tx->first; seq < tx->end && seq < limit; seq++) {
		const struct fragment *f = tx->ring[seq % RN_SEND_QUEUE];

		if (f && f->state != IN_FLIGHT)
			return seq;
	}
	return tx->end;
}

bool rn_reliable_ready(const struct rn_reliable *r, int64_t now_ms)
{
	return ack_wanted(&r->rx, now_ms) || sendable(&r->tx) != r->tx.end;
}

static void write_ack(struct receiver *rx, struct rn_writer *out)
{
	uint32_t early = 0, i;

	for (i = 0; i + 1 < RN_RECEIVE_WINDOW; i++)
		if (rx->ring[(rx->wanted + 1 + i) % RN_RECEIVE_WINDOW])
			early |= 1u << i;
	rn_write_u8(out, RN_FRAME_ACK);
	rn_write_u64(out, rx->wanted);
	rn_write_u32(out, early);
	rx->ack_now = false;
	rx->ack_due_ms = INT64_MAX;
	rx->unacked = 0;
}

static void write_fragment(struct sender *tx, int64_t now_ms, uint64_t seq, struct rn_writer *out)
{
	struct fragment *f = *tx_place(tx, seq);

	rn_write_u8(out, RN_FRAME_DATA);
	rn_write_u64(out, seq);
	rn_write_u8(out, f->flags);
	rn_write_block(out, f->data, f->size);
	if (tx->in_flight++ == 0)
		tx->rto_base_ms = now_ms;
	f->state = IN_FLIGHT;
	f->sends++;
	f->sent_ms = now_ms;
	f->transmission = tx->transmissions++;
	if (seq >= tx->next)
		tx->next = seq + 1;
}

void rn_reliable_write(struct rn_reliable *r, int64_t now_ms, struct rn_writer *out)
{
	struct sender *tx = &r->tx;
	uint64_t seq;

	if (ack_wanted(&r->rx, now_ms))
		write_ack(&r->rx, out);
	while ((seq = sendable(tx)) != tx->end) {
		if (out->size - out->at < (size_t)RN_DATA_FRAME_HEAD + (*tx_place(tx, seq))->size)
			break;
		write_fragment(tx, now_ms, seq, out);
	}
	assert(!out->failed);
}

int64_t rn_reliable_rto(const struct rn_reliable *r)
{
	return rn_rtt_timeout(&r->tx.rtt);
}

static int64_t rto_deadline(const struct rn_reliable *r)
{
	return r->tx.in_flight ? r->tx.rto_base_ms + rn_reliable_rto(r) : INT64_MAX;
}

int64_t rn_reliable_deadline(const struct rn_reliable *r)
{
	int64_t rto = rto_deadline(r);

	return rto < r->rx.ack_due_ms ? rto : r->rx.ack_due_ms;
}

void rn_reliable_tick(struct rn_reliable *r, int64_t now_ms)
{
	struct sender *tx = &r->tx;
	uint64_t seq;

	if (now_ms < rto_deadline(r))
		return;
	for (seq = tx->first; seq < tx->next; seq++) {
		struct fragment *f = *tx_place(tx, seq);

		if (f && f->state == IN_FLIGHT)
			f->state = LOST;
	}
	tx->in_flight = 0;
	rn_rtt_expired(&tx->rtt);
	rn_congestion_expired(&tx->congestion, tx->transmissions);
}
