// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "domain/name.h"
#include "domain/record.h"
#include "domain/record_wire.h"

static uint8_t seed[RN_KEY_SIZE], public[RN_KEY_SIZE];
static const struct rn_record_head head = {.epoch = 3, .version = 0x1122334455667788, .issued = 1800000000};

static int setup(void **state)
{
	(void)state;
	if (rn_crypto_start() < 0)
		return -1;
	memset(seed, 7, sizeof(seed));
	rn_ed25519_public(seed, public);
	return 0;
}

static struct rn_addr address(const char *text)
{
	struct rn_addr a;

	assert_int_equal(rn_addr_parse(text, &a), 0);
	return a;
}

static struct rn_device_record laptop(void)
{
	struct rn_device_record d = {
	    .number = 7,
	    .hub = 2,
	    .owner = 1,
	    .identity = 5,
	    .kind = RN_KIND_DESKTOP,
	    .trust = 80,
	    .flags = RN_DEVICE_MANAGED | RN_DEVICE_QUARANTINED,
	    .name = "laptop",
	    .owner_name = "alice",
	    .ipv6 = address("fd00:1::7"),
	    .ipv4 = address("100.64.0.7"),
	    .selectors = {1, 4, 9},
	    .selector_count = 3,
	};

	memset(d.noise_key, 1, RN_KEY_SIZE);
	memset(d.wireguard_key, 2, RN_KEY_SIZE);
	return d;
}

static struct rn_network network(void)
{
	struct rn_network n = {.lease_seconds = RN_LEASE_SECONDS};

	assert_int_equal(rn_prefix_parse("fd00:1::/48", &n.ipv6), 0);
	assert_int_equal(rn_prefix_parse("100.64.0.0/16", &n.ipv4), 0);
	return n;
}

static uint32_t admins[] = {1, 2, 0xffffffff}, servers[] = {9}, guests[] = {3, 4};
static struct rn_service web[] = {{IPPROTO_TCP, 80, 443}, {IPPROTO_ICMP, 0, 65535}}, all[] = {{0, 0, 65535}};
static struct rn_policy_rule rules[] = {
    {.id = "no",
     .number = 2,
     .deny = true,
     .source.any = {servers, 1},
     .destination.any = {admins, 3},
     .services = all,
     .service_count = 1},
    {.id = "web",
     .number = 1,
     .minimum_trust = 50,
     .source.any = {admins, 3},
     .destination.any = {servers, 1},
     .services = web,
     .service_count = 2},
    {.id = "own",
     .number = 3,
     .same_owner = true,
     .log = true,
     .observe = true,
     .minimum_destination_trust = 7,
     .schedule = 2,
     .from = 1790000000,
     .until = 1790000001,
     .source.types = {servers, 1},
     .source.none = {guests, 2},
     .destination.also = 12,
     .source.any = {admins, 3},
     .destination.any = {servers, 1},
     .services = all,
     .service_count = 1},
};
static struct rn_window often[] = {{1790000000, 1790000001}, {1790000003, 1790090000}},
			once[] = {{0, RN_ENDS_MAX / 100}};
static struct rn_schedule schedules[] = {{often, 2}, {once, 1}, {NULL, 0}};
static const struct rn_policy_record policy = {
    .rules = rules, .rule_count = 3, .schedules = schedules, .schedule_count = 3};

static void expect_head(const uint8_t *data, int size, enum rn_record_type type)
{
	struct rn_record_head got;

	assert_true(size > 0);
	assert_int_equal(rn_record_verify(data, (size_t)size, public, &got), 0);
	assert_int_equal(got.type, type);
	assert_int_equal(got.epoch, head.epoch);
	assert_true(got.version == head.version && got.issued == head.issued);
}

