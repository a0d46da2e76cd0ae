/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs of rn0 and rnm0 on real devices, through the production path (sys/datapath_mesh): what goes from a
 * device or from this hub to another hub, what comes from there for a device and for this hub, and who may not speak on
 * rnm0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "door.h"
#include "frame.h"
#include "sys/datapath_mesh.h"

enum { FAR = 4, FAR_NUMBER = 0x4004, PEER = 3, OTHER_PEER = RN_MESH_PEERS_MAX - 1, SLOT = 5, TRUST = 50 };

static const struct frame_hub hub_a = {{0xfd, 9, [15] = 1}, {10, 9, 0, 1}},
			      hub_b = {{0xfd, 9, [15] = 2}, {10, 9, 0, 2}};

static struct rn_mesh_addresses addresses_of(const struct frame_hub *hub)
{
	struct rn_mesh_addresses a = {.v4 = packet_v4(hub->v4[0], hub->v4[1], hub->v4[2], hub->v4[3])};

	memcpy(a.v6.b, hub->v6, 16);
	return a;
}

static struct rn_addr address(int device, bool v6)
{
	return v6 ? packet_v6(device) : packet_v4(10, 5, 0, device);
}

static uint64_t frames(int direction, enum rn_mesh_reason reason)
{
	uint64_t all[RN_DATAPATH_FRAMES];

	assert_int_equal(rn_datapath_frames(door.dp, all), 0);
	return all[direction * RN_MESH_REASON_COUNT + reason];
}

static void attach(void)
{
	const struct rn_mesh_addresses self = addresses_of(&hub_a);
	struct rn_err err = {{0}};

	assert_int_equal(rn_datapath_mesh_self(door.dp, &self, door.host.mesh_ifindex, 1420), 0);
	if (rn_datapath_mesh_attach(door.dp, door.host.mesh_ifindex, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rn_datapath_mesh_in_place(door.dp, door.host.mesh_ifindex), 1);
}

/* Each device has its number as its identity; FAR is behind hub-b. */
static void fill(void)
{
	static uint64_t generation = 2;
	const struct rn_mesh_addresses peer = addresses_of(&hub_b);

	door_fill();
	assert_int_equal(rn_datapath_peer_set(door.dp, PEER, &peer), 0);
	assert_int_equal(rn_datapath_behind_set(door.dp, PEER, FAR_NUMBER, SLOT), 0);
	for (uint32_t i = HUB; i <= FAR; i++) {
		struct rn_device d = {
		    .number = 0x4000 + i, .identity_slot = SLOT, .identity_number = 0x4000 + i, .owner = 1};

		d.state = RN_STATE_PRESENT | TRUST;
		d.state |= i == HUB ? RN_STATE_LOCAL : i == FAR ? RN_STATE_BEHIND(PEER) : RN_STATE_ATTACHED;
		assert_int_equal(rn_datapath_device_set(door.dp, i, &d), 0);
		for (int v6 = 0; v6 < 2; v6++) {
			struct rn_addr a = address((int)i, v6);

			assert_int_equal(rn_datapath_address_set(door.dp, &a, i), 0);
		}
	}
	door_policy(generation++);
}

static int setup(void **state)
{
	char dir[] = "/tmp/rn-test-mesh-XXXXXX";
	struct rn_addr own = packet_v4(10, 5, 0, 99);

	(void)state;
	assert_non_null(mkdtemp(dir));
	tunnel_enter(&door.host, dir);
	door.dp = door_open(false);
	door_attach();
	attach();
	fill();
	return rn_datapath_address_set(door.dp, &own, HUB);
}

/* The frame that a packet of a device of ours is in on its way to hub-b. */
static size_t outgoing(const struct packet *p, uint32_t identity, uint8_t hops, uint8_t *ret)
{
	struct packet q = *p;
	struct frame f = {.v6 = p->data[0] >> 4 == 6, .from = hub_a, .to = hub_b, .identity = identity, .trust = TRUST};

	q.hops = hops;
	packet_build(&q);
	return frame_encode(&f, q.data, q.size, ret);
}

static size_t incoming(const struct packet *p, uint32_t identity, uint8_t trust, uint8_t *ret)
{
	struct frame f = {.v6 = p->data[0] >> 4 == 6, .from = hub_b, .to = hub_a, .identity = identity, .trust = trust};

	return frame_encode(&f, p->data, p->size, ret);
}

/* A packet whose hops are used up comes back as the error about it, in one piece or in pages. */
static void test_told(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1;
		struct packet p = door_udp(LAPTOP, i & 2 ? FAR : SERVER, v6, 53);
		size_t headers = v6 ? 48 : 28;
		uint32_t pseudo = v6 ? IPPROTO_ICMPV6 : 0;
		uint8_t got[2000];

		p.hops = 1;
		p.payload = i & 2 ? 1200 : 100;
		packet_build(&p);
		tunnel_in(&door.host, p.data, p.size, i & 2 ? 60 : 0);
		if (p.size > (v6 ? 1280 : 576) - headers)
			p.size = (v6 ? 1280 : 576) - headers;
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), headers + p.size);
		assert_memory_equal(got + headers, p.data, p.size);
		for (int k = 8; k < 40 && v6; k += 2)
			pseudo += (uint32_t)got[k] << 8 | got[k + 1];
		pseudo += v6 ? (uint32_t)p.size + 8 : 0;
		assert_int_equal(packet_checksum(got + headers - 8, p.size + 8, pseudo), 0);
		assert_memory_equal(got + (v6 ? 24 : 16), p.data + (v6 ? 8 : 12), v6 ? 16 : 4);
	}
}

