/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "proto/session_internal.h"

/* Datagrams under the keys of a handshake: frames, keepalives, roaming, the change of keys. */

static bool open_datagram(const struct rn_keypair *k, const uint8_t *datagram, size_t size, uint64_t counter,
			  uint8_t *plain)
{
	return rn_aead_open(k->receive.key, counter, datagram, RN_TRANSPORT_HEAD, datagram + RN_TRANSPORT_HEAD,
			    size - RN_TRANSPORT_HEAD, plain) == 0;
}

/* Only an acknowledgement, a keepalive and a CLOSE are sent without hope of an answer. */
static bool wants_answer(const struct rn_writer *frames)
{
	size_t at = frames->at > 0 && frames->data[0] == RN_FRAME_ACK ? RN_ACK_FRAME_SIZE : 0;

	return frames->at > at && frames->data[at] != RN_FRAME_CLOSE;
}

/* From the first unanswered datagram on, so that a peer that is gone cannot be talked to for ever. */
static void expect_answer(struct rn_session *session, int64_t now_ms)
{
	int64_t wait = rn_reliable_rto(session->reliable);

	if (session->suspect_ms == INT64_MAX)
		session->suspect_ms = now_ms + (wait > RN_SUSPECT_MS ? wait : RN_SUSPECT_MS);
}

/* Seals w's frames into a datagram under the newest key and sends it. */
static void send_frames(struct rn_sessions *s, int64_t now_ms, struct rn_session *session,
			const struct rn_writer *frames)
{
	struct rn_keypair *k = &session->keys[RN_KEY_CURRENT];
	uint8_t datagram[RN_DATAGRAM_MAX];
	struct rn_writer w = rn_wire_writer(datagram, sizeof(datagram), RN_WIRE_TRANSPORT);
	uint64_t counter = k->send.counter++;

	rn_write_u32(&w, k->remote);
	rn_write_u64(&w, counter);
	rn_aead_seal(k->send.key, counter, datagram, RN_TRANSPORT_HEAD, frames->data, frames->at, datagram + w.at);
	session->sent_ms = now_ms;
	if (wants_answer(frames))
		expect_answer(session, now_ms);
	rn_session_send(s, &session->endpoint, datagram, w.at + frames->at + RN_TAG_SIZE);
}

void rn_transport_flush(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	uint8_t plain[RN_TRANSPORT_PLAIN_MAX];

	while (rn_reliable_ready(session->reliable, now_ms)) {
		struct rn_writer w = rn_writer(plain, sizeof(plain));

		rn_reliable_write(session->reliable, now_ms, &w);
		send_frames(s, now_ms, session, &w);
	}
	rn_wipe(plain, sizeof(plain));
}

static void send_simple(struct rn_sessions *s, int64_t now_ms, struct rn_session *session, const uint8_t *frame,
			size_t size)
{
	uint8_t plain[8];
	struct rn_writer w = rn_writer(plain, sizeof(plain));

	rn_write_bytes(&w, frame, size);
	send_frames(s, now_ms, session, &w);
}

void rn_transport_close(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	const uint8_t frame = RN_FRAME_CLOSE;
	int i;

	/* Nobody answers it; a second one costs less than the peer's 30 s of waiting. */
	for (i = 0; i < 2; i++)
		send_simple(s, now_ms, session, &frame, 1);
}

void rn_transport_promote(struct rn_sessions *s, int64_t now_ms, struct rn_session *session,
			  const struct rn_keypair *keypair)
{
	(void)s;
	session->keys[RN_KEY_PREVIOUS] = session->keys[RN_KEY_CURRENT];
	session->keys[RN_KEY_CURRENT] = *keypair;
	session->rekeyed_ms = now_ms;
	session->heard = false; /* the initiator pings until the responder has the new key too */
	session->probe_ms = now_ms;
	session->suspect_ms = INT64_MAX;
}

/* Frames. Each reader takes what follows the type byte; 0, or -errno which ends the session. */

static int frame_ack(struct rn_session *session, int64_t now_ms, struct rn_reader *r)
{
	return rn_reliable_read_ack(session->reliable, now_ms, r);
}

static int frame_data(struct rn_session *session, int64_t now_ms, struct rn_reader *r)
{
	return rn_reliable_read_data(session->reliable, now_ms, r);
}