static void test_network(void **state)
{
	struct rn_network in = network(), out;
	uint8_t data[256];
	int size = rn_record_put_network(&head, &in, seed, data, sizeof(data));

	(void)state;
	expect_head(data, size, RN_RECORD_NETWORK);
	assert_int_equal(rn_record_get_network(data, (size_t)size, &out), 0);
	assert_memory_equal(&out.ipv6.addr, &in.ipv6.addr, 16);
	assert_int_equal(out.ipv6.bits, 48);
	assert_int_equal(out.ipv4.bits, 112);
	assert_int_equal(out.lease_seconds, RN_LEASE_SECONDS);
	in.ipv4 = (struct rn_prefix){0};
	assert_true(rn_record_put_network(&head, &in, seed, data, sizeof(data)) > 0);
	in.ipv4 = in.ipv6;
	assert_int_equal(rn_record_put_network(&head, &in, seed, data, sizeof(data)), -EINVAL);
	in = network();
	in.ipv6.addr.b[15] = 1;
	assert_int_equal(rn_record_put_network(&head, &in, seed, data, sizeof(data)), -EINVAL);
	in = network();
	in.lease_seconds = 0;
	assert_int_equal(rn_record_put_network(&head, &in, seed, data, sizeof(data)), -EINVAL);
}

static void expect_same_device(const struct rn_device_record *a, const struct rn_device_record *b)
{
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->hub, b->hub);
	assert_int_equal(a->owner, b->owner);
	assert_int_equal(a->identity, b->identity);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->trust, b->trust);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->owner_name, b->owner_name);
	assert_memory_equal(a->noise_key, b->noise_key, RN_KEY_SIZE);
	assert_memory_equal(a->wireguard_key, b->wireguard_key, RN_KEY_SIZE);
	assert_int_equal(rn_addr_compare(&a->ipv6, &b->ipv6), 0);
	assert_int_equal(rn_addr_compare(&a->ipv4, &b->ipv4), 0);
	assert_int_equal(rn_addr_compare(&a->wireguard.addr, &b->wireguard.addr), 0);
	assert_int_equal(a->wireguard.port, b->wireguard.port);
	assert_int_equal(a->control.port, b->control.port);
	assert_memory_equal(a->mesh_key, b->mesh_key, RN_KEY_SIZE);
	assert_int_equal(rn_addr_compare(&a->mesh.addr, &b->mesh.addr), 0);
	assert_int_equal(a->mesh.port, b->mesh.port);
	assert_int_equal(a->parent, b->parent);
	assert_true(a->ends == b->ends);
	assert_int_equal(a->selector_count, b->selector_count);
	assert_memory_equal(a->selectors, b->selectors, a->selector_count * sizeof(uint32_t));
}

static void test_device(void **state)
{
	struct rn_device_record in = laptop(), out;
	uint8_t data[1024];
	int size = rn_record_put_device(&head, &in, seed, data, sizeof(data));

	(void)state;
	expect_head(data, size, RN_RECORD_DEVICE);
	assert_int_equal(rn_record_get_device(data, (size_t)size, &out), 0);
	expect_same_device(&in, &out);
	assert_int_equal(rn_record_put_device(&head, &in, seed, data, (size_t)size - 1), -EMSGSIZE);
	in.kind = RN_KIND_GATEWAY;
	in.hub = in.number;
	in.wireguard = in.control = (struct rn_endpoint){address("192.0.2.1"), 51820};
	size = rn_record_put_device(&head, &in, seed, data, sizeof(data));
	assert_int_equal(rn_record_get_device(data, (size_t)size, &out), 0);
	expect_same_device(&in, &out);
}

static struct rn_device_record project(void)
{
	struct rn_device_record d = laptop();

	d.kind = RN_KIND_PROJECT;
	d.hub = d.number;
	d.parent = 2;
	d.ends = 1900000000;
	d.wireguard = (struct rn_endpoint){address("192.0.2.1"), 51820};
	d.control = (struct rn_endpoint){address("192.0.2.1"), 51821};
	d.mesh = (struct rn_endpoint){address("2001:db8::1"), 51822};
	memset(d.mesh_key, 3, RN_KEY_SIZE);
	return d;
}

/* What only hubs have costs other devices nothing, and comes back as it was. */
static void test_hub(void **state)
{
	struct rn_device_record in = laptop(), out;
	uint8_t data[1024];
	uint8_t wire[64];
	struct rn_writer w = rn_writer(wire, sizeof(wire));
	int client = rn_record_put_device(&head, &in, seed, data, sizeof(data)), size;

	(void)state;
	in = project();
	size = rn_record_put_device(&head, &in, seed, data, sizeof(data));
	assert_int_equal(size - client, 32 + 18 + 4 + 8 - 1 - 1 - 8);
	assert_int_equal(rn_record_get_device(data, (size_t)size, &out), 0);
	expect_same_device(&in, &out);
	rn_write_bytes(&w, in.mesh_key, RN_KEY_SIZE);
	rn_write_bytes(&w, &in.mesh.addr, 16);
	rn_write_bytes(&w,
		       "\x6e\xca"
		       "\2\0\0\0"
		       "\x00\xb3\x3f\x71\0\0\0\0",
		       14);
	assert_non_null(memmem(data, (size_t)size, wire, w.at));
	in.kind = RN_KIND_DEPARTMENTAL;
	in.ends = 0;
	memset(in.mesh_key, 0, RN_KEY_SIZE);
	in.mesh = (struct rn_endpoint){0};
	size = rn_record_put_device(&head, &in, seed, data, sizeof(data));
	assert_int_equal(rn_record_get_device(data, (size_t)size, &out), 0);
	expect_same_device(&in, &out);
}

