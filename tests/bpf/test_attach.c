/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The production load path on a real device without a link-layer header, as an unprivileged user with three
 * capabilities:
 *
 *    this test ── writes ──► rn0 (TUN) ── rn_ingress ──► host, or redirect ──► rn_egress ──► rn0 ── reads ──► this test
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "domain/policy_tables.h"
#include "packet.h"
#include "sys/datapath.h"
#include "tunnel.h"

enum { HUB = 1, LAPTOP, SERVER };
#define SELF 4711u

static struct tunnel host;
static struct rn_datapath *dp;
static struct rn_policy_tables tables;
static const struct rn_meta meta = {.schema = RN_SCHEMA_VERSION, .role = RN_ROLE_HUB, .self = SELF, .epoch = 3};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * RN_SECOND_NS + t.tv_nsec;
}

static struct rn_addr addr_of(int device, bool v6)
{
	return v6 ? packet_v6(device) : packet_v4(10, 5, 0, device);
}

/* Everybody may send everybody UDP 53 and TCP 80. */
static void write_policy(uint64_t generation)
{
	static uint32_t everyone[] = {9};
	static struct rn_service services[] = {{IPPROTO_UDP, 53, 53}, {IPPROTO_TCP, 80, 80}};
	struct rn_policy_rule rule = {.number = 1,
				      .source = everyone,
				      .source_count = 1,
				      .destination = everyone,
				      .destination_count = 1,
				      .services = services,
				      .service_count = 2};
	struct rn_policy_record policy = {.rules = &rule, .rule_count = 1};
	struct rn_datapath_policy view = {.policy = &tables.policy,
					  .rules = tables.rules,
					  .trust = tables.trust,
					  .services = tables.services,
					  .ports = tables.ports};
	struct rn_identity identity;
	struct rn_err err;

	assert_int_equal(rn_policy_tables_build(&policy, generation, &tables, &err), 0);
	rn_policy_tables_identity(&policy, everyone, 1, &identity);
	view.service_classes = tables.service_classes;
	assert_int_equal(rn_datapath_policy_write(dp, generation & 1, &view), 0);
	assert_int_equal(rn_datapath_identity_write(dp, generation & 1, 5, &identity), 0);
	rn_datapath_set_generation(dp, generation);
	assert_int_equal(rn_datapath_policy_write(dp, generation & 1, &view), -EBUSY);
}

static void fill(void)
{
	for (uint32_t i = HUB; i <= SERVER; i++) {
		struct rn_device d = {.number = 100 + i, .identity_slot = 5, .owner = 1};

		d.state = RN_STATE_PRESENT | (i == HUB ? RN_STATE_LOCAL : RN_STATE_ATTACHED) | 50;
		assert_int_equal(rn_datapath_device_set(dp, i, &d), 0);
		for (int v6 = 0; v6 < 2; v6++) {
			struct rn_addr a = addr_of(i, v6);

			assert_int_equal(rn_datapath_address_set(dp, &a, i), 0);
		}
	}
	rn_datapath_set_lease(dp, now_ns() + 3600 * RN_SECOND_NS);
	rn_datapath_set_mtu(dp, 1372);
}

static struct rn_datapath *open_adopted(bool wanted)
{
	struct rn_datapath *opened = NULL;
	struct rn_err err = {{0}};
	bool adopted = !wanted;

	if (rn_datapath_open(host.bpf_dir, &meta, &opened, &adopted, &err))
		fail_msg("%s", err.text);
	assert_int_equal(adopted, wanted);
	return opened;
}

