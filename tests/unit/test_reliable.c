/* SPDX-License-Identifier: Apache-2.0 */
/* One end of the message stream against hand-made frames: what it holds, sends, repeats and refuses, and when. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/reliable.h"

#define NOW 100000

/* What one datagram's room was filled with. */
struct written {
	size_t size;
	bool ack;
	uint64_t wanted;
	uint32_t early;
	unsigned fragments;
	uint64_t seq[RN_RECEIVE_WINDOW];
	uint8_t flags[RN_RECEIVE_WINDOW];
	size_t sizes[RN_RECEIVE_WINDOW];
};

static void read_one(struct rn_reader *r, struct written *w)
{
	size_t size;

	if (rn_read_u8(r) == RN_FRAME_ACK) {
		assert_int_equal(w->fragments, 0); /* first, as session_transport.c expects */
		w->ack = true;
		w->wanted = rn_read_u64(r);
		w->early = rn_read_u32(r);
		return;
	}
	w->seq[w->fragments] = rn_read_u64(r);
	w->flags[w->fragments] = rn_read_u8(r);
	assert_non_null(rn_read_block(r, RN_FRAGMENT_MAX, &size));
	w->sizes[w->fragments++] = size;
}

static struct written written(struct rn_reliable *r, int64_t now_ms)
{
	uint8_t room[RN_TRANSPORT_PLAIN_MAX];
	struct rn_writer out = rn_writer(room, sizeof(room));
	struct written w = {0};
	struct rn_reader in;

	rn_reliable_write(r, now_ms, &out);
	in = rn_reader(room, out.at);
	w.size = out.at;
	while (rn_reader_left(&in) > 0)
		read_one(&in, &w);
	assert_false(in.failed);
	return w;
}

/* How many fragments may go out now, one full one a datagram. */
static unsigned sent_now(struct rn_reliable *r, int64_t now_ms)
{
	unsigned count = 0;

	while (rn_reliable_ready(r, now_ms))
		count += written(r, now_ms).fragments;
	return count;
}

static int ack(struct rn_reliable *r, int64_t now_ms, uint64_t wanted, uint32_t early)
{
	uint8_t data[12];
	struct rn_writer w = rn_writer(data, sizeof(data));
	struct rn_reader in;

	rn_write_u64(&w, wanted);
	rn_write_u32(&w, early);
	in = rn_reader(data, w.at);
	return rn_reliable_read_ack(r, now_ms, &in);
}

static int data(struct rn_reliable *r, int64_t now_ms, uint64_t seq, uint8_t flags, size_t size)
{
	static const uint8_t bytes[RN_FRAGMENT_MAX + 1];
	uint8_t frame[RN_FRAGMENT_MAX + 16];
	struct rn_writer w = rn_writer(frame, sizeof(frame));
	struct rn_reader in;

	rn_write_u64(&w, seq);
	rn_write_u8(&w, flags);
	rn_write_block(&w, bytes, size);
	in = rn_reader(frame, w.at);
	return rn_reliable_read_data(r, now_ms, &in);
}

static int queue(struct rn_reliable *r, size_t size)
{
	static const uint8_t message[RN_MESSAGE_MAX + 1];

	return rn_reliable_queue(r, message, size);
}

static int setup(void **state)
{
	*state = rn_reliable_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	rn_reliable_free(*state);
	return 0;
}

/* Whole pieces but the last; an empty message is one empty piece. (A last piece of one byte would still fit beside.) */
static void test_pieces(void **state)
{
	static const size_t sizes[] = {0, 1, RN_FRAGMENT_MAX, RN_FRAGMENT_MAX + 2, 2 * RN_FRAGMENT_MAX};
	struct rn_reliable *r = *state;
	uint64_t seq = 0;
	size_t i;

	assert_false(rn_reliable_ready(r, NOW));
	assert_true(rn_reliable_drained(r));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t left = sizes[i];

		assert_int_equal(queue(r, sizes[i]), 0);
		assert_false(rn_reliable_drained(r));
		do {
			struct written w = written(r, NOW);

			assert_int_equal(w.fragments, 1);
			assert_int_equal(w.seq[0], seq++);
			assert_int_equal(w.sizes[0], left < RN_FRAGMENT_MAX ? left : RN_FRAGMENT_MAX);
			left -= w.sizes[0];
			assert_int_equal(w.flags[0], left ? 0 : RN_FRAGMENT_LAST);
		} while (left);
		assert_false(rn_reliable_ready(r, NOW));
		assert_int_equal(ack(r, NOW, seq, 0), 0);
		assert_true(rn_reliable_drained(r));
	}
}