static void test_homes(void **state)
{
	struct rn_device_record in = laptop(), out;
	uint8_t data[1024];
	int size;

	(void)state;
	in.homes[0] = 5, in.homes[1] = 2, in.homes[2] = 9, in.homes[3] = 1;
	in.home_count = 4;
	in.left[0] = 8, in.left[1] = 7;
	in.left_count = 2;
	in.moved = 1ull << 41;
	size = rn_record_put_device(&head, &in, seed, data, sizeof(data));
	assert_int_equal(rn_record_get_device(data, (size_t)size, &out), 0);
	assert_memory_equal(in.homes, out.homes, sizeof(in.homes));
	assert_memory_equal(in.left, out.left, sizeof(in.left));
	assert_true(out.home_count == 4 && out.left_count == 2 && out.moved == in.moved && out.hub == 2);
}

static void test_homes_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 11; i++) {
		struct rn_device_record d = laptop();
		uint8_t data[1024];

		d.homes[0] = 2, d.homes[1] = 3;
		d.home_count = 2;
		d.left[0] = 4;
		d.left_count = 1;
		assert_true(rn_record_put_device(&head, &d, seed, data, sizeof(data)) > 0);
		switch (i) {
		case 0:
			d.home_count = 1;
			break;
		case 1:
			d.home_count = RN_HOMES_MAX + 1;
			break;
		case 2:
			d.homes[1] = 2;
			break;
		case 3:
			d.homes[1] = 0;
			break;
		case 4:
			d.hub = 5;
			break;
		case 5:
			d.left[0] = 3;
			break;
		case 6:
			d.left[0] = 0;
			break;
		case 7:
			d.left_count = RN_LEFT_MAX + 1;
			break;
		case 8:
			d.home_count = 0, d.left[0] = 2;
			break;
		case 9:
			d = project(), d.moved = 1;
			break;
		case 10:
			d = project(), d.left_count = 1;
			break;
		default:
			fail();
		}
		if (rn_record_put_device(&head, &d, seed, data, sizeof(data)) != -EINVAL)
			fail_msg("case %d was taken", i);
	}
}

static void expect_hub_refused(const struct rn_device_record *d, int which)
{
	uint8_t data[1024];

	if (rn_record_put_device(&head, d, seed, data, sizeof(data)) != -EINVAL)
		fail_msg("hub case %d was taken", which);
}

static void test_hub_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 14; i++) {
		struct rn_device_record d = project();

		switch (i) {
		case 0:
			d.parent = 0;
			break;
		case 1:
			d.parent = d.number;
			break;
		case 2:
			d.ends = 0;
			break;
		case 3:
			d.kind = RN_KIND_REGIONAL; /* with an end */
			break;
		case 4:
			d.kind = RN_KIND_GATEWAY, d.ends = 0; /* with a parent */
			break;
		case 5:
			d.kind = RN_KIND_GATEWAY, d.parent = 0; /* with an end */
			break;
		case 6:
			memset(d.mesh_key, 0, RN_KEY_SIZE); /* an endpoint without a key */
			break;
		case 7:
			d.mesh = (struct rn_endpoint){0}; /* a key without an endpoint */
			break;
		case 8:
			d.mesh.port = 0;
			break;
		case 9:
			d.mesh.addr = address("::1");
			break;
		case 10:
			memcpy(d.mesh_key, d.wireguard_key, RN_KEY_SIZE);
			break;
		case 11:
			d.ends = RN_ENDS_MAX + 1;
			break;
		case 12:
			d = laptop(), d.parent = 2;
			break;
		case 13:
			d = laptop(), d.ends = 1900000000;
			break;
		default:
			fail();
		}
		expect_hub_refused(&d, i);
	}
	for (int i = 14; i < 16; i++) {
		struct rn_device_record d = laptop(), hub = project();

		if (i == 14)
			d.mesh = hub.mesh;
		else
			memcpy(d.mesh_key, hub.mesh_key, RN_KEY_SIZE);
		expect_hub_refused(&d, i);
	}
}