static void attach(void)
{
	struct rn_err err = {{0}};

	if (rn_datapath_attach(dp, host.ifindex, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rn_datapath_in_place(dp, host.ifindex), 1);
}

static uint64_t count(int direction, enum rn_reason reason)
{
	struct rn_counter all[RN_DATAPATH_COUNTERS];

	assert_int_equal(rn_datapath_counters(dp, all), 0);
	return all[direction * RN_REASON_COUNT + reason].packets;
}

static uint64_t count_direction(int direction)
{
	uint64_t sum = 0;

	for (int reason = 0; reason < RN_REASON_COUNT; reason++)
		sum += count(direction, reason);
	return sum;
}

static struct packet udp(int source, int destination, bool v6, uint16_t port)
{
	struct packet p = {.source = addr_of(source, v6),
			   .destination = addr_of(destination, v6),
			   .source_port = 4000,
			   .destination_port = port,
			   .protocol = IPPROTO_UDP,
			   .flags = SYN,
			   .payload = 8};

	packet_build(&p);
	return p;
}

static void test_open(void **state)
{
	struct rn_err err = {{0}};
	struct rn_datapath *none = NULL;
	struct rn_meta other = meta, got;
	bool adopted;

	(void)state;
	assert_int_equal(rn_datapath_open("/nowhere", &meta, &none, &adopted, &err), -ENOENT);
	assert_int_equal(rn_datapath_open("/tmp", &meta, &none, &adopted, &err), -ENOENT);
	assert_non_null(strstr(err.text, "bpf"));
	dp = open_adopted(false);
	assert_int_equal(rn_datapath_in_place(dp, host.ifindex), 0);
	rn_datapath_set_meta(dp, 3, 77);
	rn_datapath_close(dp);

	other.role = RN_ROLE_NODE;
	assert_int_equal(rn_datapath_open(host.bpf_dir, &other, &none, &adopted, &err), -ESTALE);
	assert_non_null(strstr(err.text, "hub"));
	other = meta;
	other.self = 1;
	assert_int_equal(rn_datapath_open(host.bpf_dir, &other, &none, &adopted, &err), -ESTALE);
	assert_non_null(strstr(err.text, "4711"));
	other = meta;
	other.schema++;
	assert_int_equal(rn_datapath_open(host.bpf_dir, &other, &none, &adopted, &err), -EINVAL);
	assert_null(none);

	dp = open_adopted(true);
	rn_datapath_meta(dp, &got);
	assert_int_equal(got.policy_version, 77);
	rn_datapath_close(dp);
	assert_int_equal(rn_datapath_remove(host.bpf_dir, &err), 0);
	dp = open_adopted(false);
	rn_datapath_meta(dp, &got);
	assert_int_equal(got.policy_version, 0);
}

/* Fresh maps let nothing through. */
static void test_closed_at_first(void **state)
{
	struct packet p = udp(LAPTOP, SERVER, true, 53);

	(void)state;
	attach();
	tunnel_in(&host, p.data, p.size, 0);
	assert_int_equal(count(0, RN_NO_POLICY), 1);
	assert_int_equal(tunnel_left(&host, p.data, p.size, 50), 0);
	fill();
	write_policy(2);
}

/* Through the hub: out again with one hop less, and rn_egress has not judged it. */
static void test_redirect(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = udp(LAPTOP, SERVER, v6, 53);
		uint64_t allowed = count(0, RN_ALLOWED), egress = count_direction(1);
		uint8_t got[2000];
		size_t at = v6 ? 7 : 8;

		tunnel_in(&host, p.data, p.size, 0);
		assert_int_equal(tunnel_left(&host, got, sizeof(got), 1000), p.size);
		assert_int_equal(got[at], 63);
		assert_int_equal(v6 ? 0 : packet_checksum(got, 20, 0), 0);
		assert_memory_equal(got + 20, p.data + 20, p.size - 20);
		assert_int_equal(count(0, RN_ALLOWED), allowed + 1);
		assert_int_equal(count_direction(1), egress);
		p = udp(LAPTOP, SERVER, v6, 54);
		tunnel_in(&host, p.data, p.size, 0);
		assert_int_equal(tunnel_left(&host, got, sizeof(got), 50), 0);
	}
}