/* A full fragment leaves just the room for an acknowledgement; small ones share a datagram while they fit. */
static void test_room(void **state)
{
	struct rn_reliable *r = *state;
	struct written w;

	queue(r, RN_FRAGMENT_MAX);
	rn_reliable_want_ack(r);
	w = written(r, NOW);
	assert_true(w.ack);
	assert_int_equal(w.fragments, 1);
	assert_int_equal(w.size, RN_TRANSPORT_PLAIN_MAX);
	ack(r, NOW, 1, 0);
	queue(r, 600);
	queue(r, RN_TRANSPORT_PLAIN_MAX - 600 - 2 * RN_DATA_FRAME_HEAD);
	w = written(r, NOW);
	assert_int_equal(w.fragments, 2);
	assert_int_equal(w.size, RN_TRANSPORT_PLAIN_MAX);
	ack(r, NOW, 3, 0);
	queue(r, 600);
	queue(r, RN_TRANSPORT_PLAIN_MAX - 600 - 2 * RN_DATA_FRAME_HEAD + 1);
	assert_int_equal(written(r, NOW).fragments, 1);
	assert_int_equal(written(r, NOW).fragments, 1);
}

/* RN_SEND_QUEUE fragments and not one more; a message goes in whole or not at all. */
static void test_queue_bound(void **state)
{
	struct rn_reliable *r = *state;
	unsigned i;

	assert_int_equal(queue(r, RN_MESSAGE_MAX + 1), -EMSGSIZE);
	assert_int_equal(queue(r, RN_MESSAGE_MAX), 0); /* 14 fragments */
	for (i = 14; i < RN_SEND_QUEUE - 1; i++)
		assert_int_equal(queue(r, 1), 0);
	assert_int_equal(queue(r, RN_FRAGMENT_MAX + 1), -EAGAIN);
	assert_int_equal(queue(r, RN_FRAGMENT_MAX), 0);
	assert_int_equal(queue(r, 0), -EAGAIN);
	assert_int_equal(sent_now(r, NOW), RN_CWND_FIRST);
	assert_int_equal(ack(r, NOW, 1, 2), 0); /* number 2 is one that came early: its place is not free yet */
	assert_int_equal(queue(r, RN_FRAGMENT_MAX + 1), -EAGAIN);
	assert_int_equal(queue(r, 1), 0);
	assert_int_equal(queue(r, 1), -EAGAIN);
}

/* Acknowledged is what was sent; for anything else the peer is no peer of this protocol. */
static void test_ack_bounds(void **state)
{
	struct rn_reliable *r = *state;
	uint8_t eleven[11] = {0};
	struct rn_reader in = rn_reader(eleven, sizeof(eleven));
	int i;

	assert_int_equal(rn_reliable_read_ack(r, NOW, &in), -EPROTO);
	assert_int_equal(ack(r, NOW, 1, 0), -EPROTO);
	for (i = 0; i < 3; i++)
		queue(r, RN_FRAGMENT_MAX);
	assert_int_equal(ack(r, NOW, 1, 0), -EPROTO);
	written(r, NOW);
	written(r, NOW);
	assert_int_equal(ack(r, NOW, 3, 0), -EPROTO);
	assert_int_equal(ack(r, NOW, 0, ~0u), 0); /* 1 came; what the other bits say was never sent */
	assert_int_equal(ack(r, NOW, 1, 0), 0);
	assert_int_equal(ack(r, NOW, 0, 0), 0); /* an old one that was overtaken */
	assert_false(rn_reliable_drained(r));
	written(r, NOW);
	assert_int_equal(ack(r, NOW, 3, 0), 0);
	assert_true(rn_reliable_drained(r));
}