static int frame_ping(struct rn_session *session, int64_t now_ms, struct rn_reader *r)
{
	(void)now_ms;
	(void)r;
	rn_reliable_want_ack(session->reliable);
	return 0;
}

static int frame_close(struct rn_session *session, int64_t now_ms, struct rn_reader *r)
{
	(void)session;
	(void)now_ms;
	(void)r;
	return -ECONNRESET;
}

static int (*const frame_readers[RN_FRAME_TYPE_END])(struct rn_session *, int64_t, struct rn_reader *) = {
	[RN_FRAME_ACK] = frame_ack,
	[RN_FRAME_DATA] = frame_data,
	[RN_FRAME_PING] = frame_ping,
	[RN_FRAME_CLOSE] = frame_close,
};

static int read_frames(struct rn_session *session, int64_t now_ms, const uint8_t *plain, size_t size)
{
	struct rn_reader r = rn_reader(plain, size);
	int err = 0;

	while (err == 0 && rn_reader_left(&r) > 0) {
		uint8_t type = rn_read_u8(&r);

		if (type >= RN_FRAME_TYPE_END || !frame_readers[type])
			return -EPROTO;
		err = frame_readers[type](session, now_ms, &r);
	}
	return err;
}

/* The callback may close the session, so its state is asked each time. */
static int deliver(struct rn_sessions *s, struct rn_session *session)
{
	const uint8_t *message;
	size_t size;
	int r = 0;

	while (session->state != RN_DEAD && (r = rn_reliable_next(session->reliable, &message, &size)) > 0)
		if (session->state == RN_OPEN)
			rn_session_tell(s, session, RN_SESSION_MESSAGE, message, size, 0);
	return r < 0 ? r : 0;
}

/* The first datagram under new keys makes them current. */
static void take_next_keys(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	struct rn_keypair next = session->keys[RN_KEY_NEXT];

	rn_wipe(&session->keys[RN_KEY_NEXT], sizeof(next));
	rn_transport_promote(s, now_ms, session, &next);
	rn_wipe(&next, sizeof(next));
}

static void handle(struct rn_sessions *s, int64_t now_ms, struct rn_session *session, const uint8_t *plain, size_t size)
{
	int err;

	if (session->state == RN_HALF_OPEN)
		rn_responder_confirmed(s, now_ms, session);
	if (session->state != RN_OPEN && session->state != RN_LINGERING)
		return;
	err = read_frames(session, now_ms, plain, size);
	/* What came whole before an error or a close still counts. */
	if (err == 0 || err == -ECONNRESET) {
		int failed = deliver(s, session);

		err = failed ? failed : err;
	}
	if (err && err != -ECONNRESET && session->state != RN_DEAD)
		rn_transport_close(s, now_ms, session);
	if (err)
		rn_session_end(s, session, err == -ECONNRESET ? 0 : err);
}

static void accept_datagram(struct rn_sessions *s, int64_t now_ms, struct rn_session *session, struct rn_keypair *k,
			    bool newest, const struct rn_endpoint *from)
{
	if (k == &session->keys[RN_KEY_NEXT]) {
		take_next_keys(s, now_ms, session);
		k = &session->keys[RN_KEY_CURRENT];
	}
	/* Only the newest datagram moves the peer: one that was held back must not move it back. */
	if (newest && k == &session->keys[RN_KEY_CURRENT])
		session->endpoint = *from;
	session->heard_ms = now_ms;
	session->suspect_ms = INT64_MAX;
	if (session->handshake && session->handshake->check)
		rn_handshake_end(session);
	if (k == &session->keys[RN_KEY_CURRENT])
		session->heard = true;
}