/* Every way in which a device's fields can disagree. */
static void test_device_refused(void **state)
{
	enum { CASES = 22 };
	uint8_t data[1024];

	(void)state;
	for (int i = 0; i < CASES; i++) {
		struct rn_device_record d = laptop();

		switch (i) {
		case 0:
			d.number = 0;
			break;
		case 1:
			d.hub = 0;
			break;
		case 2:
			d.hub = d.number;
			break;
		case 3:
			d.identity = 0;
			break;
		case 4:
			d.identity = 1u << 24;
			break;
		case 5:
			d.kind = (enum rn_kind)5;
			break;
		case 6:
			d.kind = RN_KIND_REGIONAL;
			break;
		case 7:
			d.trust = 101;
			break;
		case 8:
			d.flags |= 8;
			break;
		case 9:
			d.flags |= 1u << 31;
			break;
		case 10:
			d.name[0] = '\0';
			break;
		case 11:
			d.name[0] = 'L';
			break;
		case 12:
			d.owner = 0;
			break;
		case 13:
			d.owner_name[0] = '\0';
			break;
		case 14:
			d.owner_name[0] = '\n';
			break;
		case 15:
			memset(d.noise_key, 0, RN_KEY_SIZE);
			break;
		case 16:
			d.flags &= ~RN_DEVICE_MANAGED;
			break;
		case 17:
			d.ipv6 = d.ipv4;
			break;
		case 18:
			d.ipv4 = d.ipv6;
			break;
		case 19:
			d.wireguard = (struct rn_endpoint){d.ipv6, 1};
			break;
		case 20:
			d.selector_count = 0;
			break;
		case 21:
			d.selectors[1] = d.selectors[0];
			break;
		default:
			fail();
		}
		if (rn_record_put_device(&head, &d, seed, data, sizeof(data)) != -EINVAL)
			fail_msg("case %d was taken", i);
	}
}

static void same_set(const struct rn_selector_set *a, const struct rn_selector_set *b)
{
	assert_int_equal(a->count, b->count);
	if (a->count)
		assert_memory_equal(a->numbers, b->numbers, a->count * sizeof(uint32_t));
}

static void same_side(const struct rn_rule_side *a, const struct rn_rule_side *b)
{
	same_set(&a->any, &b->any);
	same_set(&a->types, &b->types);
	same_set(&a->none, &b->none);
	assert_int_equal(a->also, b->also);
}

static void test_policy(void **state)
{
	uint8_t data[1024];
	int size = rn_record_put_policy(&head, &policy, seed, data, sizeof(data));
	struct rn_policy_record out;

	(void)state;
	expect_head(data, size, RN_RECORD_POLICY);
	assert_int_equal(rn_record_get_policy(data, (size_t)size, &out), 0);
	assert_int_equal(out.rule_count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct rn_policy_rule *a = &rules[i], *b = &out.rules[i];

		assert_string_equal(a->id, b->id);
		assert_int_equal(a->number, b->number);
		assert_int_equal(a->deny, b->deny);
		assert_int_equal(a->same_owner, b->same_owner);
		assert_int_equal(a->log, b->log);
		assert_int_equal(a->observe, b->observe);
		assert_int_equal(a->minimum_trust, b->minimum_trust);
		assert_int_equal(a->minimum_destination_trust, b->minimum_destination_trust);
		assert_int_equal(a->schedule, b->schedule);
		assert_int_equal(a->from, b->from);
		assert_int_equal(a->until, b->until);
		same_side(&a->source, &b->source);
		same_side(&a->destination, &b->destination);
		assert_int_equal(a->service_count, b->service_count);
		for (uint32_t j = 0; j < a->service_count; j++)
			assert_true(a->services[j].protocol == b->services[j].protocol &&
				    a->services[j].first == b->services[j].first &&
				    a->services[j].last == b->services[j].last);
	}
	assert_int_equal(out.schedule_count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(out.schedules[i].count, schedules[i].count);
		if (schedules[i].count)
			assert_memory_equal(out.schedules[i].windows, schedules[i].windows,
					    schedules[i].count * sizeof(struct rn_window));
	}
	rn_policy_record_done(&out);
	assert_null(out.rules);
	size = rn_record_put_policy(&head, &(struct rn_policy_record){0}, seed, data, sizeof(data));
	assert_int_equal(rn_record_get_policy(data, (size_t)size, &out), 0);
	assert_int_equal(out.rule_count, 0);
	rn_policy_record_done(&out);
}

