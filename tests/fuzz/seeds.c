/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds DIR: writes good examples of everything with a binary form into DIR/NAME, one file an example, for fuzz_NAME to
 * begin with. The corpora that are committed came from these, the texts of the tests and many hours of fuzzing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "domain/issuance.h"
#include "domain/policy.h"
#include "domain/record.h"
#include "domain/token.h"
#include "proto/handoff.h"
#include "proto/hello.h"
#include "proto/local.h"
#include "proto/message.h"
#include "proto/web.h"
#include "proto/wire.h"
#include "sys/x509.h"

static const char *directory;
static const uint8_t seed[RN_KEY_SIZE] = {1}, issuing_seed[RN_KEY_SIZE] = {2};
static uint8_t buffer[RN_LOCAL_SIZE_MAX];

/* Prefix bytes choose what the target does with the rest. */
static void put(const char *name, int prefix, const void *data, int size)
{
	static unsigned count;
	char path[512];
	FILE *file;

	if (size < 0) {
		fprintf(stderr, "seeds: an example of %s is not good: %d\n", name, size);
		exit(1);
	}
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/seed-%03u", directory, name, count++);
	file = fopen(path, "wb");
	if (!file)
		exit(1);
	if (prefix >= 0)
		fputc(prefix, file);
	fwrite(data, 1, (size_t)size, file);
	fclose(file);
}

static struct rn_endpoint endpoint(void)
{
	return (struct rn_endpoint){rn_addr_from_v4(0xc0000201), 51821};
}

/* A step of fuzz_core: `say` in session 0 after it was opened as `who` (0 a stranger, 1 the hub). */
static void put_core(unsigned who, const uint8_t *message, int size)
{
	uint8_t steps[4 + 4 + 8192] = {0, 0, (uint8_t)(who ? 2 : 0), (uint8_t)who, 0};
	size_t at = 5;

	steps[at++] = 1;
	steps[at++] = 0;
	steps[at++] = (uint8_t)size;
	steps[at++] = (uint8_t)(size >> 8);
	memcpy(steps + at, message, (size_t)size);
	put("core", -1, steps, (int)at + size);
}

static void messages(void)
{
	const uint8_t block[88] = {1, 2, 3};
	const struct rn_message list[] = {
	    {.type = RN_MESSAGE_ENROLL,
	     .enroll = {.token = 9, .role = RN_KIND_DESKTOP, .name = "pc", .control = endpoint()}},
	    {.type = RN_MESSAGE_ENROLLED,
	     .enrolled = {.anchor = block,
			  .anchor_size = 4,
			  .leaf = block,
			  .leaf_size = 4,
			  .issuer = block,
			  .issuer_size = 4,
			  .device = 2,
			  .hub = 1,
			  .upstream = endpoint(),
			  .upstream_shared = 51820,
			  .text = "why"}},
	    {.type = RN_MESSAGE_SUBSCRIBE, .subscribe = {1, 5, 1, 7, 1}},
	    {.type = RN_MESSAGE_FROM, .version = {1, 5}},
	    {.type = RN_MESSAGE_RECORD, .record = {88, 0, block, 88}},
	    {.type = RN_MESSAGE_SYNCED, .version = {1, 2}},
	    {.type = RN_MESSAGE_APPLIED, .version = {1, 2}},
	    {.type = RN_MESSAGE_REQUEST, .request = {.device = 3, .id = 1, .sealed = block, .sealed_size = 60}},
	    {.type = RN_MESSAGE_ANSWER, .answer = {.device = 3, .id = 1, .text = "no", .body = block, .body_size = 5}},
	    {.type = RN_MESSAGE_EVENTS, .events = {.reporter = 3, .lost = 1, .events = block, .events_size = 88}},
	    {.type = RN_MESSAGE_REMOVED, .removed = {3}},
	    {.type = RN_MESSAGE_PRESENCE, .presence = {3, 1}},
	    {.type = RN_MESSAGE_SEEN, .seen = {.seen = block, .seen_size = 56}},
	    {.type = RN_MESSAGE_RESOLVE, .resolve = {.device = 7, .address = {.b = {0xfd, 1}}}},
	    {.type = RN_MESSAGE_INTERESTS, .interests = {.items = block, .items_size = 16}},
	    {.type = RN_MESSAGE_INTEREST, .interest = {.device = 7, .receiver = 9}},
	    {.type = RN_MESSAGE_HOME, .home = {.device = 3, .moved = 1ull << 41}},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		int size = rn_message_encode(&list[i], buffer, sizeof(buffer));

		put("message", -1, buffer, size);
		put_core(list[i].type == RN_MESSAGE_ENROLL ? 0 : 1, buffer, size);
	}
}