static void test_to_hub(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = door_udp(LAPTOP, FAR, v6, 53);
		uint8_t expected[2000], got[2000];
		size_t size = outgoing(&p, 0x4000 + LAPTOP, 63, expected);

		tunnel_in(&door.host, p.data, p.size, 0);
		assert_int_equal(tunnel_mesh_left(&door.host, got, sizeof(got), 1000), size);
		assert_memory_equal(got, expected, size);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 20), 0);
		p = door_udp(LAPTOP, FAR, v6, 54);
		tunnel_in(&door.host, p.data, p.size, 0);
		assert_int_equal(tunnel_mesh_left(&door.host, got, sizeof(got), 20), 0);
	}
	assert_int_equal(frames(1, RN_MESH_PASSED), 2);
	assert_int_equal(frames(1, RN_MESH_UNMARKED), 0);
}

static void test_from_hub(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = door_udp(FAR, LAPTOP, v6, 53);
		uint64_t passed = frames(0, RN_MESH_PASSED), denied = door_count(0, RN_DEFAULT_DENY);
		uint8_t frame[2000], got[2000];
		size_t size = incoming(&p, FAR_NUMBER, 20, frame);

		tunnel_mesh_in(&door.host, frame, size);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), p.size);
		assert_int_equal(got[v6 ? 7 : 8], 63);
		assert_memory_equal(got + 20, p.data + 20, p.size - 20);
		p = door_udp(FAR, LAPTOP, v6, 54);
		size = incoming(&p, FAR_NUMBER, 20, frame);
		tunnel_mesh_in(&door.host, frame, size);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 20), 0);
		assert_int_equal(frames(0, RN_MESH_PASSED), passed + 2);
		assert_int_equal(door_count(0, RN_DEFAULT_DENY), denied + 1);
	}
}

/* A socket of this hub's: out through rn0, rnm0 and back, and the answer is delivered here. */
static void test_hub_itself(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)}, own = {0};
	socklen_t length = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct packet p = door_udp(FAR, 99, false, 4000);
	uint8_t got[2000];
	size_t size;

	(void)state;
	inet_pton(AF_INET, "10.5.0.4", &to.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &length), 0);
	assert_int_equal(send(fd, "12345678", 8, 0), 8);
	size = tunnel_mesh_left(&door.host, got, sizeof(got), 1000);
	assert_int_equal(size, 28 + 20 + 8 + 8);
	assert_int_equal(got[28 + 8], 64); /* it begins here: no hop */
	assert_int_equal(got[26], (0x4000 + HUB) & 0xff);
	p.source_port = 53;
	p.destination_port = ntohs(own.sin_port);
	packet_build(&p);
	size = incoming(&p, FAR_NUMBER, 100, got);
	tunnel_mesh_in(&door.host, got, size);
	assert_int_equal(poll(&ready, 1, 1000), 1);
	assert_int_equal(recv(fd, got, sizeof(got), 0), p.payload);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 20), 0);
	close(fd);
}

/* What the host itself sends on rnm0 does not leave, be it a whole frame. */
static void test_nobody_speaks(void **state)
{
	struct packet p = door_udp(LAPTOP, FAR, false, 53);
	uint64_t unmarked = frames(1, RN_MESH_UNMARKED);
	uint8_t frame[2000], got[2000];
	size_t size = outgoing(&p, 0x4000 + LAPTOP, 63, frame);

	(void)state;
	tunnel_mesh_out(&door.host, frame, size, 0x0800);
	tunnel_mesh_out(&door.host, p.data, p.size, 0x0800);
	assert_int_equal(tunnel_mesh_left(&door.host, got, sizeof(got), 50), 0);
	assert_int_equal(frames(1, RN_MESH_UNMARKED), unmarked + 2);
}

