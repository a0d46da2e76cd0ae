/* SPDX-License-Identifier: Apache-2.0 */
/* What a captured net says to the gateway's core. Words: HUB_KEY DEVICE_KEY (Noise, base64), or a token. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_attacker.h"
#include "domain/token.h"

#define LOOT "/var/lib/rnaut/state/net/loot"

static void key_of(const char *text, uint8_t ret[RN_KEY_SIZE])
{
	size_t size;

	if (rn_base64_decode(text, ret, RN_KEY_SIZE, &size) < 0 || size != RN_KEY_SIZE)
		said("bad key %s", text);
}

static void nonsense(const struct inside *inside, char **words, int count)
{
	(void)words;
	(void)count;
	talk_nonsense(dial_core, inside);
}

/* Says what other processes say; each must end the connection. */
static void as_others(const struct inside *inside, char **words, int count)
{
	static const enum rn_local_type types[] = {RN_LOCAL_KERN_HELLO,	 RN_LOCAL_KERN_APPLIED, RN_LOCAL_KERN_EVENTS,
						   RN_LOCAL_KERN_STATUS, RN_LOCAL_CA_HELLO,	RN_LOCAL_CA_ANSWER,
						   RN_LOCAL_WEB_HELLO,	 RN_LOCAL_WEB_REQUEST,	RN_LOCAL_KERN_RECORD,
						   RN_LOCAL_KERN_LINK,	 RN_LOCAL_CA_ISSUE,	RN_LOCAL_NET_LEAF};
	unsigned total = sizeof(types) / sizeof(types[0]);

	(void)words;
	(void)count;
	said("%u of %u ended the connection", hung_up_on(dial_core, inside, types, total), total);
}

/* Keeps the records that a session is sent, for the other host's attacker. */
static void take_records(int fd, int out)
{
	struct rn_message message;
	struct rn_local in;
	unsigned records = 0;

	while (hear(fd, 800, &in) == 1) {
		if (in.type != RN_LOCAL_NET_SEND || rn_message_decode(in.block, in.block_size, &message) < 0 ||
		    message.type != RN_MESSAGE_RECORD || message.record.piece_size != message.record.total)
			continue;
		uint16_t size = (uint16_t)message.record.piece_size;

		if (write(out, &size, 2) != 2 || write(out, message.record.piece, size) != size)
			said("cannot keep a record");
		records++;
	}
	said("%u records read", records);
}

/*
 * Claims that the hub has come, and is where it was, and reads what it would be sent: net can read, and that is all.
 * (That the hub had lost everything it could say, too: then it stands apart until it comes itself.)
 */
static void read_records(const struct inside *inside, char **words, int count)
{
	struct rn_message subscribe = {.type = RN_MESSAGE_SUBSCRIBE, .subscribe = {.epoch = 1, .again = 1}};
	int out = open(LOOT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), fd = dial_core(inside);
	uint8_t key[RN_KEY_SIZE];

	if (count < 2 || out < 0 || fd < 0)
		return;
	key_of(words[0], key);
	subscribe.subscribe.version = strtoull(words[1], NULL, 10);
	claim(fd, 71, key, RN_KIND_REGIONAL, 0);
	speak(fd, 71, &subscribe);
	take_records(fd, out);
	close(out);
	close(fd);
}

/* A request of device `number`, sealed with the only secret that net has. */
static void sealed_request(const struct inside *inside, int fd, uint64_t session, uint32_t number, const uint8_t *plain,
			   size_t size)
{
	uint8_t box[128];
	struct rn_message request = {
	    .type = RN_MESSAGE_REQUEST,
	    .request = {.device = number, .id = 5, .sealed = box, .sealed_size = size + RN_SEAL_OVERHEAD}};

	rn_box_seal(inside->net->box_public, inside->net->secret, plain, size, box);
	speak(fd, session, &request);
}

/* Speaks for the hub and for a device whose keys it does not have: other WireGuard keys, renewals, events, presence. */
static void forge(const struct inside *inside, char **words, int count)
{
	static const uint8_t change[41] = {RN_REQUEST_WIREGUARD_KEY, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0x66, 0x66};
	static const uint8_t renew[9] = {RN_REQUEST_RENEW, 0xff, 0xff, 0xff, 0x7e};
	static uint8_t event[88];
	uint8_t key[RN_KEY_SIZE];
	int fd = dial_core(inside);
	struct rn_local in;
	unsigned answers = 0;

	if (count < 2 || fd < 0)
		return;
	for (int who = 0; who < 2; who++) {
		key_of(words[who], key);
		claim(fd, 80 + (unsigned)who, key, who ? RN_KIND_DESKTOP : RN_KIND_REGIONAL, 0);
		for (uint32_t number = 1; number < 8; number++) {
			const struct rn_message applied = {.type = RN_MESSAGE_APPLIED, .version = {1, UINT64_MAX}},
						events = {.type = RN_MESSAGE_EVENTS,
							  .events = {.reporter = number,
								     .events = event,
								     .events_size = 88}},
						present = {.type = RN_MESSAGE_PRESENCE, .presence = {number, 1}};

			sealed_request(inside, fd, 80 + (unsigned)who, number, change, sizeof(change));
			sealed_request(inside, fd, 80 + (unsigned)who, number, renew, sizeof(renew));
			speak(fd, 80 + (unsigned)who, &applied);
			speak(fd, 80 + (unsigned)who, &events);
			speak(fd, 80 + (unsigned)who, &present);
		}
	}
	while (hear(fd, 500, &in) == 1)
		answers += in.type == RN_LOCAL_NET_SEND;
	close(fd);
	said("%u answers", answers);
}