/* What a process on the host sends is judged, whatever it says of itself. */
static void test_host_cannot_mark(void **state)
{
	struct packet p = udp(LAPTOP, SERVER, false, 53);
	uint64_t wrong = count(1, RN_WRONG_SOURCE);
	int mark = 0x524e;
	uint8_t got[2000];

	(void)state;
	assert_int_equal(setsockopt(host.packet_fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	assert_int_equal(setsockopt(host.packet_fd, SOL_SOCKET, SO_PRIORITY, &mark, sizeof(mark)), 0);
	tunnel_out(&host, p.data, p.size, 0x0800);
	assert_int_equal(count(1, RN_WRONG_SOURCE), wrong + 1);
	assert_int_equal(tunnel_left(&host, got, sizeof(got), 50), 0);
	p = udp(HUB, SERVER, true, 53);
	tunnel_out(&host, p.data, p.size, 0x86dd);
	assert_int_equal(tunnel_left(&host, got, sizeof(got), 1000), p.size);
}

/* What rn_ingress gave to the host and the host forwards back out of rn0 is judged as the host's. */
static void test_host_forwards(void **state)
{
	struct packet p = udp(LAPTOP, HUB, false, 53);
	uint64_t allowed = count(0, RN_ALLOWED), wrong = count(1, RN_WRONG_SOURCE);
	uint8_t got[2000];

	(void)state;
	tunnel_in(&host, p.data, p.size, 0);
	assert_int_equal(tunnel_left(&host, got, sizeof(got), 50), 0);
	assert_int_equal(count(0, RN_ALLOWED), allowed + 1);
	assert_int_equal(count(1, RN_WRONG_SOURCE), wrong + 1);
}

/* Headers in pages get the verdict that they get in one piece; so does every length. */
static void test_paged(void **state)
{
	static uint8_t big[8000];
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1;
		struct packet p = udp(LAPTOP, HUB, v6, protocols[i / 2] == IPPROTO_TCP ? 80 : 53);
		size_t fixed = v6 ? 40 : 20, whole = fixed + (protocols[i / 2] == IPPROTO_TCP ? 20 : 8);

		p.protocol = protocols[i / 2];
		packet_build(&p);
		for (size_t size = fixed; size <= p.size; size++) {
			enum rn_reason reason = size < whole ? RN_MALFORMED : RN_ALLOWED;
			uint64_t before = count(0, reason), all = count_direction(0);

			memcpy(big, p.data, p.size);
			big[v6 ? 5 : 3] = v6 ? size - 40 : size;
			if (p.protocol == IPPROTO_UDP && size >= whole)
				big[p.transport + 5] = size - p.transport;
			tunnel_in(&host, big, sizeof(big), 0);
			tunnel_in(&host, big, sizeof(big), 1);
			tunnel_in(&host, big, sizeof(big), fixed + 3);
			assert_int_equal(count(0, reason), before + 3);
			assert_int_equal(count_direction(0), all + 3);
		}
		for (size_t size = 1; size < p.size; size++) {
			uint64_t before = count(0, RN_MALFORMED);

			tunnel_in(&host, p.data, size, 0);
			assert_int_equal(count(0, RN_MALFORMED), before + 1);
		}
	}
}

/* A packet of two segments is judged once, by the size of one. */
static void test_gso(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = udp(LAPTOP, SERVER, v6, 80);
		uint16_t segment = 1372 - (v6 ? 60 : 40);
		uint64_t allowed, too_big;
		uint8_t got[4000];

		p.protocol = IPPROTO_TCP;
		p.payload = 2 * segment;
		packet_build(&p);
		allowed = count(0, RN_ALLOWED);
		too_big = count(0, RN_TOO_BIG);
		tunnel_in_gso(&host, p.data, p.size, p.transport, segment);
		assert_int_equal(tunnel_left(&host, got, sizeof(got), 1000), 1372);
		assert_int_equal(tunnel_left(&host, got, sizeof(got), 1000), 1372);
		assert_int_equal(count(0, RN_ALLOWED), allowed + 1);
		tunnel_in_gso(&host, p.data, p.size, p.transport, segment + 1);
		assert_int_equal(tunnel_left(&host, got, sizeof(got), 50), 0);
		assert_int_equal(count(0, RN_TOO_BIG), too_big + 1);
	}
}

