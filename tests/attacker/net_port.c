/* SPDX-License-Identifier: Apache-2.0 */
/* What a captured net asks kern to send from WireGuard's port (proto/handoff.h). */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net_attacker.h"
#include "proto/handoff.h"
#include "proto/wire.h"

#define TELL_MS 10000

static bool hand(int fd, const void *data, size_t size)
{
	struct pollfd p = {fd, POLLOUT, 0};
	int r;

	while ((r = rn_local_send_bytes(fd, data, size)) == -EAGAIN && poll(&p, 1, TELL_MS) == 1)
		;
	return r == 0;
}

/* Connected, and kern has said that it shares the port; -1 where not. */
static int dial_kern(const struct inside *inside)
{
	uint8_t data[RN_HANDOFF_STATE_SIZE + 1];
	struct rn_handoff_state state = {0};
	uid_t uid;
	int fd = rn_local_connect(RN_LOCAL_PORT, &uid);
	struct pollfd p = {fd, POLLIN, 0};

	(void)inside;
	if (fd >= 0 && poll(&p, 1, TELL_MS) == 1 && rn_local_receive_bytes(fd, data, sizeof(data)) > 0)
		(void)rn_handoff_state_decode(data, RN_HANDOFF_STATE_SIZE, &state);
	if (!state.port)
		said("kern shares no port");
	return fd;
}

/* Words: FROM TO PORT; a datagram of the control protocol whose content says both. "-": no source is asked for. */
static void send_as(const struct inside *inside, char **words, int count)
{
	char text[200] = {RN_WIRE_MAGIC_0, RN_WIRE_MAGIC_1, RN_WIRE_MAGIC_2, 5};
	struct rn_handoff h = {.datagram = (const uint8_t *)text};
	uint8_t data[RN_HANDOFF_MAX];
	int fd = dial_kern(inside), size;

	if (count < 3 || fd < 0 || (strcmp(words[0], "-") != 0 && rn_addr_parse(words[0], &h.from) < 0) ||
	    rn_addr_parse(words[1], &h.to.addr) < 0)
		return;
	h.to.port = (uint16_t)strtoul(words[2], NULL, 10);
	h.size = 4 + (size_t)snprintf(text + 4, sizeof(text) - 4, "from %s to %s", words[0], words[1]);
	size = rn_handoff_encode(&h, data);
	said("%s", size > 0 && hand(fd, data, (size_t)size) ? "handed over" : "not taken");
	close(fd);
}

static bool hung_up(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint8_t data[16];

	while (poll(&p, 1, TELL_MS) == 1)
		if (rn_local_receive_bytes(fd, data, sizeof(data)) <= 0)
			return true;
	return false;
}

/* What is no control datagram, to TO at PORT: each ends the connection. Words: TO PORT. */
static void send_other(const struct inside *inside, char **words, int count)
{
	static const struct {
		const char head[5];
		size_t size; /* of the datagram */
	} others[] = {{"\1\0\0\0", 148}, {"\4\0\0\0", 64}, {"RN1\0", 64},   {"RN1\xff", 64}, {"RN2\5", 64},
		      {"", 64},		 {"RN1\5", 3},	   {"RN1\5", 1233}, {"RN1\5", 4000}, {"GET ", 64}};
	unsigned refused = 0, total = sizeof(others) / sizeof(others[0]);
	uint8_t data[8192] = {0};
	struct rn_addr to;

	if (count < 2 || rn_addr_parse(words[0], &to) < 0)
		return;
	for (unsigned i = 0; i < total; i++) {
		uint16_t port = (uint16_t)strtoul(words[1], NULL, 10);
		int fd = dial_kern(inside);

		memcpy(data + 16, to.b, sizeof(to.b));
		data[32] = (uint8_t)port;
		data[33] = (uint8_t)(port >> 8);
		memcpy(data + RN_HANDOFF_HEAD, others[i].head, 4);
		hand(fd, data, RN_HANDOFF_HEAD + others[i].size);
		refused += hung_up(fd);
		close(fd);
	}
	said("%u of %u ended the connection", refused, total);
}

/* To the discard port of TO, without an end, until somebody makes /run/attack-end. Word: TO. */
static void send_flood(const struct inside *inside, char **words, int count)
{
	struct rn_handoff h = {.datagram = (const uint8_t *)"RN1\5flood", .size = 9, .to = {.port = 9}};
	uint8_t data[RN_HANDOFF_MAX];
	int fd = dial_kern(inside), size;
	unsigned sent = 0;

	if (count < 1 || rn_addr_parse(words[0], &h.to.addr) < 0 || fd < 0)
		return;
	size = rn_handoff_encode(&h, data);
	said("began");
	while (!told_to_end() && hand(fd, data, (size_t)size))
		sent++;
	said("%u handed over", sent);
	close(fd);
}

const struct attack attack_port[] = {
    {"send_as", send_as},
    {"send_other", send_other},
    {"send_flood", send_flood},
    {NULL, NULL},
};