/* Acknowledges until RN_RECEIVE_WINDOW fragments are in flight: the first one's number. Many more are queued. */
static uint64_t fill_window(struct rn_reliable *r)
{
	uint64_t first = 0;
	unsigned i, sent;

	for (i = 0; i < RN_SEND_QUEUE; i++)
		assert_int_equal(queue(r, 1), 0);
	while ((sent = sent_now(r, NOW)) < RN_RECEIVE_WINDOW) {
		assert_true(sent > 0);
		first += sent;
		assert_int_equal(ack(r, NOW, first, 0), 0);
	}
	assert_int_equal(sent, RN_RECEIVE_WINDOW);
	return first;
}

/* At most RN_RECEIVE_WINDOW above the oldest that is missing, whatever is in flight: the peer has no more places. */
static void test_send_window(void **state)
{
	struct rn_reliable *r = *state;
	uint64_t first = fill_window(r);
	struct written w;

	assert_int_equal(ack(r, NOW, first, 0x7fffffff), 0); /* all but the first */
	w = written(r, NOW);
	assert_int_equal(w.fragments, 1);
	assert_int_equal(w.seq[0], first);
	assert_false(rn_reliable_ready(r, NOW));
	assert_int_equal(ack(r, NOW, first + 1, 0x1fffffff), 0); /* the last one's bit is not needed again */
	w = written(r, NOW);
	assert_int_equal(w.seq[0], first + RN_RECEIVE_WINDOW);
	assert_int_equal(w.fragments, RN_RECEIVE_WINDOW / 2); /* after the loss */
	/* the first of these is lost too: it was sent after the answer to the loss before, so it is another one */
	assert_int_equal(ack(r, NOW, first + RN_RECEIVE_WINDOW, 0x7fff), 0);
	w = written(r, NOW);
	assert_int_equal(w.seq[0], first + RN_RECEIVE_WINDOW);
	assert_int_equal(w.fragments, RN_RECEIVE_WINDOW / 4);
}

/* Bit 0 stands for wanted + 1, bit 31 for wanted + 32, and nothing for what is beyond. */
static void test_ack_bitmap(void **state)
{
	struct rn_reliable *r = *state;
	uint64_t first = fill_window(r), i;
	struct written w;

	/* overtaken by later ones, so that their bitmaps reach less far */
	assert_int_equal(ack(r, NOW, first - 2, 1 << 2), 0);
	assert_int_equal(ack(r, NOW, first - 2, 1), 0);
	assert_int_equal(ack(r, NOW, first - 1, 1u << 31), 0);
	rn_reliable_tick(r, NOW + 5000);
	w = written(r, NOW + 5000);
	assert_int_equal(w.fragments, RN_CWND_MIN);
	assert_int_equal(w.seq[0], first);
	assert_int_equal(w.seq[1], first + 2);
	for (i = 1; i < 16; i++)
		assert_int_equal(ack(r, NOW + 5000, first + 2 * i + 1, 0), 0);
	w = written(r, NOW + 5000);
	assert_true(w.fragments > 0);
	assert_int_equal(w.seq[0], first + RN_RECEIVE_WINDOW);
}

/* RFC 9002 6.1.1: three later ones arrived. Two may just have overtaken it. */
static void test_loss(void **state)
{
	struct rn_reliable *r = *state;
	struct written w;
	int i;

	for (i = 0; i < 4; i++)
		queue(r, RN_FRAGMENT_MAX);
	assert_int_equal(sent_now(r, NOW), 4);
	assert_int_equal(ack(r, NOW + 10, 0, 1), 0);
	assert_int_equal(ack(r, NOW + 10, 0, 3), 0);
	assert_false(rn_reliable_ready(r, NOW + 10));
	assert_int_equal(ack(r, NOW + 10, 0, 7), 0);
	assert_true(rn_reliable_ready(r, NOW + 10));
	w = written(r, NOW + 10);
	assert_int_equal(w.fragments, 1);
	assert_int_equal(w.seq[0], 0);
	assert_false(rn_reliable_ready(r, NOW + 10));
	assert_int_equal(ack(r, NOW + 20, 4, 0), 0);
	assert_true(rn_reliable_drained(r));
}

