/* SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define TC_ACT_SHOT 2
#define TC_ACT_REDIRECT 7

const struct frame_hub hub_a = {.v6 = {0xfd, 0, 0, 9, [15] = 1}, .v4 = {10, 9, 0, 1}};
const struct frame_hub hub_b = {.v6 = {0xfd, 0, 0, 9, [15] = 2}, .v4 = {10, 9, 0, 2}};
const struct frame_hub hub_c = {.v6 = {0xfd, 0, 0, 9, [15] = 3}, .v4 = {10, 9, 0, 3}};
struct meshed hub_mesh;
struct meshed_run hub_last;

int hub_setup(void **state)
{
	(void)state;
	meshed_open(&hub_mesh, 14);
	return 0;
}

int hub_teardown(void **state)
{
	(void)state;
	meshed_close(&hub_mesh);
	return 0;
}

struct rn_addr hub_address(const struct frame_hub *hub, bool v6)
{
	struct rn_addr a = packet_v4(hub->v4[0], hub->v4[1], hub->v4[2], hub->v4[3]);

	if (v6)
		memcpy(a.b, hub->v6, 16);
	return a;
}

struct rn_mesh_addresses hub_addresses(const struct frame_hub *hub)
{
	return (struct rn_mesh_addresses){.v6 = hub_address(hub, true), .v4 = hub_address(hub, false)};
}

int hub_reset(void **state)
{
	(void)state;
	families(v6)
	{
		struct rn_addr b = hub_address(&hub_b, v6), c = hub_address(&hub_c, v6);

		meshed_peer(&hub_mesh, &b, PEER_B);
		meshed_peer(&hub_mesh, &c, PEER_C);
	}
	meshed_behind(&hub_mesh, PEER_B, IDENTITY_B, SLOT_B);
	meshed_behind(&hub_mesh, PEER_C, IDENTITY_C, SLOT_C);
	*hub_mesh.self =
	    (struct rn_mesh_self){.addresses = hub_addresses(&hub_a), .rnm0 = RNM0, .rn0 = RN0, .mtu = MTU};
	hub_mesh.hubs[PEER_B] = hub_addresses(&hub_b);
	hub_mesh.hubs[PEER_C] = hub_addresses(&hub_c);
	meshed_way(&hub_mesh, PEER_B, IDENTITY_C, 55);
	hub_last.gso_size = 0;
	return 0;
}

struct frame hub_frame(bool v6)
{
	return (struct frame){.v6 = v6, .from = hub_b, .to = hub_a, .identity = IDENTITY_B, .trust = 100};
}

struct packet hub_packet(bool v6, uint8_t protocol, uint16_t payload)
{
	struct packet p = {.source = v6 ? packet_v6(0x11) : packet_v4(10, 5, 0, 17),
			   .destination = v6 ? packet_v6(0x22) : packet_v4(10, 5, 0, 34),
			   .source_port = 4000,
			   .destination_port = 80,
			   .protocol = protocol,
			   .flags = ACK,
			   .payload = payload};

	packet_build(&p);
	for (size_t i = 0; i < payload; i++)
		p.data[p.size - payload + i] = (uint8_t)(i * 7 + 1);
	return p;
}

/* A frame of hub-b's with a packet of TCP in it. */
size_t hub_frame_bytes(bool v6, uint16_t payload, uint8_t *ret)
{
	struct packet p = hub_packet(v6, IPPROTO_TCP, payload);
	struct frame f = hub_frame(v6);

	return frame_encode(&f, p.data, p.size, ret);
}

int hub_run_as(int direction, const uint8_t *bytes, size_t size, uint16_t ethertype)
{
	int reason;

	hub_last.packet = bytes;
	hub_last.size = size;
	hub_last.ethertype = ethertype;
	reason = meshed_send(&hub_mesh, direction, &hub_last);
	if (reason < 0)
		return reason;
	assert_int_equal(hub_last.action, reason ? TC_ACT_SHOT : TC_ACT_REDIRECT);
	return reason;
}

int hub_run(int direction, const uint8_t *bytes, size_t size, bool v6)
{
	return hub_run_as(direction, bytes, size, v6 ? 0x86dd : 0x0800);
}

void hub_expect_in(const char *what, const uint8_t *bytes, size_t size, bool v6, enum rn_mesh_reason reason)
{
	int got = hub_run(MESHED_IN, bytes, size, v6);

	if (got != (int)reason)
		fail_msg("%s (IPv%d): %s, not %s", what, v6 ? 6 : 4, got < 0 ? strerror(-got) : meshed_reason(got),
			 meshed_reason(reason));
	if (reason) /* nothing was touched */
		assert_memory_equal(hub_last.out, bytes, size);
}

void hub_expect_out(const struct packet *p, bool v6, enum rn_mesh_reason reason)
{
	int got = hub_run(MESHED_OUT, p->data, p->size, v6);

	if (got != (int)reason)
		fail_msg("IPv%d: %s, not %s", v6 ? 6 : 4, meshed_reason(got), meshed_reason(reason));
	if (reason)
		assert_memory_equal(hub_last.out, p->data, p->size);
}