static void expect_frame(const uint8_t *frame, size_t size, enum rn_mesh_reason reason)
{
	uint64_t before = frames(0, reason);
	uint8_t got[2000];

	tunnel_mesh_in(&door.host, frame, size);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), reason ? 20 : 1000) != 0, !reason);
	assert_int_equal(frames(0, reason), before + 1);
}

/* What the tables no longer say is not believed. */
static void test_taken_back(void **state)
{
	const struct rn_mesh_addresses b = addresses_of(&hub_b);
	struct packet p = door_udp(FAR, LAPTOP, true, 53);
	struct door_seen seen = {0};
	uint8_t frame[2000];
	size_t size = incoming(&p, FAR_NUMBER, 100, frame);

	(void)state;
	expect_frame(frame, size, RN_MESH_PASSED);
	assert_int_equal(rn_datapath_behind_remove(door.dp, PEER, FAR_NUMBER), 0);
	assert_int_equal(rn_datapath_behind_remove(door.dp, PEER, FAR_NUMBER), 0);
	rn_datapath_events(door.dp, door_see_event, &seen); /* of before */
	seen.events = 0;
	expect_frame(frame, size, RN_MESH_WRONG_IDENTITY);
	rn_datapath_events(door.dp, door_see_event, &seen);
	assert_int_equal(seen.events, 1);
	assert_int_equal(seen.event.reason, RN_WRONG_IDENTITY);
	assert_memory_equal(&seen.event.source, &p.source, 16);
	assert_memory_equal(&seen.event.destination, &p.destination, 16);
	assert_int_equal(rn_datapath_behind_set(door.dp, PEER, FAR_NUMBER, SLOT), 0);
	expect_frame(frame, size, RN_MESH_PASSED);
	assert_int_equal(rn_datapath_peer_remove(door.dp, PEER), 0);
	expect_frame(frame, size, RN_MESH_UNKNOWN_PEER);
	assert_int_equal(rn_datapath_peer_set(door.dp, PEER, &b), 0);
	expect_frame(frame, size, RN_MESH_WRONG_IDENTITY); /* went with the peer */
	fill();
	expect_frame(frame, size, RN_MESH_PASSED);
}

/* A flow whose originator was spoken of as somebody who is behind that hub no more: replies end too. */
static void test_taken_back_from_a_flow(void **state)
{
	enum { AS = 0x5001 };
	struct packet p = door_udp(FAR, LAPTOP, true, 53), q = door_udp(LAPTOP, FAR, true, 53);
	uint64_t wrong = door_count(0, RN_WRONG_IDENTITY);
	uint8_t frame[2000], got[2000];
	size_t size;

	(void)state;
	p.source_port = q.destination_port = 5000;
	q.source_port = 53;
	packet_build(&p);
	packet_build(&q);
	size = incoming(&p, AS, TRUST, frame);
	assert_int_equal(rn_datapath_behind_set(door.dp, PEER, AS, SLOT), 0);
	expect_frame(frame, size, RN_MESH_PASSED);
	tunnel_in(&door.host, q.data, q.size, 0);
	assert_true(tunnel_mesh_left(&door.host, got, sizeof(got), 1000) > q.size);
	assert_int_equal(rn_datapath_behind_remove(door.dp, PEER, AS), 0);
	tunnel_in(&door.host, q.data, q.size, 0);
	assert_int_equal(tunnel_mesh_left(&door.host, got, sizeof(got), 20), 0);
	assert_int_equal(door_count(0, RN_WRONG_IDENTITY), wrong + 1);
	/* As what it is by its record it goes on. */
	size = incoming(&p, FAR_NUMBER, TRUST, frame);
	expect_frame(frame, size, RN_MESH_PASSED);
	tunnel_in(&door.host, q.data, q.size, 0);
	assert_true(tunnel_mesh_left(&door.host, got, sizeof(got), 1000) > q.size);
}