/* Is a rule read whose source begins so? */
static bool reads_side(uint8_t there, const void *sets, size_t size)
{
	enum { SOURCE = 9 }; /* behind the id "r", number, flags and two trusts */
	struct rn_service service = {IPPROTO_TCP, 1, 1};
	struct rn_policy_rule rule = {.id = "r", .number = 1, .services = &service, .service_count = 1}, out;
	uint8_t good[64], wire[64];
	struct rn_writer w = rn_writer(good, sizeof(good)), odd = rn_writer(wire, sizeof(wire));
	struct rn_arena *arena = NULL;
	struct rn_reader r;
	bool no_memory = false;

	rn_policy_rule_write(&w, &rule, 0);
	assert_true(!w.failed && good[SOURCE] == 0);
	rn_write_bytes(&odd, good, SOURCE);
	rn_write_u8(&odd, there);
	rn_write_bytes(&odd, sets, size);
	rn_write_bytes(&odd, good + SOURCE + 1, w.at - SOURCE - 1);
	r = rn_reader(wire, odd.at);
	rn_policy_rule_read(&r, &out, 0, &arena, &no_memory);
	assert_false(no_memory);
	rn_arena_free(arena);
	return rn_reader_done(&r);
}

/* What is said to be there has something in it, so that a rule has one encoding. */
static void test_empty_set(void **state)
{
	static const uint8_t nothing[8], five[4] = {0, 0, 0, 5};

	(void)state;
	assert_true(reads_side(0, nothing, 0));
	assert_false(reads_side(1, nothing, 2)); /* a set of none: any, types, none */
	assert_false(reads_side(2, nothing, 2));
	assert_false(reads_side(4, nothing, 2));
	assert_false(reads_side(7, nothing, 6));
	assert_true(reads_side(8, five, 4)); /* also */
	assert_false(reads_side(8, nothing, 4));
	assert_false(reads_side(16, nothing, 0)); /* not known */
}

static void test_policy_refused(void **state)
{
	static struct rn_service odd[] = {{IPPROTO_TCP, 9, 8}}, ported_ping[] = {{IPPROTO_ICMP, 0, 80}};
	static uint32_t falling[] = {2, 1}, zero[] = {0};
	static struct rn_window touch[] = {{5, 7}, {7, 9}}, back[] = {{7, 7}}, late[] = {{5, RN_ENDS_MAX + 1}};
	enum { CASES = 17 };
	uint8_t data[1024];

	(void)state;
	for (int i = 0; i < CASES; i++) {
		struct rn_policy_rule r = rules[1];
		struct rn_schedule s = {often, 2};
		struct rn_policy_record p = {.rules = &r, .rule_count = 1, .schedules = &s, .schedule_count = 1};

		switch (i) {
		case 0:
			r.number = 0;
			break;
		case 1:
			r.minimum_trust = 101;
			break;
		case 2:
			r.deny = true;
			break; /* with a minimum trust */
		case 3:
			r.source.any.numbers = zero, r.source.any.count = 1;
			break;
		case 4:
			r.source.any = (struct rn_selector_set){falling, 2};
			break;
		case 5:
			r.destination.none = (struct rn_selector_set){zero, 1};
			break;
		case 6:
			r.service_count = 0;
			break;
		case 7:
			r.services = odd, r.service_count = 1;
			break;
		case 8:
			r.services = ported_ping, r.service_count = 1;
			break;
		case 9:
			r.schedule = 2;
			break;
		case 10:
			r.from = 5, r.until = 5;
			break;
		case 11:
			r.from = -1;
			break;
		case 12:
			r.minimum_destination_trust = 101;
			break;
		case 13:
			s.windows = touch;
			break;
		case 14:
			s = (struct rn_schedule){back, 1};
			break;
		case 15:
			s = (struct rn_schedule){late, 1};
			break;
		case 16:
			p.schedule_count = RN_SCHEDULES_MAX + 1;
			break;
		default:
			fail();
		}
		if (rn_record_put_policy(&head, &p, seed, data, sizeof(data)) != -EINVAL)
			fail_msg("case %d was taken", i);
	}
}

