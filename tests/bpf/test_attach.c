/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The production load path on a real device without a link-layer header, as an unprivileged user with three
 * capabilities:
 *
 *    this test ── writes ──► rn0 (TUN) ── rn_ingress ──► host, or redirect ──► rn_egress ──► rn0 ── reads ──► this test
 */
#include <bpf/bpf.h>
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
#include <unistd.h>
#include <cmocka.h>

#include "door.h"
#include "sys/datapath_memory.h"

static void test_open(void **state)
{
	struct rn_err err = {{0}};
	struct rn_datapath *none = NULL;
	struct rn_meta other = door_meta, got;
	bool adopted;

	(void)state;
	assert_int_equal(rn_datapath_open("/nowhere", &door_meta, &none, &adopted, &err), -ENOENT);
	assert_int_equal(rn_datapath_open("/tmp", &door_meta, &none, &adopted, &err), -ENOENT);
	assert_non_null(strstr(err.text, "bpf"));
	door.dp = door_open(false);
	assert_int_equal(rn_datapath_in_place(door.dp, door.host.ifindex), 0);
	rn_datapath_set_meta(door.dp, 3, 77);
	rn_datapath_close(door.dp);

	other.role = RN_ROLE_NODE;
	assert_int_equal(rn_datapath_open(door.host.bpf_dir, &other, &none, &adopted, &err), -ESTALE);
	assert_non_null(strstr(err.text, "hub"));
	other = door_meta;
	other.self = 1;
	assert_int_equal(rn_datapath_open(door.host.bpf_dir, &other, &none, &adopted, &err), -ESTALE);
	assert_non_null(strstr(err.text, "4711"));
	other = door_meta;
	other.schema++;
	assert_int_equal(rn_datapath_open(door.host.bpf_dir, &other, &none, &adopted, &err), -EINVAL);
	assert_null(none);

	door.dp = door_open(true);
	rn_datapath_meta(door.dp, &got);
	assert_int_equal(got.policy_version, 77);
	rn_datapath_close(door.dp);
	assert_int_equal(rn_datapath_remove(door.host.bpf_dir, &err), 0);
	door.dp = door_open(false);
	rn_datapath_meta(door.dp, &got);
	assert_int_equal(got.policy_version, 0);
}

/* Fresh maps let nothing through. */
static void test_closed_at_first(void **state)
{
	struct packet p = door_udp(LAPTOP, SERVER, true, 53);

	(void)state;
	door_attach();
	tunnel_in(&door.host, p.data, p.size, 0);
	assert_int_equal(door_count(0, RN_NO_POLICY), 1);
	assert_int_equal(tunnel_left(&door.host, p.data, p.size, 50), 0);
	door_fill();
	door_policy(2);
}

/* Through the hub: out again with one hop less, and rn_egress has not judged it. */
static void test_redirect(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = door_udp(LAPTOP, SERVER, v6, 53);
		uint64_t allowed = door_count(0, RN_ALLOWED), egress = door_count_all(1);
		uint8_t got[2000];
		size_t at = v6 ? 7 : 8;

		tunnel_in(&door.host, p.data, p.size, 0);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), p.size);
		assert_int_equal(got[at], 63);
		assert_int_equal(v6 ? 0 : packet_checksum(got, 20, 0), 0);
		assert_memory_equal(got + 20, p.data + 20, p.size - 20);
		assert_int_equal(door_count(0, RN_ALLOWED), allowed + 1);
		assert_int_equal(door_count_all(1), egress);
		p = door_udp(LAPTOP, SERVER, v6, 54);
		tunnel_in(&door.host, p.data, p.size, 0);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 50), 0);
	}
}

/* What a process on the host sends is judged, whatever it says of itself. */
static void test_host_cannot_mark(void **state)
{
	struct packet p = door_udp(LAPTOP, SERVER, false, 53);
	uint64_t wrong = door_count(1, RN_WRONG_SOURCE);
	int mark = 0x524e;
	uint8_t got[2000];

	(void)state;
	assert_int_equal(setsockopt(door.host.packet_fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	assert_int_equal(setsockopt(door.host.packet_fd, SOL_SOCKET, SO_PRIORITY, &mark, sizeof(mark)), 0);
	tunnel_out(&door.host, p.data, p.size, 0x0800);
	assert_int_equal(door_count(1, RN_WRONG_SOURCE), wrong + 1);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 50), 0);
	p = door_udp(HUB, SERVER, true, 53);
	tunnel_out(&door.host, p.data, p.size, 0x86dd);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), p.size);
}