/* The answer to an ENROLL: its status, or -1. */
static int enrol(int fd, uint64_t session, const uint8_t claimed[RN_KEY_SIZE], const struct rn_message_enroll *enroll)
{
	struct rn_message message = {.type = RN_MESSAGE_ENROLL, .enroll = *enroll}, answer;
	struct rn_local in;

	claim(fd, session, claimed, 0, 0);
	speak(fd, session, &message);
	while (hear(fd, 1500, &in) == 1)
		if (in.type == RN_LOCAL_NET_SEND && in.session == session &&
		    rn_message_decode(in.block, in.block_size, &answer) == 0 && answer.type == RN_MESSAGE_ENROLLED)
			return answer.enrolled.status;
	return -1;
}

/*
 * An honest request for key A passes through net, which knows its bytes. It wants a certificate for its own key,
 * another name or another kind of them. Word: the token, which only makes the honest request here.
 */
static void steal_certificate(const struct inside *inside, char **words, int count)
{
	struct rn_message_enroll honest = {0}, changed;
	uint8_t data[512], a[RN_KEY_SIZE], mine[RN_KEY_SIZE], secret[RN_KEY_SIZE];
	struct rn_token token;
	int fd = dial_core(inside), size, status[5];

	if (count < 1 || fd < 0 || rn_token_get(words[0], &token, NULL) < 0)
		return;
	rn_x25519_keypair(a, secret);
	rn_x25519_keypair(mine, secret);
	honest.token = token.id;
	honest.role = (uint8_t)token.kind;
	memcpy(honest.name, token.name, sizeof(honest.name));
	memcpy(honest.noise_key, a, RN_KEY_SIZE);
	memset(honest.wireguard_key, 0x33, RN_KEY_SIZE);
	size = rn_message_enroll_signed(&honest, data, sizeof(data));
	rn_ed25519_sign(token.seed, data, (size_t)size, honest.signature);
	changed = honest;
	memcpy(changed.noise_key, mine, RN_KEY_SIZE);
	status[0] = enrol(fd, 90, mine, &changed); /* its own key */
	status[1] = enrol(fd, 91, mine, &honest);  /* the honest request from its own session */
	changed = honest;
	changed.name[0] ^= 1;
	status[2] = enrol(fd, 92, a, &changed); /* another name */
	changed = honest;
	changed.role = RN_KIND_REGIONAL;
	status[3] = enrol(fd, 93, a, &changed); /* a hub */
	changed = honest;
	memset(changed.wireguard_key, 0x66, RN_KEY_SIZE);
	status[4] = enrol(fd, 94, a, &changed); /* its WireGuard key for the device's name */
	close(fd);
	said("refused %d %d %d %d %d", status[0] > 0, status[1] > 0, status[2] > 0, status[3] > 0, status[4] > 0);
}

/* As much as core will take: sessions of strangers and messages in all of them. */
static void flood(const struct inside *inside, char **words, int count)
{
	static uint8_t event[88 * 100];
	const struct rn_message events = {.type = RN_MESSAGE_EVENTS,
					  .events = {.reporter = 2, .events = event, .events_size = sizeof(event)}};
	struct rn_message_enroll enroll = {.token = 1, .role = RN_KIND_DESKTOP, .name = "flood"};
	uint8_t key[RN_KEY_SIZE];
	struct rn_local in;
	int fd = dial_core(inside);
	unsigned told = 0;

	for (uint64_t i = 1; fd >= 0 && i <= 6000; i++) {
		struct rn_message message = {.type = RN_MESSAGE_ENROLL, .enroll = enroll};

		rn_random(key, sizeof(key));
		memcpy(message.enroll.noise_key, key, sizeof(key));
		message.enroll.token = i;
		told += claim(fd, 1000 + i, key, 0, 0) + speak(fd, 1000 + i, &message);
		while (hear(fd, 0, &in) == 1)
			;
	}
	if (count > 0) {
		key_of(words[0], key);
		claim(fd, 70, key, RN_KIND_REGIONAL, 0);
		for (unsigned i = 0; fd >= 0 && i < 2000; i++)
			told += speak(fd, 70, &events);
	}
	close(fd);
	said("%u messages told", told);
}

static void dial_again(const struct inside *inside, char **words, int count)
{
	(void)words;
	(void)count;
	dial_often(dial_core, inside);
}

const struct attack attack_core[] = {
    {"nonsense", nonsense},
    {"as_others", as_others},
    {"read_records", read_records},
    {"forge", forge},
    {"steal_certificate", steal_certificate},
    {"flood", flood},
    {"dial_again", dial_again},
    {NULL, NULL},
};