static void test_policy_needs(void **state)
{
	static struct rn_need good[] = {{1, 5}, {2, 4}, {9, 6}};
	static struct rn_need nobody[] = {{0, 5}}, falling[] = {{2, 5}, {1, 5}}, twice[] = {{2, 5}, {2, 6}},
			      low[] = {{1, 3}};
	struct rn_policy_record p = {.since = 3, .needs = good, .need_count = 3}, out;
	struct rn_record_head seventh = {.epoch = 1, .version = 7};
	uint8_t data[1024];
	int size = rn_record_put_policy(&seventh, &p, seed, data, sizeof(data));

	(void)state;
	assert_int_equal(rn_record_get_policy(data, (size_t)size, &out), 0);
	assert_int_equal(out.since, 3);
	assert_int_equal(out.need_count, 3);
	assert_int_equal(rn_policy_record_need(&out, 1), 5);
	assert_int_equal(rn_policy_record_need(&out, 2), 4);
	assert_int_equal(rn_policy_record_need(&out, 9), 6);
	assert_int_equal(rn_policy_record_need(&out, 3), 3);
	assert_int_equal(rn_policy_record_need(&out, 10), 3);
	rn_policy_record_done(&out);
	seventh.version = 6; /* a need must be older than the policy */
	assert_int_equal(rn_record_put_policy(&seventh, &p, seed, data, sizeof(data)), -EINVAL);
	seventh.version = 7;
	const struct rn_policy_record bad[] = {
	    {.since = 3, .needs = nobody, .need_count = 1},
	    {.since = 3, .needs = falling, .need_count = 2},
	    {.since = 3, .needs = twice, .need_count = 2},
	    {.since = 3, .needs = low, .need_count = 1},
	    {.since = 8},
	};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (rn_record_put_policy(&seventh, &bad[i], seed, data, sizeof(data)) != -EINVAL)
			fail_msg("case %u was taken", i);
}

static void test_policy_order(void **state)
{
	struct rn_policy_rule swapped[] = {rules[1], rules[0]}, back[] = {rules[2], rules[1]};
	struct rn_policy_record p = {.rules = swapped, .rule_count = 2, .schedules = schedules, .schedule_count = 3};
	uint8_t data[1024];

	(void)state;
	assert_int_equal(rn_record_put_policy(&head, &p, seed, data, sizeof(data)), -EINVAL);
	p.rules = back;
	assert_int_equal(rn_record_put_policy(&head, &p, seed, data, sizeof(data)), -EINVAL);
}

static void test_policy_size(void **state)
{
	static uint32_t many[RN_RULE_SELECTORS_MAX];
	struct rn_policy_rule big[8];
	struct rn_policy_record p = {.rules = big, .rule_count = 5};
	uint8_t *data = malloc(RN_RECORD_SIZE_MAX + 1);
	struct rn_policy_record out;
	int size;

	(void)state;
	assert_non_null(data);
	for (uint32_t i = 0; i < RN_RULE_SELECTORS_MAX; i++)
		many[i] = i + 1;
	for (int i = 0; i < 8; i++) {
		big[i] = rules[1];
		big[i].source.any = (struct rn_selector_set){many, RN_RULE_SELECTORS_MAX};
	}
	size = rn_record_put_policy(&head, &p, seed, data, RN_RECORD_SIZE_MAX + 1);
	assert_true(size > 5 * 4 * (int)RN_RULE_SELECTORS_MAX && size <= (int)RN_RECORD_SIZE_MAX);
	assert_int_equal(rn_record_get_policy(data, (size_t)size, &out), 0);
	rn_policy_record_done(&out);
	p.rule_count = 8;
	assert_int_equal(rn_record_put_policy(&head, &p, seed, data, RN_RECORD_SIZE_MAX + 1), -EMSGSIZE);
	free(data);
}