struct seen {
	unsigned flows, events;
	struct rn_flow_key key;
	struct rn_flow flow;
	struct rn_event event;
};

static bool see_flow(void *context, const struct rn_flow_key *key, const struct rn_flow *flow)
{
	struct seen *s = context;

	s->flows++;
	s->key = *key;
	s->flow = *flow;
	return true;
}

static void see_event(void *context, const struct rn_event *event)
{
	struct seen *s = context;

	s->events++;
	s->event = *event;
}

static void clear_flows(void)
{
	struct seen s = {0};

	do {
		s.flows = 0;
		assert_int_equal(rn_datapath_flows(dp, see_flow, &s), 0);
		if (s.flows)
			assert_int_equal(rn_datapath_flow_delete(dp, &s.key), 0);
	} while (s.flows);
}

static void test_flows_and_events(void **state)
{
	struct packet p = udp(LAPTOP, SERVER, true, 53);
	struct pollfd ready = {.fd = rn_datapath_events_fd(dp), .events = POLLIN};
	struct rn_flow_key key = packet_key(&p);
	struct seen s = {0};
	uint64_t lost = 1;

	(void)state;
	clear_flows();
	rn_datapath_events(dp, see_event, &s);
	s.events = 0;
	assert_int_equal(poll(&ready, 1, 0), 0);
	tunnel_in(&host, p.data, p.size, 0);
	assert_int_equal(tunnel_left(&host, p.data, sizeof(p.data), 1000), p.size);
	assert_int_equal(poll(&ready, 1, 1000), 1);
	assert_int_equal(rn_datapath_events(dp, see_event, &s), 1);
	assert_int_equal(s.event.kind, RN_EVENT_FLOW_NEW);
	assert_int_equal(s.event.source_number, 100 + LAPTOP);
	assert_int_equal(rn_datapath_flows(dp, see_flow, &s), 0);
	assert_int_equal(s.flows, 1);
	assert_memory_equal(&s.key, &key, sizeof(key));
	assert_int_equal(s.flow.bytes[0], p.size);
	assert_in_range(s.flow.created_ns, now_ns() - 10 * RN_SECOND_NS, now_ns());
	assert_int_equal(rn_datapath_lost(dp, &lost), 0);
	assert_int_equal(rn_datapath_flow_delete(dp, &key), 0);
	assert_int_equal(rn_datapath_flow_delete(dp, &key), -ENOENT);
}

/* More than one batch. */
static void test_many_flows(void **state)
{
	struct seen s = {0};
	uint8_t got[2000];

	(void)state;
	clear_flows();
	for (uint16_t port = 0; port < 2000; port++) {
		struct packet p = udp(LAPTOP, SERVER, port & 1, 53);

		p.source_port = port;
		packet_build(&p);
		tunnel_in(&host, p.data, p.size, 0);
		assert_int_equal(tunnel_left(&host, got, sizeof(got), 1000), p.size);
	}
	assert_int_equal(rn_datapath_flows(dp, see_flow, &s), 0);
	assert_int_equal(s.flows, 2000);
	clear_flows();
}

static void expect_in(const struct packet *p, enum rn_reason reason)
{
	uint64_t before = count(0, reason);
	uint8_t got[2000];

	tunnel_in(&host, p->data, p->size, 0);
	assert_int_equal(count(0, reason), before + 1);
	assert_int_equal(tunnel_left(&host, got, sizeof(got), reason ? 20 : 1000), reason ? 0 : p->size);
}

