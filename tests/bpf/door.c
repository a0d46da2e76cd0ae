/* SPDX-License-Identifier: Apache-2.0 */
#include "door.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "domain/policy_tables.h"
#include "sys/datapath_memory.h"

struct door door;
const struct rn_meta door_meta = {.schema = RN_SCHEMA_VERSION, .role = RN_ROLE_HUB, .self = DOOR_SELF, .epoch = 3};

uint64_t door_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * RN_SECOND_NS + t.tv_nsec;
}

static struct rn_addr door_addr(int device, bool v6)
{
	return v6 ? packet_v6(device) : packet_v4(10, 5, 0, device);
}

void door_policy(uint64_t generation)
{
	static uint32_t everyone[] = {9};
	static struct rn_service services[] = {{IPPROTO_UDP, 53, 53}, {IPPROTO_TCP, 80, 80}};
	struct rn_policy_rule rule = {.number = 1,
				      .source.any = {everyone, 1},
				      .destination.any = {everyone, 1},
				      .services = services,
				      .service_count = 2};
	struct rn_policy_record policy = {.rules = &rule, .rule_count = 1};
	struct rn_policy_sides *sides = rn_policy_sides_new(&policy);
	struct rn_identity_lists lists;
	struct rn_policy_arrays arrays;
	struct rn_err err;

	assert_non_null(sides);
	assert_int_equal(rn_policy_tables_build(&policy, sides, generation, &arrays, &err), 0);
	assert_int_equal(rn_policy_tables_identity(sides, everyone, 1, &lists), 0);
	assert_int_equal(rn_datapath_policy_write(door.dp, generation & 1, &arrays), 0);
	assert_int_equal(rn_datapath_identity_write(door.dp, generation & 1, 5, &lists), 0);
	rn_datapath_policy_done(door.dp);
	rn_datapath_set_generation(door.dp, generation);
	assert_int_equal(rn_datapath_policy_write(door.dp, generation & 1, &arrays), -EBUSY);
	rn_policy_tables_done(&arrays);
	rn_policy_sides_free(sides);
	free(lists.sides);
}

void door_fill(void)
{
	for (uint32_t i = HUB; i <= SERVER; i++) {
		struct rn_device d = {.number = 100 + i, .identity_slot = 5, .owner = 1};

		d.state = RN_STATE_PRESENT | (i == HUB ? RN_STATE_LOCAL : RN_STATE_ATTACHED) | 50;
		assert_int_equal(rn_datapath_device_set(door.dp, i, &d), 0);
		for (int v6 = 0; v6 < 2; v6++) {
			struct rn_addr a = door_addr(i, v6);

			assert_int_equal(rn_datapath_address_set(door.dp, &a, i), 0);
		}
	}
	rn_datapath_set_lease(door.dp, door_now() + 3600 * RN_SECOND_NS);
	rn_datapath_set_mtu(door.dp, 1372);
}

struct rn_datapath *door_open(bool wanted)
{
	struct rn_datapath *opened = NULL;
	struct rn_err err = {{0}};
	bool adopted = !wanted;

	if (rn_datapath_open(door.host.bpf_dir, &door_meta, &opened, &adopted, &err))
		fail_msg("%s", err.text);
	assert_int_equal(adopted, wanted);
	return opened;
}

void door_attach(void)
{
	struct rn_err err = {{0}};

	if (rn_datapath_attach(door.dp, door.host.ifindex, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rn_datapath_in_place(door.dp, door.host.ifindex), 1);
}

uint64_t door_count(int direction, enum rn_reason reason)
{
	struct rn_counter all[RN_DATAPATH_COUNTERS];

	assert_int_equal(rn_datapath_counters(door.dp, all), 0);
	return all[direction * RN_REASON_COUNT + reason].packets;
}

uint64_t door_count_all(int direction)
{
	uint64_t sum = 0;

	for (int reason = 0; reason < RN_REASON_COUNT; reason++)
		sum += door_count(direction, reason);
	return sum;
}

struct packet door_udp(int source, int destination, bool v6, uint16_t port)
{
	struct packet p = {.source = door_addr(source, v6),
			   .destination = door_addr(destination, v6),
			   .source_port = 4000,
			   .destination_port = port,
			   .protocol = IPPROTO_UDP,
			   .flags = SYN,
			   .payload = 8};

	packet_build(&p);
	return p;
}

bool door_see_flow(void *context, const struct rn_flow_key *key, const struct rn_flow *flow)
{
	struct door_seen *s = context;

	s->flows++;
	s->key = *key;
	s->flow = *flow;
	return true;
}

void door_see_event(void *context, const struct rn_event *event)
{
	struct door_seen *s = context;

	s->events++;
	s->event = *event;
}

void door_clear_flows(void)
{
	static const struct rn_flow_set none;
	static const struct rn_flow_used nowhere;
	uint32_t zero = 0;

	for (uint32_t i = 0; i < RN_FLOW_SETS; i++)
		assert_int_equal(bpf_map_update_elem(door.dp->fd[RN_FD_FLOWS], &i, &none, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(door.dp->fd[RN_FD_FLOW_USED], &zero, &nowhere, BPF_ANY), 0);
}

void door_expect(const struct packet *p, enum rn_reason reason)
{
	uint64_t before = door_count(0, reason);
	uint8_t got[2000];

	tunnel_in(&door.host, p->data, p->size, 0);
	assert_int_equal(door_count(0, reason), before + 1);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), reason ? 20 : 1000), reason ? 0 : p->size);
}