static bool decodes(const uint8_t *data, size_t size, enum rn_record_type type)
{
	struct rn_network n;
	struct rn_device_record d;
	struct rn_policy_record p;

	if (type == RN_RECORD_NETWORK)
		return rn_record_get_network(data, size, &n) == 0;
	if (type == RN_RECORD_DEVICE)
		return rn_record_get_device(data, size, &d) == 0;
	if (rn_record_get_policy(data, size, &p) < 0)
		return false;
	rn_policy_record_done(&p);
	return true;
}

/* Copies on the heap of exactly the size, so that a sanitizer sees every read past the end. */
static bool good_copy(const uint8_t *data, size_t size, enum rn_record_type type)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct rn_record_head got;
	bool good;

	assert_non_null(copy);
	if (size)
		memcpy(copy, data, size);
	good = rn_record_verify(copy, size, public, &got) == 0;
	/* Decoding what does not verify must not crash either. */
	(void)decodes(copy, size, type);
	free(copy);
	return good;
}

static int put_any(enum rn_record_type type, uint8_t *data, size_t size)
{
	struct rn_network n = network();
	struct rn_device_record d = laptop();

	if (type == RN_RECORD_NETWORK)
		return rn_record_put_network(&head, &n, seed, data, size);
	if (type == RN_RECORD_DEVICE)
		return rn_record_put_device(&head, &d, seed, data, size);
	return rn_record_put_policy(&head, &policy, seed, data, size);
}

static void test_damage(void **state)
{
	(void)state;
	for (unsigned t = RN_RECORD_NETWORK; t <= RN_RECORD_POLICY; t++) {
		enum rn_record_type type = (enum rn_record_type)t;
		uint8_t data[1024];
		int size = put_any(type, data, sizeof(data) - 1);

		assert_true(size > 0);
		assert_true(good_copy(data, (size_t)size, type));
		for (int cut = 0; cut < size; cut++)
			assert_false(good_copy(data, (size_t)cut, type));
		data[size] = 0;
		assert_false(good_copy(data, (size_t)size + 1, type));
		for (int i = 0; i < size; i++) {
			for (unsigned bit = 1; bit < 256; bit <<= 1) {
				data[i] ^= (uint8_t)bit;
				assert_false(good_copy(data, (size_t)size, type));
				data[i] ^= (uint8_t)bit;
			}
		}
		/* One type is never read as another. */
		for (unsigned other = RN_RECORD_NETWORK; other <= RN_RECORD_POLICY; other++)
			assert_int_equal(decodes(data, (size_t)size, (enum rn_record_type)other), other == t);
	}
}

/* Counts that promise more than there is, at every place of a policy's body: refused, and no memory is taken for them.
 */
static void test_hostile_counts(void **state)
{
	uint8_t data[1024], copy[1024];
	int size = put_any(RN_RECORD_POLICY, data, sizeof(data));

	(void)state;
	for (int i = RN_RECORD_HEADER; i + 2 <= size - RN_SIGNATURE_SIZE; i++) {
		memcpy(copy, data, (size_t)size);
		copy[i] = copy[i + 1] = 0xff;
		(void)decodes(copy, (size_t)size, RN_RECORD_POLICY);
	}
	memcpy(copy, data, (size_t)size);
	memset(copy + RN_RECORD_HEADER, 0xff, 4);
	assert_false(decodes(copy, (size_t)size, RN_RECORD_POLICY));
}

static void test_other_key(void **state)
{
	uint8_t data[256], other[RN_KEY_SIZE], other_public[RN_KEY_SIZE];
	int size = put_any(RN_RECORD_NETWORK, data, sizeof(data));
	struct rn_record_head got = {.epoch = 99};

	(void)state;
	memset(other, 8, sizeof(other));
	rn_ed25519_public(other, other_public);
	assert_int_equal(rn_record_verify(data, (size_t)size, other_public, &got), -EBADMSG);
	assert_int_equal(got.epoch, 99);
}

static void test_head_refused(void **state)
{
	struct rn_record_head none = {.version = 1};
	struct rn_network n = network();
	uint8_t data[256];

	(void)state;
	assert_int_equal(rn_record_put_network(&none, &n, seed, data, sizeof(data)), -EINVAL);
	none = (struct rn_record_head){.epoch = 1};
	assert_int_equal(rn_record_put_network(&none, &n, seed, data, sizeof(data)), -EINVAL);
	none = (struct rn_record_head){.epoch = 1, .version = 1, .issued = RN_ENDS_MAX + 1};
	assert_int_equal(rn_record_put_network(&none, &n, seed, data, sizeof(data)), -EINVAL);
}