/* Each write acts on an established flow's next packet. */
static void test_writes(void **state)
{
	struct packet p = udp(LAPTOP, SERVER, true, 53);
	struct rn_device d, again;
	uint32_t index = 0;

	(void)state;
	expect_in(&p, RN_ALLOWED);
	assert_int_equal(rn_datapath_device(dp, LAPTOP, &d), 0);
	assert_int_equal(rn_datapath_device_state(dp, LAPTOP, (uint32_t)d.state | RN_STATE_QUARANTINED), 0);
	expect_in(&p, RN_SOURCE_QUARANTINED);
	assert_int_equal(rn_datapath_device_set(dp, LAPTOP, &d), 0);
	expect_in(&p, RN_ALLOWED);
	rn_datapath_device(dp, LAPTOP, &again);
	assert_int_equal(again.state, d.state); /* the same device: the same incarnation */

	d.identity_slot = 6; /* an identity without rules; only the incarnation tells */
	assert_int_equal(rn_datapath_device_set(dp, LAPTOP, &d), 0);
	expect_in(&p, RN_DEFAULT_DENY);
	rn_datapath_device(dp, LAPTOP, &again);
	assert_int_equal(again.state >> 32, (d.state >> 32) + 1);
	d.identity_slot = 5;
	assert_int_equal(rn_datapath_device_set(dp, LAPTOP, &d), 0);
	expect_in(&p, RN_ALLOWED);

	assert_int_equal(rn_datapath_address_remove(dp, &p.destination), 0);
	assert_int_equal(rn_datapath_address_remove(dp, &p.destination), 0);
	assert_int_equal(rn_datapath_address(dp, &p.destination, &index), -ENOENT);
	expect_in(&p, RN_UNKNOWN_DESTINATION);
	assert_int_equal(rn_datapath_address_set(dp, &p.destination, SERVER), 0);
	expect_in(&p, RN_ALLOWED);
	assert_int_equal(rn_datapath_address(dp, &p.destination, &index), 0);
	assert_int_equal(index, SERVER);
	rn_datapath_set_link_down(dp, true);
	expect_in(&p, RN_LINK_DOWN);
	rn_datapath_set_link_down(dp, false);
	rn_datapath_set_lease(dp, now_ns());
	expect_in(&p, RN_LEASE_EXPIRED);
	rn_datapath_set_lease(dp, now_ns() + 3600 * RN_SECOND_NS);
	assert_int_equal(rn_datapath_device_clear(dp, SERVER), 0);
	expect_in(&p, RN_UNKNOWN_DESTINATION);
	fill();
	expect_in(&p, RN_ALLOWED);
}

static void test_bounds(void **state)
{
	struct rn_device d = {0};
	struct rn_identity identity = {0};
	struct rn_addr a = addr_of(9, true);

	(void)state;
	assert_int_equal(rn_datapath_device_set(dp, 0, &d), -ERANGE);
	assert_int_equal(rn_datapath_device_set(dp, RN_DEVICES_MAX, &d), -ERANGE);
	assert_int_equal(rn_datapath_device_set(dp, ~0u, &d), -ERANGE);
	assert_int_equal(rn_datapath_device_state(dp, RN_DEVICES_MAX, 0), -ERANGE);
	assert_int_equal(rn_datapath_device_clear(dp, 0), -ERANGE);
	assert_int_equal(rn_datapath_device(dp, ~0u, &d), -ERANGE);
	assert_int_equal(rn_datapath_address_set(dp, &a, 0), -ERANGE);
	assert_int_equal(rn_datapath_address_set(dp, &a, RN_DEVICES_MAX), -ERANGE);
	assert_int_equal(rn_datapath_identity_write(dp, 2, 0, &identity), -ERANGE);
	assert_int_equal(rn_datapath_identity_write(dp, 0, RN_IDENTITIES_MAX, &identity), -ERANGE);
}

