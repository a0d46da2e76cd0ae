/* SPDX-License-Identifier: Apache-2.0 */
#include "service/enroll_talk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sys/udp.h"

enum state {
	DIALLING, /* nothing of the token has been used */
	ASKED,	  /* the other end is the gateway, and has our request */
	DONE,
};

struct talk {
	const struct rn_enroll *in;
	const struct rn_enroll_keys *keys;
	struct rn_udp *udp;
	struct rn_sessions *sessions;
	rn_session_id session;
	enum state state;
	int result;
	struct rn_err *err;
	uint8_t *message;
	size_t *size;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

static void done(struct talk *t, int result)
{
	t->state = DONE;
	t->result = result;
}

static int encode_request(const struct talk *t, uint8_t *out, size_t out_size)
{
	const struct rn_enroll *in = t->in;
	struct rn_message message = {.type = RN_MESSAGE_ENROLL};
	struct rn_message_enroll *enroll = &message.enroll;
	uint8_t data[512];
	int size;

	enroll->token = in->token.id;
	enroll->role = (uint8_t)in->kind;
	snprintf(enroll->name, sizeof(enroll->name), "%s", in->name);
	memcpy(enroll->noise_key, t->keys->noise_public, RN_KEY_SIZE);
	memcpy(enroll->wireguard_key, t->keys->wireguard_public, RN_KEY_SIZE);
	enroll->wireguard = in->wireguard;
	enroll->control = in->control;
	size = rn_message_enroll_signed(enroll, data, sizeof(data));
	if (size < 0)
		return size;
	rn_ed25519_sign(in->token.seed, data, (size_t)size, enroll->signature);
	return rn_message_encode(&message, out, out_size);
}

static void on_open(struct talk *t, const struct rn_session_event *event)
{
	uint8_t request[1024];
	int size, r;

	r = rn_enroll_check_gateway(&t->in->token, event->data, event->size, now_s(), t->err);
	if (r < 0) {
		done(t, r);
		return;
	}
	size = encode_request(t, request, sizeof(request));
	r = size < 0 ? size : rn_sessions_send(t->sessions, now_ms(), t->session, request, (size_t)size);
	if (r < 0)
		done(t, rn_fail(t->err, r, "cannot send the request: %s", strerror(-r)));
	else
		t->state = ASKED;
}

static void on_message(struct talk *t, const struct rn_session_event *event)
{
	struct rn_enroll_result result;
	int r;

	if (t->state != ASKED)
		return;
	r = rn_enroll_check_answer(t->in, t->keys->noise_public, event->data, event->size, now_s(), &result, t->err);
	if (r == 0) {
		memcpy(t->message, event->data, event->size);
		*t->size = event->size;
	}
	done(t, r);
}

static void no_answer(struct talk *t)
{
	struct rn_endpoint gateway = t->in->token.gateway;
	char text[RN_ENDPOINT_TEXT];

	if (t->in->token.gateway_shared) /* the one port that has to be open */
		gateway.port = t->in->token.gateway_shared;
	rn_endpoint_format(&gateway, text);
	if (t->state == ASKED)
		rn_fail(t->err, 0,
			"the gateway at %s took the request but did not answer: look at its log, then try "
			"again with the same token",
			text);
	else
		rn_fail(t->err, 0,
			"no gateway with this token's key answers at %s: is it running, and is its UDP port "
			"open on the way?",
			text);
	done(t, t->state == ASKED ? -EINPROGRESS : -ETIMEDOUT);
}

static void on_event(void *context, const struct rn_session_event *event)
{
	struct talk *t = context;

	if (t->state == DONE || event->session != t->session)
		return;
	switch (event->type) {
	case RN_SESSION_OPEN:
		on_open(t, event);
		break;
	case RN_SESSION_MESSAGE:
		on_message(t, event);
		break;
	case RN_SESSION_CLOSED:
		no_answer(t);
		break;
	case RN_SESSION_ASK:
	case RN_SESSION_WRITABLE:
	case RN_SESSION_SILENCE:
		break;
	}
}

static bool admit_nobody(void *context, const struct rn_session_event *ask, uint8_t *ret_hello, size_t *ret_size)
{
	(void)context;
	(void)ask;
	(void)ret_hello;
	(void)ret_size;
	return false;
}

static void send_datagram(void *context, const struct rn_endpoint *to, const uint8_t *data, size_t size)
{
	struct talk *t = context;

	rn_udp_send(t->udp, to, data, size);
}

static void datagram(void *context, const struct rn_endpoint *from, const uint8_t *data, size_t size)
{
	struct talk *t = context;

	if (t->state != DONE)
		rn_sessions_receive(t->sessions, now_ms(), from, data, size);
}

static void run(struct talk *t, int64_t deadline)
{
	while (t->state != DONE) {
		struct pollfd p = {rn_udp_fd(t->udp), POLLIN, 0};
		int64_t now = now_ms(), next = rn_sessions_tick(t->sessions, now);

		rn_udp_flush(t->udp);
		if (t->state == DONE)
			return;
		if (now >= deadline) {
			no_answer(t);
			return;
		}
		next = next < deadline ? next : deadline;
		if (poll(&p, 1, next > now ? (int)(next - now) : 0) > 0)
			rn_udp_receive(t->udp, datagram, t);
	}
}

int rn_enroll_talk(const struct rn_enroll *in, const struct rn_enroll_keys *keys, struct rn_udp *udp,
		   uint8_t *ret_message, size_t *ret_size, struct rn_err *err)
{
	struct talk t = {.in = in, .keys = keys, .udp = udp, .err = err, .message = ret_message, .size = ret_size};
	struct rn_endpoint gateway = in->token.gateway;
	struct rn_sessions_config config = {
	    .sessions_max = 1, .context = &t, .send = send_datagram, .event = on_event, .admit = admit_nobody};

	memcpy(config.static_secret, keys->noise_secret, RN_KEY_SIZE);
	t.sessions = rn_sessions_new(&config);
	rn_wipe(&config, sizeof(config));
	if (in->token.gateway_shared)
		gateway.port = in->token.gateway_shared;
	if (t.sessions)
		t.session = rn_sessions_connect(t.sessions, now_ms(), &gateway, in->token.gateway_key, NULL, 0);
	if (t.session && in->token.gateway_shared)
		rn_sessions_alternate(t.sessions, t.session, in->token.gateway.port);
	if (t.session)
		run(&t, now_ms() + (in->timeout_ms > 0 ? in->timeout_ms : 15000));
	else
		t.result = rn_fail(err, -ENOMEM, "out of memory");
	if (t.session) {
		rn_sessions_close(t.sessions, now_ms(), t.session);
		rn_udp_flush(t.udp);
	}
	rn_sessions_free(t.sessions);
	return t.result;
}