/* What rn_ingress gave to the host and the host forwards back out of rn0 is judged as the host's. */
static void test_host_forwards(void **state)
{
	struct packet p = door_udp(LAPTOP, HUB, false, 53);
	uint64_t allowed = door_count(0, RN_ALLOWED), wrong = door_count(1, RN_WRONG_SOURCE);
	uint8_t got[2000];

	(void)state;
	tunnel_in(&door.host, p.data, p.size, 0);
	assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 50), 0);
	assert_int_equal(door_count(0, RN_ALLOWED), allowed + 1);
	assert_int_equal(door_count(1, RN_WRONG_SOURCE), wrong + 1);
}

/* Headers in pages get the verdict that they get in one piece; so does every length. */
static void test_paged(void **state)
{
	static uint8_t big[8000];
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1;
		struct packet p = door_udp(LAPTOP, HUB, v6, protocols[i / 2] == IPPROTO_TCP ? 80 : 53);
		size_t fixed = v6 ? 40 : 20, whole = fixed + (protocols[i / 2] == IPPROTO_TCP ? 20 : 8);

		p.protocol = protocols[i / 2];
		packet_build(&p);
		for (size_t size = fixed; size <= p.size; size++) {
			enum rn_reason reason = size < whole ? RN_MALFORMED : RN_ALLOWED;
			uint64_t before = door_count(0, reason), all = door_count_all(0);

			memcpy(big, p.data, p.size);
			big[v6 ? 5 : 3] = v6 ? size - 40 : size;
			if (p.protocol == IPPROTO_UDP && size >= whole)
				big[p.transport + 5] = size - p.transport;
			tunnel_in(&door.host, big, sizeof(big), 0);
			tunnel_in(&door.host, big, sizeof(big), 1);
			tunnel_in(&door.host, big, sizeof(big), fixed + 3);
			assert_int_equal(door_count(0, reason), before + 3);
			assert_int_equal(door_count_all(0), all + 3);
		}
		for (size_t size = 1; size < p.size; size++) {
			uint64_t before = door_count(0, RN_MALFORMED);

			tunnel_in(&door.host, p.data, size, 0);
			assert_int_equal(door_count(0, RN_MALFORMED), before + 1);
		}
	}
}

/* A packet of two segments is judged once, by the size of one. */
static void test_gso(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = door_udp(LAPTOP, SERVER, v6, 80);
		uint16_t segment = 1372 - (v6 ? 60 : 40);
		uint64_t allowed, too_big;
		uint8_t got[4000];

		p.protocol = IPPROTO_TCP;
		p.payload = 2 * segment;
		packet_build(&p);
		allowed = door_count(0, RN_ALLOWED);
		too_big = door_count(0, RN_TOO_BIG);
		tunnel_in_gso(&door.host, p.data, p.size, p.transport, segment);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), 1372);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), 1372);
		assert_int_equal(door_count(0, RN_ALLOWED), allowed + 1);
		tunnel_in_gso(&door.host, p.data, p.size, p.transport, segment + 1);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 50), 0);
		assert_int_equal(door_count(0, RN_TOO_BIG), too_big + 1);
	}
}