/* The timer runs from the first in flight and again from each that arrives (RFC 6298 5.1 to 5.3); without one it
 * stands. */
static void test_timeout(void **state)
{
	struct rn_reliable *r = *state;

	assert_true(rn_reliable_deadline(r) == INT64_MAX);
	rn_reliable_tick(r, NOW); /* nothing in flight: no timeout, no backoff */
	assert_int_equal(rn_reliable_rto(r), 1000);
	queue(r, RN_FRAGMENT_MAX);
	queue(r, RN_FRAGMENT_MAX);
	assert_true(rn_reliable_deadline(r) == INT64_MAX);
	written(r, NOW);
	assert_int_equal(rn_reliable_deadline(r), NOW + 1000);
	written(r, NOW + 100);
	assert_int_equal(rn_reliable_deadline(r), NOW + 1000);
	rn_reliable_tick(r, NOW + 999);
	assert_false(rn_reliable_ready(r, NOW + 999));
	rn_reliable_tick(r, NOW + 1000);
	assert_int_equal(rn_reliable_rto(r), 2000);
	assert_true(rn_reliable_deadline(r) == INT64_MAX);
	assert_int_equal(written(r, NOW + 1000).seq[0], 0);
	assert_int_equal(written(r, NOW + 1000).seq[0], 1);
	assert_int_equal(rn_reliable_deadline(r), NOW + 3000);
	/* Karn: a repeated one teaches nothing, but that it arrived ends the backoff */
	assert_int_equal(ack(r, NOW + 1500, 1, 0), 0);
	assert_int_equal(rn_reliable_rto(r), 1000);
	assert_int_equal(rn_reliable_deadline(r), NOW + 2500);
	assert_int_equal(ack(r, NOW + 1600, 1, 0), 0); /* says nothing new */
	assert_int_equal(rn_reliable_deadline(r), NOW + 2500);
	assert_int_equal(ack(r, NOW + 1700, 2, 0), 0);
	assert_true(rn_reliable_deadline(r) == INT64_MAX);
	assert_int_equal(rn_reliable_rto(r), 1000);
	queue(r, 1);
	written(r, NOW + 2000);
	assert_int_equal(ack(r, NOW + 2080, 3, 0), 0);
	assert_int_equal(rn_reliable_rto(r), 80 + 4 * 40);
}

/* After a timeout two at a time, oldest first, and only what has not arrived. */
static void test_after_timeout(void **state)
{
	struct rn_reliable *r = *state;
	struct written w;
	int i;

	for (i = 0; i < 4; i++)
		queue(r, RN_FRAGMENT_MAX);
	assert_int_equal(sent_now(r, NOW), 4);
	assert_int_equal(ack(r, NOW, 0, 1), 0);
	rn_reliable_tick(r, NOW + 1000);
	w = written(r, NOW + 1000);
	assert_int_equal(w.seq[0], 0);
	w = written(r, NOW + 1000);
	assert_int_equal(w.seq[0], 2);
	assert_false(rn_reliable_ready(r, NOW + 1000));
}

/* 20 ms for the second of a pair, at once for the second, for what is out of order and for a ping. */
static void test_ack_delay(void **state)
{
	struct rn_reliable *r = *state;
	struct written w;

	assert_int_equal(data(r, NOW, 0, RN_FRAGMENT_LAST, 1), 0);
	assert_false(rn_reliable_ready(r, NOW + 19));
	assert_int_equal(rn_reliable_deadline(r), NOW + 20);
	assert_true(rn_reliable_ready(r, NOW + 20));
	w = written(r, NOW + 20);
	assert_true(w.ack);
	assert_int_equal(w.wanted, 0); /* what was not taken out yet is early */
	assert_int_equal(w.early, 0);
	assert_false(rn_reliable_ready(r, NOW + 100));
	assert_true(rn_reliable_deadline(r) == INT64_MAX);
	assert_int_equal(data(r, NOW, 2, RN_FRAGMENT_LAST, 1), 0);
	assert_true(rn_reliable_ready(r, NOW));
	w = written(r, NOW);
	assert_int_equal(w.early, 1 << 1);
	rn_reliable_want_ack(r);
	assert_true(rn_reliable_ready(r, NOW));
	assert_true(written(r, NOW).ack);
	assert_false(rn_reliable_ready(r, NOW));
}