static void locals(void)
{
	const uint8_t block[88] = {1, 2, 3};

	for (int type = 1; type < 256; type++) {
		struct rn_local local = {.type = type,
					 .session = 5,
					 .number = 1,
					 .version = 2,
					 .endpoint = endpoint(),
					 .port = 51820,
					 .text = "text",
					 .block = block,
					 .block_size = sizeof(block)};
		int size = rn_local_encode(&local, buffer, sizeof(buffer));

		if (size > 0)
			put("local", -1, buffer, size);
	}
}

static void handoffs(void)
{
	const struct rn_handoff_state state = {51820, true};
	struct rn_handoff handoff = {.to = endpoint(), .datagram = (const uint8_t *)"RN1\1 and so on", .size = 15};
	uint8_t out[RN_HANDOFF_MAX];

	put("handoff", -1, out, rn_handoff_encode(&handoff, out));
	rn_handoff_state_encode(&state, out);
	put("handoff", -1, out, RN_HANDOFF_STATE_SIZE);
}

static void web(void)
{
	struct rn_web_request ask = {.method = RN_WEB_POST,
				     .secure = 1,
				     .path = "/api/v1/devices",
				     .cookie = "c",
				     .bearer = "b",
				     .csrf = "t",
				     .last_event = "7",
				     .source = endpoint(),
				     .body_size = 2,
				     .query = (const uint8_t *)"a\0b\0c\0",
				     .query_size = 7};
	struct rn_web_answer say = {.status = 200, .body_size = 9, .type = "application/json", .allow = "GET"};

	put("web", 0, buffer, rn_web_request_encode(&ask, buffer, sizeof(buffer)));
	put("web", 1, buffer, rn_web_answer_encode(&say, buffer, sizeof(buffer)));
}

static void policy(const struct rn_record_head *head)
{
	uint32_t everyone[] = {1}, some[] = {2, 3};
	struct rn_service services[] = {{6, 22, 22}, {17, 5000, 5100}, {0, 0, 65535}};
	struct rn_policy_rule rules[] = {
	    {.id = "no",
	     .number = 2,
	     .deny = true,
	     .source.any = {some, 2},
	     .destination.any = {everyone, 1},
	     .services = services,
	     .service_count = 2},
	    {.id = "yes",
	     .number = 1,
	     .same_owner = true,
	     .minimum_trust = 50,
	     .source.any = {everyone, 1},
	     .destination.any = {some, 2},
	     .services = services + 2,
	     .service_count = 1},
	};
	const struct rn_policy_record record = {.rules = rules, .rule_count = 2};
	int size = rn_record_put_policy(head, &record, seed, buffer, sizeof(buffer));

	put("records", 0, buffer, size);
	put("records", RN_RECORD_POLICY, buffer + RN_RECORD_HEADER, size - RN_RECORD_HEADER - RN_SIGNATURE_SIZE);
}

static void put_part(const struct rn_record_head *head, const char *body, size_t body_size)
{
	const struct rn_part part = {7, (const uint8_t *)body, body_size};
	int size = rn_record_put_part(head, &part, seed, buffer, sizeof(buffer));

	put("records", RN_RECORD_PART, buffer + RN_RECORD_HEADER, size - RN_RECORD_HEADER - RN_SIGNATURE_SIZE);
}