static void test_flows_and_events(void **state)
{
	struct packet p = door_udp(LAPTOP, SERVER, true, 53);
	struct pollfd ready = {.fd = rn_datapath_events_fd(door.dp), .events = POLLIN};
	struct rn_flow_key key = packet_key(&p);
	struct door_seen s = {0};
	uint64_t lost = 1;

	(void)state;
	door_clear_flows();
	rn_datapath_events(door.dp, door_see_event, &s);
	s.events = 0;
	assert_int_equal(poll(&ready, 1, 0), 0);
	tunnel_in(&door.host, p.data, p.size, 0);
	assert_int_equal(tunnel_left(&door.host, p.data, sizeof(p.data), 1000), p.size);
	assert_int_equal(poll(&ready, 1, 1000), 1);
	assert_int_equal(rn_datapath_events(door.dp, door_see_event, &s), 1);
	assert_int_equal(s.event.kind, RN_EVENT_FLOW_NEW);
	assert_int_equal(s.event.source_number, 100 + LAPTOP);
	assert_int_equal(rn_datapath_flows(door.dp, door_see_flow, &s), 0);
	assert_int_equal(s.flows, 1);
	assert_memory_equal(&s.key, &key, sizeof(key));
	assert_int_equal(s.flow.bytes[0], p.size);
	assert_in_range(s.flow.created_ns, door_now() - 10 * RN_SECOND_NS, door_now());
	assert_int_equal(rn_datapath_lost(door.dp, &lost), 0);
	assert_int_equal(rn_datapath_evicted(door.dp, &lost), 0);
	assert_int_equal(lost, 0);
}

/* More than a set takes. */
static void test_many_flows(void **state)
{
	struct door_seen s = {0};
	uint8_t got[2000];

	(void)state;
	door_clear_flows();
	for (uint16_t port = 0; port < 2000; port++) {
		struct packet p = door_udp(LAPTOP, SERVER, port & 1, 53);

		p.source_port = port;
		packet_build(&p);
		tunnel_in(&door.host, p.data, p.size, 0);
		assert_int_equal(tunnel_left(&door.host, got, sizeof(got), 1000), p.size);
	}
	assert_int_equal(rn_datapath_flows(door.dp, door_see_flow, &s), 0);
	assert_int_equal(s.flows, 2000);
	door_clear_flows();
}

/* Each write acts on an established flow's next packet. */
static void test_writes(void **state)
{
	struct packet p = door_udp(LAPTOP, SERVER, true, 53);
	struct rn_device d, again;
	uint32_t index = 0;

	(void)state;
	door_expect(&p, RN_ALLOWED);
	assert_int_equal(rn_datapath_device(door.dp, LAPTOP, &d), 0);
	assert_int_equal(rn_datapath_device_state(door.dp, LAPTOP, (uint32_t)d.state | RN_STATE_QUARANTINED), 0);
	door_expect(&p, RN_SOURCE_QUARANTINED);
	assert_int_equal(rn_datapath_device_set(door.dp, LAPTOP, &d), 0);
	door_expect(&p, RN_ALLOWED);
	rn_datapath_device(door.dp, LAPTOP, &again);
	assert_int_equal(again.state, d.state); /* the same device: the same incarnation */

	d.identity_slot = 6; /* an identity without rules; only the incarnation tells */
	assert_int_equal(rn_datapath_device_set(door.dp, LAPTOP, &d), 0);
	door_expect(&p, RN_DEFAULT_DENY);
	rn_datapath_device(door.dp, LAPTOP, &again);
	assert_int_equal(again.state >> 32, (d.state >> 32) + 1);
	d.identity_slot = 5;
	assert_int_equal(rn_datapath_device_set(door.dp, LAPTOP, &d), 0);
	door_expect(&p, RN_ALLOWED);

	assert_int_equal(rn_datapath_address_remove(door.dp, &p.destination), 0);
	assert_int_equal(rn_datapath_address_remove(door.dp, &p.destination), 0);
	assert_int_equal(rn_datapath_address(door.dp, &p.destination, &index), -ENOENT);
	door_expect(&p, RN_UNKNOWN_DESTINATION);
	assert_int_equal(rn_datapath_address_set(door.dp, &p.destination, SERVER), 0);
	door_expect(&p, RN_ALLOWED);
	assert_int_equal(rn_datapath_address(door.dp, &p.destination, &index), 0);
	assert_int_equal(index, SERVER);
	rn_datapath_set_link_down(door.dp, true);
	door_expect(&p, RN_LINK_DOWN);
	rn_datapath_set_link_down(door.dp, false);
	rn_datapath_set_lease(door.dp, door_now());
	door_expect(&p, RN_LEASE_EXPIRED);
	rn_datapath_set_lease(door.dp, door_now() + 3600 * RN_SECOND_NS);
	assert_int_equal(rn_datapath_device_clear(door.dp, SERVER), 0);
	door_expect(&p, RN_UNKNOWN_DESTINATION);
	door_fill();
	door_expect(&p, RN_ALLOWED);
}