static void test_ack_pair(void **state)
{
	struct rn_reliable *r = *state;
	const uint8_t *message;
	size_t size;

	assert_int_equal(data(r, NOW, 0, RN_FRAGMENT_LAST, 1), 0);
	assert_int_equal(rn_reliable_next(r, &message, &size), 1);
	assert_int_equal(data(r, NOW + 5, 1, RN_FRAGMENT_LAST, 1), 0);
	assert_true(rn_reliable_ready(r, NOW + 5));
	assert_int_equal(rn_reliable_deadline(r), NOW + 20); /* the delay of the first one */
	assert_int_equal(written(r, NOW + 5).wanted, 1);
	assert_int_equal(data(r, NOW + 6, 1, RN_FRAGMENT_LAST, 1), 0); /* repeated: its acknowledgement was lost */
	assert_false(rn_reliable_ready(r, NOW + 6));
	assert_int_equal(rn_reliable_next(r, &message, &size), 1);
	written(r, NOW + 26);
	assert_int_equal(data(r, NOW + 30, 1, RN_FRAGMENT_LAST, 1), 0);
	assert_true(rn_reliable_ready(r, NOW + 30)); /* delivered already */
	assert_int_equal(rn_reliable_next(r, &message, &size), 0);
}

/* The receiver's memory: RN_RECEIVE_WINDOW places, and whoever writes beyond them is cut off. */
static void test_receive_window(void **state)
{
	struct rn_reliable *r = *state;
	const uint8_t *message;
	struct written w;
	size_t size;
	unsigned i;

	assert_int_equal(data(r, NOW, RN_RECEIVE_WINDOW, RN_FRAGMENT_LAST, 1), -EPROTO);
	assert_int_equal(data(r, NOW, UINT64_MAX, RN_FRAGMENT_LAST, 1), -EPROTO);
	for (i = RN_RECEIVE_WINDOW - 1; i > 0; i--) {
		assert_int_equal(data(r, NOW, i, RN_FRAGMENT_LAST, i), 0);
		assert_int_equal(rn_reliable_next(r, &message, &size), 0);
	}
	w = written(r, NOW);
	assert_int_equal(w.wanted, 0);
	assert_int_equal(w.early, 0x7fffffff);
	assert_int_equal(data(r, NOW, 1, RN_FRAGMENT_LAST, 9), 0); /* the first of a number stays */
	assert_int_equal(data(r, NOW, 0, RN_FRAGMENT_LAST, 0), 0);
	for (i = 0; i < RN_RECEIVE_WINDOW; i++) {
		assert_int_equal(rn_reliable_next(r, &message, &size), 1);
		assert_int_equal(size, i);
	}
	assert_int_equal(rn_reliable_next(r, &message, &size), 0);
	assert_int_equal(data(r, NOW, 2 * RN_RECEIVE_WINDOW, RN_FRAGMENT_LAST, 1), -EPROTO);
	assert_int_equal(data(r, NOW, 2 * RN_RECEIVE_WINDOW - 1, RN_FRAGMENT_LAST, 1), 0);
	w = written(r, NOW);
	assert_int_equal(w.wanted, RN_RECEIVE_WINDOW);
	assert_int_equal(w.early, 1u << 30);
}

