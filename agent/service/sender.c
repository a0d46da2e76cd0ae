/* SPDX-License-Identifier: Apache-2.0 */
#include "service/sender.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/local.h"
#include "sys/raw.h"

#define AT_ONCE 64 /* datagrams before others have their turn */

struct rn_sender {
	int listener, peer; /* -1: none */
	uid_t net_uid;
	struct rn_raw *raw;
	struct rn_handoff_state state;
	struct rn_sender_counters counters;
	struct rn_log_limit strange;
};

int rn_sender_new(const char *path, struct rn_sender **ret, struct rn_err *err)
{
	struct rn_sender *s = calloc(1, sizeof(*s));

	if (!s)
		return rn_fail(err, -ENOMEM, "out of memory");
	s->peer = -1;
	s->strange.burst = 5;
	s->listener = rn_local_listen(path, err);
	if (s->listener < 0) {
		int r = s->listener;

		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void hang_up(struct rn_sender *s)
{
	if (s->peer >= 0)
		close(s->peer);
	s->peer = -1;
}

void rn_sender_free(struct rn_sender *s)
{
	if (!s)
		return;
	hang_up(s);
	close(s->listener);
	rn_raw_close(s->raw);
	free(s);
}

int rn_sender_start(struct rn_sender *s, uid_t net_uid, uint16_t port, struct rn_err *err)
{
	int r = rn_local_listen_again(s->listener);

	if (r < 0)
		return rn_fail(err, r, "net cannot be listened to: listen failed");
	s->net_uid = net_uid;
	return rn_raw_open(port, &s->raw, err);
}

static void tell(struct rn_sender *s)
{
	uint8_t data[RN_HANDOFF_STATE_SIZE];
	int r;

	if (s->peer < 0)
		return;
	rn_handoff_state_encode(&s->state, data);
	r = rn_local_send_bytes(s->peer, data, sizeof(data));
	if (r < 0) /* it does not even read these: it is to come back and hear the last */
		hang_up(s);
}

void rn_sender_offer(struct rn_sender *s, const struct rn_handoff_state *state)
{
	if (s->state.port == state->port && s->state.complete == state->complete)
		return;
	s->state = *state;
	tell(s);
}

int rn_sender_listener(const struct rn_sender *s)
{
	return s->listener;
}

int rn_sender_peer(const struct rn_sender *s)
{
	return s->peer;
}

/* There is one net. A newer one has taken the place of the older, which may not have been noticed yet. */
void rn_sender_accept(struct rn_sender *s)
{
	uid_t uid = 0;
	int fd = rn_local_accept(s->listener, &uid);

	if (fd < 0)
		return;
	if (uid != s->net_uid) {
		s->counters.refused++;
		close(fd);
		return;
	}
	hang_up(s);
	s->peer = fd;
	tell(s);
}

static void refuse(struct rn_sender *s, int64_t now_ms)
{
	s->counters.refused++;
	if (rn_log_allowed(&s->strange, now_ms, 60000))
		rn_log(RN_LOG_WARNING, "net asked for something else than a control datagram to be sent: hung up");
	hang_up(s);
}

void rn_sender_receive(struct rn_sender *s, int64_t now_ms)
{
	uint8_t data[RN_HANDOFF_MAX];
	struct rn_handoff h;

	for (int i = 0; i < AT_ONCE && s->peer >= 0; i++) {
		int n = rn_local_receive_bytes(s->peer, data, sizeof(data));

		if (n == -EAGAIN)
			return;
		if (n == 0) {
			hang_up(s);
		} else if (n < 0 || rn_handoff_decode(data, (size_t)n, &h) < 0) {
			refuse(s, now_ms);
		} else if (s->raw && s->state.port && rn_raw_send(s->raw, &h.from, &h.to, h.datagram, h.size) == 0) {
			s->counters.sent++;
		} else {
			s->counters.dropped++;
		}
	}
}

void rn_sender_counters(const struct rn_sender *s, struct rn_sender_counters *ret)
{
	*ret = s->counters;
}
