/* SPDX-License-Identifier: Apache-2.0 */
/* Frames out of a datagram that the peer's key has opened, between messages of our own and the passing of time. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/reliable.h"

static int64_t now_ms;

static void pump(struct rn_reliable *r)
{
	static uint8_t room[RN_TRANSPORT_PLAIN_MAX];
	unsigned datagrams = 0;

	while (rn_reliable_ready(r, now_ms)) {
		struct rn_writer w = rn_writer(room, sizeof(room));

		rn_reliable_write(r, now_ms, &w);
		CHECK(!w.failed && w.at > 0);
		CHECK(++datagrams <= 2 * RN_SEND_QUEUE);
	}
	CHECK(rn_reliable_deadline(r) > now_ms || rn_reliable_deadline(r) == INT64_MAX || datagrams == 0);
}

/* False: the session ends. */
static bool frames(struct rn_reliable *r, const uint8_t *data, size_t size)
{
	struct rn_reader in = rn_reader(data, size);
	const uint8_t *message;
	size_t message_size;
	int err = 0;

	while (err == 0 && rn_reader_left(&in)) {
		uint8_t type = rn_read_u8(&in);

		if (type == RN_FRAME_ACK)
			err = rn_reliable_read_ack(r, now_ms, &in);
		else if (type == RN_FRAME_DATA)
			err = rn_reliable_read_data(r, now_ms, &in);
		else
			rn_reliable_want_ack(r);
	}
	while (err == 0 && (err = rn_reliable_next(r, &message, &message_size)) > 0) {
		CHECK(message_size <= RN_MESSAGE_MAX);
		if (message_size)
			CHECK(*message == message[0]);
		err = 0;
	}
	return err == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t message[RN_MESSAGE_MAX];
	struct rn_reliable *r = rn_reliable_new();
	struct fuzz f = {data, size};
	bool alive = true;

	CHECK(r);
	now_ms = 1000;
	while (alive && f.size) {
		uint8_t what = fuzz_u8(&f);
		size_t block_size;
		uint8_t *block;

		if (what < 64) {
			now_ms += fuzz_u8(&f) * 16;
			rn_reliable_tick(r, now_ms);
		} else if (what < 96) {
			rn_reliable_queue(r, message, fuzz_u16(&f) % (RN_MESSAGE_MAX + 2));
		} else {
			block = fuzz_block(&f, RN_TRANSPORT_PLAIN_MAX, &block_size);
			alive = frames(r, block, block_size);
			free(block);
		}
		pump(r);
	}
	rn_reliable_free(r);
	return 0;
}