static void records(void)
{
	const struct rn_record_head head = {.epoch = 1, .version = 2, .issued = 3};
	struct rn_network network = {.lease_seconds = RN_LEASE_SECONDS};
	struct rn_device_record device = {.number = 3,
					  .hub = 1,
					  .owner = 1,
					  .identity = 4,
					  .kind = RN_KIND_DESKTOP,
					  .flags = RN_DEVICE_MANAGED,
					  .trust = 100,
					  .name = "pc",
					  .owner_name = "alice",
					  .noise_key = {5},
					  .wireguard_key = {6},
					  .selectors = {1, 2, 9},
					  .selector_count = 3};
	struct rn_identity_record identity = {
	    .number = 4, .says = RN_IDENTITY_KNOWN, .selectors = {1, 2, 9}, .selector_count = 3};
	struct rn_anchor anchor = {.epoch = 1, .policy_public = {4}, .box_public = {5}};
	int size;

	rn_ed25519_public(seed, anchor.root_public);
	rn_prefix_parse("fd12:3456:789a::/48", &network.ipv6);
	rn_prefix_parse("100.80.0.0/16", &network.ipv4);
	rn_addr_parse("fd12:3456:789a::3", &device.ipv6);
	rn_addr_parse("100.80.0.3", &device.ipv4);
	size = rn_record_put_network(&head, &network, seed, buffer, sizeof(buffer));
	put("records", RN_RECORD_NETWORK, buffer + RN_RECORD_HEADER, size - RN_RECORD_HEADER - RN_SIGNATURE_SIZE);
	size = rn_record_put_device(&head, &device, seed, buffer, sizeof(buffer));
	put("records", RN_RECORD_DEVICE, buffer + RN_RECORD_HEADER, size - RN_RECORD_HEADER - RN_SIGNATURE_SIZE);
	device.kind = RN_KIND_PROJECT;
	device.hub = device.number;
	device.parent = 1;
	device.ends = 1900000000;
	device.mesh_key[0] = 7;
	device.wireguard = device.control = device.mesh = endpoint();
	size = rn_record_put_device(&head, &device, seed, buffer, sizeof(buffer));
	put("records", RN_RECORD_DEVICE, buffer + RN_RECORD_HEADER, size - RN_RECORD_HEADER - RN_SIGNATURE_SIZE);
	policy(&head);
	/* A schedule of one window, and two rules that allow everything. */
	put_part(&head, "\2\1\0\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 19);
	put_part(&head, "\1\1a\1\0\0\0\0\0\0\0\0\1\0\0\0\0\377\377\1b\2\0\0\0\0\0\0\0\0\1\0\0\0\0\377\377", 37);
	size = rn_record_put_identity(&head, &identity, seed, buffer, sizeof(buffer));
	put("records", RN_RECORD_IDENTITY, buffer + RN_RECORD_HEADER, size - RN_RECORD_HEADER - RN_SIGNATURE_SIZE);
	rn_anchor_put(&anchor, seed, buffer);
	put("records", 6, buffer, RN_ANCHOR_SIZE);
}

static void tokens(void)
{
	struct rn_token token = {
	    .id = 7, .gateway = endpoint(), .gateway_shared = 51820, .kind = RN_KIND_DESKTOP, .name = "pc"};
	char text[RN_TOKEN_TEXT];
	uint8_t bytes[300];
	size_t size = 0;

	rn_token_put(&token, text);
	put("token", -1, text, (int)strlen(text));
	rn_base64url_decode(text + 5, bytes, sizeof(bytes), &size);
	put("token", 0, bytes, (int)size - 4);
}

/* Whole, and the part that is signed (tests/fuzz/fuzz_x509.c). */
static void certificate(int kind, const uint8_t *der, int size)
{
	int head = der[1] == 0x82 ? 4 : 3;

	put("x509", kind, der, size);
	put("x509", kind | 2, der + head, size - head - 7 - 3 - RN_SIGNATURE_SIZE);
}

static void certificates(void)
{
	static const uint8_t serial[RN_SERIAL_SIZE] = {0x11, 7};
	struct rn_leaf leaf = {
	    .serial = {0x12, 3}, .key = {9}, .kind = "desktop", .name = "pc", .not_before = 1799999900};
	uint8_t root_public[RN_KEY_SIZE], public[RN_KEY_SIZE], der[RN_CERT_MAX], leaf_der[RN_CERT_MAX];
	struct rn_issuer *issuer = NULL;
	struct rn_hello hello = {.leaf = leaf_der, .issuer = der, .anchor = buffer, .anchor_size = RN_ANCHOR_SIZE};
	static uint8_t out[RN_HELLO_MAX];
	int size;

	rn_ed25519_public(seed, root_public);
	rn_ed25519_public(issuing_seed, public);
	size = rn_x509_issuing(seed, public, serial, 1799999900, der);
	hello.issuer_size = (size_t)size;
	certificate(0, der, size);
	if (rn_issuer_new(der, (size_t)size, root_public, 1800000000, &issuer) < 0)
		exit(1);
	size = rn_x509_leaf(issuer, issuing_seed, &leaf, leaf_der);
	hello.leaf_size = (size_t)size;
	certificate(1, leaf_der, size);
	rn_issuer_free(issuer);
	put("hello", -1, out, rn_hello_encode(&hello, out, sizeof(out)));
	hello.issuer = hello.anchor = NULL;
	put("hello", -1, out, rn_hello_encode(&hello, out, sizeof(out)));
}

static void journal(void)
{
	const struct rn_issuance_entry list[] = {
	    {.type = RN_ISSUANCE_TOKEN, .kind = RN_KIND_DESKTOP, .token = 7, .time = 9, .key = {1}, .name = "pc"},
	    {.type = RN_ISSUANCE_ISSUED,
	     .kind = RN_KIND_DESKTOP,
	     .token = 7,
	     .time = 8,
	     .key = {2},
	     .serial = {3},
	     .name = "pc"},
	    {.type = RN_ISSUANCE_REVOKED, .key = {2}, .time = 9},
	};

	for (unsigned i = 0; i < 3; i++)
		rn_issuance_put(&list[i], buffer + (size_t)i * RN_ISSUANCE_ENTRY_SIZE);
	put("journal", 1, buffer, 3 * RN_ISSUANCE_ENTRY_SIZE);
	put("journal", 0, "RNJ1\x88\0\0\0", 8);
}

/* One datagram with all that can be made right: the flags of fuzz_datagram.c. */
static void datagrams(void)
{
	static const struct {
		uint8_t type, flags;
		uint16_t size;
	} list[] = {{1, 3, 128}, {2, 1, 64}, {3, 5, 1232}, {4, 3, 77}, {5, 9, 48}, {6, 1, 64}};
	static uint8_t data[3 + RN_DATAGRAM_MAX];

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		memset(data, 0, sizeof(data));
		data[0] = list[i].flags;
		data[1] = (uint8_t)list[i].size;
		data[2] = (uint8_t)(list[i].size >> 8);
		data[6] = list[i].type;
		put("datagram", -1, data, 3 + list[i].size);
	}
}