static void test_bounds(void **state)
{
	struct rn_device d = {0};
	struct rn_identity_lists lists = {0};
	struct rn_addr a = packet_v6(9);

	(void)state;
	assert_int_equal(rn_datapath_device_set(door.dp, 0, &d), -ERANGE);
	assert_int_equal(rn_datapath_device_set(door.dp, RN_DEVICES_MAX, &d), -ERANGE);
	assert_int_equal(rn_datapath_device_set(door.dp, ~0u, &d), -ERANGE);
	assert_int_equal(rn_datapath_device_state(door.dp, RN_DEVICES_MAX, 0), -ERANGE);
	assert_int_equal(rn_datapath_device_clear(door.dp, 0), -ERANGE);
	assert_int_equal(rn_datapath_device(door.dp, ~0u, &d), -ERANGE);
	assert_int_equal(rn_datapath_address_set(door.dp, &a, 0), -ERANGE);
	assert_int_equal(rn_datapath_address_set(door.dp, &a, RN_DEVICES_MAX), -ERANGE);
	assert_int_equal(rn_datapath_identity_write(door.dp, 2, 0, &lists), -ERANGE);
	assert_int_equal(rn_datapath_identity_write(door.dp, 0, RN_IDENTITIES_MAX, &lists), -ERANGE);
}

/* Memory is mapped where devices are, and the next process finds them there. */
static void test_windows(void **state)
{
	const uint32_t last = RN_DEVICES_MAX - 1;
	struct rn_device d = {.number = 7, .state = RN_STATE_PRESENT}, got;

	(void)state;
	assert_true(door.dp->window[0]);
	assert_false(door.dp->window[RN_WINDOWS - 1]);
	assert_int_equal(rn_datapath_device(door.dp, last, &got), 0);
	assert_int_equal(got.number, 0);
	assert_int_equal(rn_datapath_device_set(door.dp, last, &d), 0);
	rn_datapath_close(door.dp);
	door.dp = door_open(true);
	for (unsigned i = 0; i < RN_WINDOWS; i++)
		assert_int_equal(door.dp->window[i], i == 0 || i == RN_WINDOWS - 1);
	assert_int_equal(rn_datapath_device(door.dp, last, &got), 0);
	assert_int_equal(got.number, 7);
	assert_int_equal(rn_datapath_device_clear(door.dp, last), 0);
	door_attach();
}

/* A map of another size than this binary would make: nothing of what is pinned is used, or changed. */
static void test_other_sizes(void **state)
{
	char path[256], aside[272];
	struct rn_datapath *none = NULL;
	struct rn_err err = {{0}};
	bool adopted;
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "rn_events", 0, 0, RN_EVENT_RING_NODE_BYTES, NULL);

	(void)state;
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/rn_events", door.host.bpf_dir);
	snprintf(aside, sizeof(aside), "%s_old", path);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	assert_int_equal(rn_datapath_open(door.host.bpf_dir, &door_meta, &none, &adopted, &err), -ESTALE);
	assert_non_null(strstr(err.text, "sizes"));
	assert_null(none);
	assert_int_equal(rename(aside, path), 0);
	rn_datapath_close(door.dp);
	door.dp = door_open(true);
	door_attach();
}