/* FAR comes home: its packets come from rn0 from then on, and what hub-b says of it counts no more. */
static void test_moves(void **state)
{
	struct packet p = door_udp(LAPTOP, FAR, true, 53), q = door_udp(FAR, LAPTOP, true, 53);
	uint64_t wrong = door_count(0, RN_WRONG_SOURCE);
	uint8_t frame[2000], got[2000];
	size_t size = incoming(&q, FAR_NUMBER, 100, frame);

	(void)state;
	assert_int_equal(rn_datapath_device_state(door.dp, FAR, RN_STATE_PRESENT | RN_STATE_ATTACHED | TRUST), 0);
	tunnel_in(&door.host, p.data, p.size, 0);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), p.size);
	tunnel_mesh_in(&door.host, frame, size);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 20), 0);
	assert_int_equal(door_count(0, RN_WRONG_SOURCE), wrong + 1);
	tunnel_in(&door.host, q.data, q.size, 0);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), q.size);
	fill();
}

static void count_behind(void *context, uint32_t peer, uint32_t identity, uint32_t slot)
{
	assert_int_equal(peer, PEER);
	assert_int_equal(identity, FAR_NUMBER);
	assert_int_equal(slot, SLOT);
	++*(unsigned *)context;
}

static void count_peer(void *context, uint32_t peer, const struct rn_mesh_addresses *addresses)
{
	const struct rn_mesh_addresses b = addresses_of(&hub_b);

	assert_int_equal(peer, PEER);
	assert_memory_equal(addresses, &b, sizeof(b));
	++*(unsigned *)context;
}

static void test_bounds(void **state)
{
	const struct rn_mesh_addresses b = addresses_of(&hub_b);
	const struct rn_mesh_addresses a = addresses_of(&hub_a);
	struct rn_mesh_addresses other = {.v4 = packet_v4(10, 9, 0, 77)};
	struct rn_mesh_self self;
	unsigned count = 0;

	(void)state;
	assert_int_equal(rn_datapath_peer_set(door.dp, 0, &b), -ERANGE);
	assert_int_equal(rn_datapath_peer_set(door.dp, RN_MESH_PEERS_MAX, &b), -ERANGE);
	assert_int_equal(rn_datapath_peer_set(door.dp, OTHER_PEER, &b), -EEXIST);
	assert_int_equal(rn_datapath_peer_set(door.dp, PEER, &b), 0);
	assert_int_equal(rn_datapath_peer_set(door.dp, OTHER_PEER, &other), 0);
	other.v6 = b.v6;
	assert_int_equal(rn_datapath_peer_set(door.dp, OTHER_PEER, &other), -EEXIST);
	assert_int_equal(rn_datapath_peer_remove(door.dp, OTHER_PEER), 0);
	assert_int_equal(rn_datapath_peer_remove(door.dp, OTHER_PEER), 0);
	assert_int_equal(rn_datapath_behind_set(door.dp, PEER, 0, SLOT), -ERANGE);
	assert_int_equal(rn_datapath_behind_set(door.dp, PEER, RN_MESH_IDENTITY_MAX + 1, SLOT), -ERANGE);
	assert_int_equal(rn_datapath_behind_set(door.dp, PEER, 1, RN_IDENTITIES_MAX), -ERANGE);
	assert_int_equal(rn_datapath_behind_set(door.dp, 0, 1, SLOT), -ERANGE);
	assert_int_equal(rn_datapath_behind(door.dp, count_behind, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(rn_datapath_peers(door.dp, count_peer, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(rn_datapath_mesh_who(door.dp, &self), 0);
	assert_memory_equal(&self.addresses, &a, sizeof(a));
	assert_int_equal(self.rnm0, door.host.mesh_ifindex);
}

/* Another process takes over: the old programs go on until it attaches its own. */
static void test_adopt(void **state)
{
	struct rn_datapath *next = door_open(true);

	rn_datapath_close(door.dp);
	door.dp = next;
	assert_int_equal(rn_datapath_mesh_in_place(door.dp, door.host.mesh_ifindex), 0);
	test_from_hub(state);
	door_attach();
	attach();
	test_from_hub(state);
	assert_int_equal(rn_datapath_detach(door.dp, door.host.mesh_ifindex), 0);
	assert_int_equal(rn_datapath_mesh_in_place(door.dp, door.host.mesh_ifindex), 0);
	rn_datapath_close(door.dp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_told),
	    cmocka_unit_test(test_to_hub),
	    cmocka_unit_test(test_from_hub),
	    cmocka_unit_test(test_hub_itself),
	    cmocka_unit_test(test_nobody_speaks),
	    cmocka_unit_test(test_taken_back),
	    cmocka_unit_test(test_taken_back_from_a_flow),
	    cmocka_unit_test(test_moves),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_adopt),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