static void scripts(void)
{
	/* fuzz_session: time, messages both ways, a bad peer's frames, an initiation, close, restart. */
	static const uint8_t life[] = {0, 200, 0, 200, 3, 16, 0, 4, 200, 15, 0, 100, 12, 1, 0, 50, 14, 0, 100};
	static const uint8_t frames[] = {0, 200, 0, 100, 7, 16, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 'x',
					 3, 0,	 0, 0,	 8, 13, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t odd[] = {0, 200, 9, 1, 12, 0, 1, 0,  0, 0, 0,  0,	0,  0,
				      0, 0,   0, 0, 10, 0, 0, 13, 2, 9, 11, 30, 30, 9};

	put("session", -1, life, sizeof(life));
	put("session", -1, frames, sizeof(frames));
	put("session", -1, odd, sizeof(odd));
	put("reliable", -1, frames + 4, sizeof(frames) - 4);
}

int main(int argc, char **argv)
{
	if (argc != 2 || rn_crypto_start() < 0) {
		fprintf(stderr, "usage: seeds DIR\n");
		return 2;
	}
	directory = argv[1];
	mkdir(directory, 0755);
	messages();
	locals();
	handoffs();
	web();
	records();
	tokens();
	certificates();
	journal();
	datagrams();
	scripts();
	return 0;
}