void rn_receive_transport(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from,
			  const uint8_t *datagram, size_t size)
{
	struct rn_reader r = rn_reader(datagram + RN_WIRE_HEAD, size - RN_WIRE_HEAD);
	uint32_t index = rn_read_u32(&r);
	uint64_t counter = rn_read_u64(&r);
	uint8_t plain[RN_TRANSPORT_PLAIN_MAX];
	struct rn_session *session;
	struct rn_keypair *k;
	bool newest;

	if (size < RN_TRANSPORT_HEAD + RN_TAG_SIZE || size > RN_DATAGRAM_MAX)
		return;
	session = rn_session_by_index(s, index);
	k = session ? rn_session_keypair(session, index) : NULL;
	if (!k || !open_datagram(k, datagram, size, counter, plain))
		return;
	newest = counter >= k->replay.next;
	if (rn_replay_accept(&k->replay, counter)) {
		accept_datagram(s, now_ms, session, k, newest, from);
		rn_watch_heard(s, now_ms, session);
		handle(s, now_ms, session, plain, size - RN_TRANSPORT_HEAD - RN_TAG_SIZE);
		rn_session_settle(s, now_ms, session);
	}
	rn_wipe(plain, sizeof(plain));
}

/* When the next ping is due: often until the peer was heard under these keys, then only after silence. */
static int64_t probe_deadline(const struct rn_session *session)
{
	int64_t silent = session->heard_ms + RN_PROBE_AFTER_MS;

	if (!session->heard && session->initiator)
		return session->probe_ms;
	return silent > session->probe_ms ? silent : session->probe_ms;
}

static bool wants_rekey(const struct rn_session *session)
{
	return session->initiator && session->state == RN_OPEN && !session->handshake;
}

static int64_t check_deadline(const struct rn_session *session)
{
	int64_t again = session->checked_ms + RN_CHECK_GAP_MS;

	if (!wants_rekey(session) || session->suspect_ms == INT64_MAX)
		return INT64_MAX;
	return session->suspect_ms > again ? session->suspect_ms : again;
}

/* The initiator's is a ping, so its answer is the responder's, and that a restart forgot the session shows at once. */
static int64_t keepalive_deadline(const struct rn_session *session)
{
	return session->initiator ? session->sent_ms + session->keepalive_ms : INT64_MAX;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t rn_transport_deadline(const struct rn_session *session)
{
	int64_t at = rn_reliable_deadline(session->reliable);

	at = earliest(at, session->heard_ms + RN_DEAD_MS);
	at = earliest(at, keepalive_deadline(session));
	at = earliest(at, check_deadline(session));
	at = earliest(at, probe_deadline(session));
	at = earliest(at, rn_watch_deadline(session));
	if (session->keys[RN_KEY_PREVIOUS].local)
		at = earliest(at, session->rekeyed_ms + RN_PREVIOUS_KEY_MS);
	if (wants_rekey(session))
		at = earliest(at, session->rekeyed_ms + RN_REKEY_MS);
	if (session->state == RN_LINGERING)
		at = earliest(at, session->linger_ms);
	return earliest(at, session->rekeyed_ms + RN_KEY_DEAD_MS);
}

void rn_transport_ping(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	const uint8_t frame = RN_FRAME_PING;

	session->probe_ms = now_ms + (session->heard ? RN_PROBE_MS : rn_reliable_rto(session->reliable));
	send_simple(s, now_ms, session, &frame, 1);
}

static void begin_rekey(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	/* Out of memory: again in a moment. */
	if (rn_handshake_begin(s, now_ms, session, false))
		session->rekeyed_ms += RN_RTO_FIRST_MS;
}

static void begin_check(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	session->checked_ms = now_ms;
	/* Out of memory: again after the gap. */
	(void)rn_handshake_begin(s, now_ms, session, true);
}

void rn_transport_tick(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	if (now_ms >= session->heard_ms + RN_DEAD_MS || now_ms >= session->rekeyed_ms + RN_KEY_DEAD_MS) {
		rn_session_end(s, session, -ETIMEDOUT);
		return;
	}
	rn_reliable_tick(session->reliable, now_ms);
	if (session->keys[RN_KEY_PREVIOUS].local && now_ms >= session->rekeyed_ms + RN_PREVIOUS_KEY_MS)
		rn_wipe(&session->keys[RN_KEY_PREVIOUS], sizeof(session->keys[0]));
	if (wants_rekey(session) && (now_ms >= session->rekeyed_ms + RN_REKEY_MS))
		begin_rekey(s, now_ms, session);
	rn_transport_flush(s, now_ms, session);
	if (now_ms >= check_deadline(session))
		begin_check(s, now_ms, session);
	if (now_ms >= probe_deadline(session) || now_ms >= keepalive_deadline(session))
		rn_transport_ping(s, now_ms, session);
	rn_watch_tick(s, now_ms, session);
}