/* The lease is reckoned from it. */
static void test_issued_at_no_time(void **state)
{
	const struct rn_record_head last = {.epoch = 1, .version = 1, .issued = RN_ENDS_MAX};
	const uint64_t times[] = {RN_ENDS_MAX + 1, INT64_MAX, 1ull << 63, UINT64_MAX};
	struct rn_network n = network();
	struct rn_record_head got;
	uint8_t data[256];
	int size = rn_record_put_network(&last, &n, seed, data, sizeof(data));

	(void)state;
	assert_true(size > 0);
	assert_int_equal(rn_record_head(data, (size_t)size, &got), 0);
	assert_true(got.issued == RN_ENDS_MAX);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct rn_writer w = rn_writer(data + 20, 8);

		rn_write_u64(&w, times[i]);
		assert_int_equal(rn_record_head(data, (size_t)size, &got), -EBADMSG);
	}
}

static void test_anchor(void **state)
{
	struct rn_anchor in = {.epoch = 4}, out;
	uint8_t data[RN_ANCHOR_SIZE + 1], hash[RN_SHA256_SIZE];

	(void)state;
	memcpy(in.root_public, public, RN_KEY_SIZE);
	memset(in.policy_public, 5, RN_KEY_SIZE);
	memset(in.box_public, 6, RN_KEY_SIZE);
	rn_anchor_put(&in, seed, data);
	rn_sha256(public, RN_KEY_SIZE, hash);
	assert_int_equal(rn_anchor_get(data, RN_ANCHOR_SIZE, hash, &out), 0);
	assert_memory_equal(&out, &in, sizeof(in));
	assert_int_equal(rn_anchor_get(data, RN_ANCHOR_SIZE, NULL, &out), 0);
	assert_int_equal(rn_anchor_get(data, RN_ANCHOR_SIZE + 1, NULL, &out), -EBADMSG);
	for (size_t cut = 0; cut < RN_ANCHOR_SIZE; cut++)
		assert_int_equal(rn_anchor_get(data, cut, NULL, &out), -EBADMSG);
	for (size_t i = 0; i < RN_ANCHOR_SIZE; i++) {
		data[i] ^= 0x10;
		assert_int_equal(rn_anchor_get(data, RN_ANCHOR_SIZE, NULL, &out), -EBADMSG);
		data[i] ^= 0x10;
	}
	hash[31] ^= 1;
	assert_int_equal(rn_anchor_get(data, RN_ANCHOR_SIZE, hash, &out), -EBADMSG);
}

static void test_names(void **state)
{
	enum rn_kind kind;
	char name[RN_NAME_MAX + 2];

	(void)state;
	assert_int_equal(rn_kind_parse("hub", &kind), 0);
	assert_int_equal(kind, RN_KIND_REGIONAL);
	assert_string_equal(rn_kind_name(kind), "regional");
	assert_int_equal(rn_kind_parse("toaster", &kind), -EINVAL);
	assert_null(rn_kind_name((enum rn_kind)9));
	assert_true(rn_kind_is_hub(RN_KIND_GATEWAY) && !rn_kind_is_hub(RN_KIND_DESKTOP));
	assert_true(rn_name_valid("a") && rn_name_valid("0.a_b-c"));
	assert_false(rn_name_valid("") || rn_name_valid("-a") || rn_name_valid("A") || rn_name_valid("a b") ||
		     rn_name_valid("\xc3\xa9") || rn_name_valid("a:b"));
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(rn_name_valid(name));
	name[RN_NAME_MAX] = '\0';
	assert_true(rn_name_valid(name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_network),
	    cmocka_unit_test(test_device),
	    cmocka_unit_test(test_device_refused),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_empty_set),
	    cmocka_unit_test(test_policy_refused),
	    cmocka_unit_test(test_policy_order),
	    cmocka_unit_test(test_policy_needs),
	    cmocka_unit_test(test_policy_size),
	    cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_hostile_counts),
	    cmocka_unit_test(test_other_key),
	    cmocka_unit_test(test_head_refused),
	    cmocka_unit_test(test_issued_at_no_time),
	    cmocka_unit_test(test_anchor),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_hub),
	    cmocka_unit_test(test_hub_refused),
	    cmocka_unit_test(test_homes),
	    cmocka_unit_test(test_homes_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