/* What an rnaut with other tables has pinned stays as it is until the caller gives it up; then all begins anew. */
static void test_other_schema(void **state)
{
	struct rn_datapath *none = NULL;
	struct rn_err err = {{0}};
	struct rn_config before, after;
	bool adopted;

	(void)state;
	rn_datapath_config(door.dp, &before);
	door.dp->meta->schema = RN_SCHEMA_VERSION - 1;
	assert_int_equal(rn_datapath_open(door.host.bpf_dir, &door_meta, &none, &adopted, &err), -ESTALE);
	assert_non_null(strstr(err.text, "other tables"));
	assert_null(none);
	assert_int_equal(rn_datapath_in_place(door.dp, door.host.ifindex), 1); /* and goes on */
	rn_datapath_close(door.dp);
	assert_int_equal(rn_datapath_remove(door.host.bpf_dir, &err), 0);
	door.dp = door_open(false);
	rn_datapath_config(door.dp, &after);
	assert_int_equal(after.generation, 0);
	assert_true(after.flow_secret != 0 && after.flow_secret != before.flow_secret);
	rn_datapath_close(door.dp);
	door.dp = door_open(true);
	rn_datapath_config(door.dp, &before);
	assert_true(before.flow_secret == after.flow_secret);
	door_attach();
	door_fill();
	door_policy(2);
}

/* Closing is all that a killed process does: the kernel goes on. Then another takes over. */
static void test_adopt(void **state)
{
	struct packet p = door_udp(LAPTOP, SERVER, true, 53);
	struct rn_datapath *next;
	struct rn_config config;
	struct door_seen s = {0};

	(void)state;
	door_clear_flows();
	door_expect(&p, RN_ALLOWED);
	next = door_open(true);
	rn_datapath_close(door.dp);
	door.dp = next;
	assert_int_equal(rn_datapath_in_place(door.dp, door.host.ifindex),
			 0); /* filters are there, but not these programs */
	door_expect(&p, RN_ALLOWED);
	door_attach();
	door_expect(&p, RN_ALLOWED);
	rn_datapath_config(door.dp, &config);
	assert_int_equal(config.ifindex, door.host.ifindex);
	assert_int_equal(config.role, RN_ROLE_HUB);
	assert_int_equal(rn_datapath_flows(door.dp, door_see_flow, &s), 0);
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
	struct packet good = door_udp(LAPTOP, SERVER, true, 53), bad = door_udp(LAPTOP, SERVER, true, 54);
	uint8_t got[2000];

	while (!t->stop) {
		size_t size;

		memcpy(good.data + 48, &t->sent, sizeof(t->sent));
		t->sent++;
		tunnel_in(&door.host, bad.data, bad.size, 0);
		tunnel_in(&door.host, good.data, good.size, 0);
		size = tunnel_left(&door.host, got, sizeof(got), 1000);
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
		rn_datapath_close(door.dp);
		door.dp = door_open(true);
		door_attach();
		for (int j = 0; j < 20; j++)
			door_policy(generation++);
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
	assert_int_equal(rn_datapath_detach(door.dp, door.host.ifindex), 0);
	assert_int_equal(rn_datapath_in_place(door.dp, door.host.ifindex), 0);
	assert_int_equal(rn_datapath_detach(door.dp, door.host.ifindex), 0);
	assert_int_equal(rn_datapath_detach(door.dp, 9999), 0);
	assert_int_equal(rn_datapath_in_place(door.dp, 9999), -ENODEV);
	assert_int_equal(rn_datapath_attach(door.dp, 9999, &err), -ENODEV);
	rn_datapath_close(door.dp);
	assert_int_equal(rn_datapath_remove(door.host.bpf_dir, &err), 0);
}

static int run(const char *dir)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),	  cmocka_unit_test(test_closed_at_first),
	    cmocka_unit_test(test_redirect),	  cmocka_unit_test(test_host_cannot_mark),
	    cmocka_unit_test(test_host_forwards), cmocka_unit_test(test_paged),
	    cmocka_unit_test(test_gso),		  cmocka_unit_test(test_flows_and_events),
	    cmocka_unit_test(test_many_flows),	  cmocka_unit_test(test_writes),
	    cmocka_unit_test(test_bounds),	  cmocka_unit_test(test_windows),
	    cmocka_unit_test(test_other_sizes),	  cmocka_unit_test(test_other_schema),
	    cmocka_unit_test(test_adopt),	  cmocka_unit_test(test_replace_under_traffic),
	    cmocka_unit_test(test_detach),
	};

	tunnel_enter(&door.host, dir);
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