/* Closing is all that a killed process does: the kernel goes on. Then another takes over. */
static void test_adopt(void **state)
{
	struct packet p = udp(LAPTOP, SERVER, true, 53);
	struct rn_datapath *next;
	struct rn_config config;
	struct seen s = {0};

	(void)state;
	clear_flows();
	expect_in(&p, RN_ALLOWED);
	next = open_adopted(true);
	rn_datapath_close(dp);
	dp = next;
	assert_int_equal(rn_datapath_in_place(dp, host.ifindex), 0); /* filters are there, but not these programs */
	expect_in(&p, RN_ALLOWED);
	attach();
	expect_in(&p, RN_ALLOWED);
	rn_datapath_config(dp, &config);
	assert_int_equal(config.ifindex, host.ifindex);
	assert_int_equal(config.role, RN_ROLE_HUB);
	assert_int_equal(rn_datapath_flows(dp, see_flow, &s), 0);
	assert_int_equal(s.flows, 1);
	assert_int_equal(s.flow.packets[0], 3);
}

struct traffic {
	atomic_bool stop;
	unsigned sent, lost, forbidden;
};

/* Numbered packets, each followed by a forbidden one; each allowed one must come out before the next goes in. */
static void *send_all(void *context)
{
	struct traffic *t = context;
	struct packet good = udp(LAPTOP, SERVER, true, 53), bad = udp(LAPTOP, SERVER, true, 54);
	uint8_t got[2000];

	while (!t->stop) {
		size_t size;

		memcpy(good.data + 48, &t->sent, sizeof(t->sent));
		t->sent++;
		tunnel_in(&host, bad.data, bad.size, 0);
		tunnel_in(&host, good.data, good.size, 0);
		size = tunnel_left(&host, got, sizeof(got), 1000);
		if (size && got[43] == 54)
			t->forbidden++;
		else if (!size || memcmp(got + 48, good.data + 48, 4))
			t->lost++;
	}
	return NULL;
}

static void test_replace_under_traffic(void **state)
{
	struct traffic t = {.stop = false};
	uint64_t generation = 3;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, send_all, &t), 0);
	for (int i = 0; i < 10; i++) {
		rn_datapath_close(dp);
		dp = open_adopted(true);
		attach();
		for (int j = 0; j < 20; j++)
			write_policy(generation++);
	}
	t.stop = true;
	pthread_join(thread, NULL);
	print_message("%u packets, %u lost, %u forbidden through 10 replacements and 200 policies\n", t.sent, t.lost,
		      t.forbidden);
	assert_int_equal(t.lost, 0);
	assert_int_equal(t.forbidden, 0);
	assert_in_range(t.sent, 100, ~0u);
}

static void test_detach(void **state)
{
	struct rn_err err = {{0}};

	(void)state;
	assert_int_equal(rn_datapath_detach(dp, host.ifindex), 0);
	assert_int_equal(rn_datapath_in_place(dp, host.ifindex), 0);
	assert_int_equal(rn_datapath_detach(dp, host.ifindex), 0);
	assert_int_equal(rn_datapath_detach(dp, 9999), 0);
	assert_int_equal(rn_datapath_in_place(dp, 9999), -ENODEV);
	assert_int_equal(rn_datapath_attach(dp, 9999, &err), -ENODEV);
	rn_datapath_close(dp);
	assert_int_equal(rn_datapath_remove(host.bpf_dir, &err), 0);
}

static int run(const char *dir)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_closed_at_first),
	    cmocka_unit_test(test_redirect),
	    cmocka_unit_test(test_host_cannot_mark),
	    cmocka_unit_test(test_host_forwards),
	    cmocka_unit_test(test_paged),
	    cmocka_unit_test(test_gso),
	    cmocka_unit_test(test_flows_and_events),
	    cmocka_unit_test(test_many_flows),
	    cmocka_unit_test(test_writes),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_adopt),
	    cmocka_unit_test(test_replace_under_traffic),
	    cmocka_unit_test(test_detach),
	};

	tunnel_enter(&host, dir);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The namespaces are the child's and go with it. */
int main(void)
{
	char dir[] = "/tmp/rn-bpf-XXXXXX";
	int status = 1;
	pid_t child;

	if (!mkdtemp(dir))
		return 1;
	child = fork();
	if (!child)
		_exit(run(dir));
	if (child > 0)
		waitpid(child, &status, 0);
	rmdir(dir);
	return status ? 1 : 0;
}