static void test_bad_fragments(void **state)
{
	struct rn_reliable *r = *state;
	uint8_t cut[11] = {0};
	struct rn_reader in = rn_reader(cut, 10);

	assert_int_equal(rn_reliable_read_data(r, NOW, &in), -EPROTO);
	assert_int_equal(data(r, NOW, 0, 2, 1), -EPROTO);
	assert_int_equal(data(r, NOW, 0, 3, 1), -EPROTO);
	assert_int_equal(data(r, NOW, 0, 0, 0), -EPROTO); /* nothing, and more to come: for ever */
	assert_int_equal(data(r, NOW, 0, 0, RN_FRAGMENT_MAX + 1), -EPROTO);
	assert_false(rn_reliable_ready(r, NOW)); /* none of them is acknowledged */
	assert_int_equal(data(r, NOW, 0, 0, 1), 0);
	assert_int_equal(data(r, NOW, 1, RN_FRAGMENT_LAST, 0), 0);
}

/* A message of exactly RN_MESSAGE_MAX bytes is whole; one byte more ends the session. */
static void long_message(struct rn_reliable *r, size_t more, int expected)
{
	const size_t whole = RN_MESSAGE_MAX / RN_FRAGMENT_MAX, rest = RN_MESSAGE_MAX % RN_FRAGMENT_MAX;
	const uint8_t *message = NULL;
	size_t size = 0, i;

	for (i = 0; i < whole; i++) {
		assert_int_equal(data(r, NOW, i, 0, RN_FRAGMENT_MAX), 0);
		assert_int_equal(rn_reliable_next(r, &message, &size), 0);
	}
	assert_int_equal(data(r, NOW, whole, RN_FRAGMENT_LAST, rest + more), 0);
	assert_int_equal(rn_reliable_next(r, &message, &size), expected);
	if (expected == 1)
		assert_int_equal(size, RN_MESSAGE_MAX);
}

static void test_longest_message(void **state)
{
	long_message(*state, 0, 1);
}

static void test_too_long_message(void **state)
{
	long_message(*state, 1, -EPROTO);
}

static size_t size_of(unsigned number)
{
	return number == 1 ? 1 : number * 50;
}

/* Both ends with each other: order, contents and borders of messages, with every third datagram lost. */
static void test_both_ends(void **state)
{
	struct rn_reliable *from = *state, *to = rn_reliable_new();
	uint8_t message[3000], room[RN_TRANSPORT_PLAIN_MAX];
	unsigned sent = 0, arrived = 0, datagram = 0;
	int64_t now = NOW;
	const uint8_t *got;
	size_t size;

	assert_non_null(to);
	for (; arrived < 60 && now < NOW + 1000000; now += 10) {
		for (; sent < 60; sent++) {
			memset(message, (int)sent, sizeof(message));
			if (rn_reliable_queue(from, message, size_of(sent)))
				break;
		}
		rn_reliable_tick(from, now);
		while (rn_reliable_ready(from, now)) {
			struct rn_writer out = rn_writer(room, sizeof(room));
			struct rn_reader in;

			rn_reliable_write(from, now, &out);
			in = rn_reader(room, out.at);
			while (datagram % 3 && rn_reader_left(&in) && rn_read_u8(&in) == RN_FRAME_DATA)
				assert_int_equal(rn_reliable_read_data(to, now, &in), 0);
			datagram++;
		}
		while (rn_reliable_next(to, &got, &size) == 1) {
			assert_int_equal(size, size_of(arrived));
			assert_true(size == 0 || (got[0] == arrived && got[size - 1] == arrived));
			arrived++;
		}
		if (rn_reliable_ready(to, now)) {
			struct written w = written(to, now);

			assert_int_equal(ack(from, now, w.wanted, w.early), 0);
		}
	}
	assert_int_equal(arrived, 60);
	rn_reliable_free(to);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_pieces),
	    TEST(test_room),
	    TEST(test_queue_bound),
	    TEST(test_ack_bounds),
	    TEST(test_ack_bitmap),
	    TEST(test_send_window),
	    TEST(test_loss),
	    TEST(test_timeout),
	    TEST(test_after_timeout),
	    TEST(test_ack_delay),
	    TEST(test_ack_pair),
	    TEST(test_receive_window),
	    TEST(test_bad_fragments),
	    TEST(test_longest_message),
	    TEST(test_too_long_message),
	    TEST(test_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
