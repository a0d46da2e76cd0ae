/* SPDX-License-Identifier: Apache-2.0 */
/* What the captured net of a hub says to its core in the gateway's name. /run/loot: records, a u16 size before each. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net_attacker.h"
#include "domain/record.h"

#define UPSTREAM 77

/* Waits until core wants a session to the gateway and says that it is there. */
static int become_upstream(const struct inside *inside)
{
	int fd = dial_core(inside);
	struct rn_local in;

	for (unsigned i = 0; fd >= 0 && i < 100; i++) {
		if (hear(fd, 500, &in) != 1 || in.type != RN_LOCAL_NET_CONNECT)
			continue;
		claim(fd, UPSTREAM, in.key, RN_KIND_GATEWAY, in.number);
		return fd;
	}
	close(fd);
	return -1;
}

static bool send_record(int fd, const uint8_t *blob, size_t size)
{
	struct rn_message message = {.type = RN_MESSAGE_RECORD,
				     .record = {.total = (uint32_t)size, .piece = blob, .piece_size = size}};

	return size < 8192 && speak(fd, UPSTREAM, &message);
}

static bool hung_up(int fd)
{
	struct rn_local in;
	int r;

	while ((r = hear(fd, 200, &in)) == 1)
		if (in.type == RN_LOCAL_NET_CLOSE)
			return true;
	return r == 0;
}

/* Each record again: as it was; then changed in one byte; then as a new version under its own signature. */
static void replay(const struct inside *inside, char **words, int count)
{
	static uint8_t loot[1 << 20], blob[8192];
	int in = open("/run/loot", O_RDONLY | O_CLOEXEC), fd = become_upstream(inside);
	ssize_t size = read(in, loot, sizeof(loot));
	unsigned records = 0, refused = 0;

	(void)words;
	(void)count;
	for (ssize_t at = 0; fd >= 0 && at + 2 < size;) {
		size_t length = loot[at] | (size_t)loot[at + 1] << 8;

		send_record(fd, loot + at + 2, length);
		records++;
		memcpy(blob, loot + at + 2, length < sizeof(blob) ? length : sizeof(blob));
		blob[length / 2] ^= 1;
		send_record(fd, blob, length);
		if (hung_up(fd)) {
			refused++;
			close(fd);
			fd = become_upstream(inside);
		}
		at += 2 + (ssize_t)length;
	}
	close(fd);
	said("%u records again, %u of %u changed ones refused", records, refused, records);
}

/* A device of its own, an open policy and full trust, signed with a key of its own. */
static void forge_records(const struct inside *inside, char **words, int count)
{
	static const uint8_t seed[RN_KEY_SIZE] = {0x66};
	static uint8_t blob[8192];
	const struct rn_record_head head = {.epoch = 1, .version = 1 << 20, .issued = 1};
	struct rn_device_record device = {.number = 9,
					  .hub = 2,
					  .identity = 1,
					  .kind = RN_KIND_DESKTOP,
					  .trust = 100,
					  .name = "attacker",
					  .wireguard_key = {0x66},
					  .selectors = {1},
					  .selector_count = 1};
	uint32_t everyone[] = {1};
	struct rn_service all = {0, 0, 65535};
	struct rn_policy_rule rule = {.id = "open",
				      .number = 1,
				      .source.any = {everyone, 1},
				      .destination.any = {everyone, 1},
				      .services = &all,
				      .service_count = 1};
	const struct rn_policy_record policy = {.rules = &rule, .rule_count = 1};
	unsigned refused = 0;
	int fd, size;

	(void)words;
	(void)count;
	rn_addr_parse("fd00::66", &device.ipv6);
	for (unsigned i = 0; i < 2; i++) {
		size = i ? rn_record_put_policy(&head, &policy, seed, blob, sizeof(blob))
			 : rn_record_put_device(&head, &device, seed, blob, sizeof(blob));
		fd = become_upstream(inside);
		send_record(fd, blob, (size_t)size);
		refused += hung_up(fd);
		close(fd);
	}
	said("%u of 2 refused", refused);
}

/* Says that all was sent, up to what the gateway has not made yet; a hub that believes it would miss what comes. */
static void lie_synced(const struct inside *inside, char **words, int count)
{
	uint64_t version = count > 0 ? strtoull(words[0], NULL, 10) : UINT64_MAX;
	const struct rn_message synced = {.type = RN_MESSAGE_SYNCED, .version = {1, version}};
	int fd = become_upstream(inside);

	speak(fd, UPSTREAM, &synced);
	rest_ms(500);
	close(fd);
	said("said");
}

const struct attack attack_upstream[] = {
    {"replay", replay},
    {"forge_records", forge_records},
    {"lie_synced", lie_synced},
    {NULL, NULL},
};
