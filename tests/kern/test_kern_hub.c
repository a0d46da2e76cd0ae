/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "domain/policy_parts.h"
#include "host.h"
#include "scenarios.h"

/* A hub's tables and peers, and what core sends without the gateway's word. */

static int keep_body(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	struct rn_part *part = context;

	part->body = malloc(size);
	part->size = size;
	*ret_number = part->number;
	memcpy((void *)part->body, body, size);
	return 0;
}

/* Allows nothing, in a part: of that number where `named`, and of one that never came otherwise. */
static bool nothing_in_a_part(struct stage *s, uint64_t version, bool named)
{
	struct rn_record_head head = {RN_RECORD_PART, stage_epoch, version, 1};
	struct rn_service service = {IPPROTO_TCP, 1, 1};
	uint32_t selector = 77;
	struct rn_policy_rule rule = {
	    .id = "none", .number = 1, .source.any = {&selector, 1}, .services = &service, .service_count = 1};
	struct rn_policy_record policy = {.rules = &rule, .rule_count = 1}, root;
	struct rn_part part = {.number = 3};
	uint8_t data[1024];
	bool good;

	if (rn_policy_split(&policy, keep_body, &part, &root) < 0)
		return false;
	good = stage_record(s, data, rn_record_put_part(&head, &part, s->policy, data, sizeof(data)));
	root.parts[0].number += named ? 0 : 1;
	good = stage_policy(s, version + 1, &root) && good;
	free((void *)part.body);
	free(root.parts);
	return good;
}

/* More rules about the same two than are looked at: refused whole. */
static bool too_wide(struct stage *s, uint64_t version)
{
	enum { EACH = RN_RULE_SERVICES_MAX, RULES = RN_ALIKE_MAX / EACH + 1 };
	static struct rn_policy_rule rules[RULES];
	static struct rn_service services[RULES * EACH];
	uint32_t selector = 1;
	struct rn_policy_record policy = {.rules = rules, .rule_count = RULES};

	for (unsigned i = 0; i < RULES * EACH; i++)
		services[i] = (struct rn_service){IPPROTO_TCP, (uint16_t)(2 * i), (uint16_t)(2 * i)};
	for (unsigned i = 0; i < RULES; i++)
		rules[i] = (struct rn_policy_rule){.id = "r",
						   .number = i + 1,
						   .source.any = {&selector, 1},
						   .destination.any = {&selector, 1},
						   .services = services + EACH * i,
						   .service_count = EACH};
	return stage_policy(s, version, &policy);
}

static void check_hub_tables(struct stage *s)
{
	struct rn_device_record d2 = stage_device_of(s, 2), self = stage_device_of(s, 1);
	struct rn_device in_map = host_device(&d2.ipv4, NULL), mine = host_device(&self.ipv6, NULL);
	struct rn_wireguard_device wireguard = {0};
	struct host_peers p = host_peers(&wireguard);
	const struct rn_wireguard_peer *peer = host_peer(&p, 2);

	CHECK(host_config().generation == 1 && host_config().role == RN_ROLE_HUB && host_config().mtu == 1372);
	CHECK(in_map.number == 2 && in_map.version == 3 && in_map.owner == 1);
	CHECK((uint32_t)in_map.state == (50 | RN_STATE_PRESENT | RN_STATE_ATTACHED));
	CHECK((uint32_t)mine.state == (50 | RN_STATE_PRESENT | RN_STATE_LOCAL));
	CHECK(p.count == 2 && wireguard.port == 51999);
	CHECK(peer && peer->allowed_count == 2 && peer->allowed[0].bits == 128 && peer->allowed[1].bits == 128);
	CHECK(host_link().up && host_link().mtu == 1372 && host_filters() == 2);
	CHECK(host_has("ip addr show dev " STAGE_INTERFACE, "10.77.0.1/32"));
	CHECK(host_has("ip addr show dev " STAGE_INTERFACE, "fd00:77::1/128"));
	CHECK(host_has("ip route", "10.77.0.0/16 dev " STAGE_INTERFACE));
	CHECK(host_has("ip -6 route", "fd00:77::/64 dev " STAGE_INTERFACE));
}

/* What core sends without the gateway's word, or with an old one, widens nothing. */
static void check_refusals(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 2), fake = stage_device_of(s, 9), thief = stage_device_of(s, 8);
	uint8_t own[RN_KEY_SIZE], data[2048];
	struct rn_record_head head = {RN_RECORD_DEVICE, 1, 20, 1};
	int size;

	memcpy(own, s->policy, sizeof(own));
	memset(s->policy, 1, sizeof(s->policy));
	CHECK(!stage_device(s, 20, &fake));
	CHECK(!stage_allow_all(s, 20));
	memcpy(s->policy, own, sizeof(own));
	CHECK(host_device(&fake.ipv4, NULL).number == 0 && host_config().generation == 1);

	d.flags |= RN_DEVICE_QUARANTINED;
	CHECK(stage_device(s, 6, &d));
	CHECK(host_device(&d.ipv4, NULL).state & RN_STATE_QUARANTINED);
	d.flags &= ~RN_DEVICE_QUARANTINED;
	CHECK(!stage_device(s, 5, &d)); /* replayed: older */
	CHECK(host_device(&d.ipv4, NULL).state & RN_STATE_QUARANTINED);
	size = rn_record_put_device(&head, &d, s->policy, data, sizeof(data));
	data[40] ^= 1;
	CHECK(!stage_record(s, data, size));
	CHECK(host_device(&d.ipv4, NULL).state & RN_STATE_QUARANTINED);
	CHECK(stage_device(s, 7, &d));
	CHECK(!(host_device(&d.ipv4, NULL).state & RN_STATE_QUARANTINED));

	thief.ipv4 = d.ipv4; /* an older record cannot take an address */
	CHECK(!stage_device(s, 6, &thief));
	thief = stage_device_of(s, 8);
	memcpy(thief.wireguard_key, d.wireguard_key, RN_KEY_SIZE);
	CHECK(!stage_device(s, 9, &thief));
	CHECK(!stage_allow_all(s, 4));
	CHECK(!nothing_in_a_part(s, 21, false)); /* 22, whose part has not come */
	CHECK(!too_wide(s, 23) && s->message.version == 21);
	stage_say(s, RN_LOCAL_KERN_SYNCED, stage_epoch, 24); /* nor does what is newer make it applied */
	CHECK(stage_expect(s, RN_LOCAL_KERN_APPLIED) && s->message.version == 21);
	CHECK(host_config().generation == 1);
}

/* An index keeps its meaning: another owner is another index, and no flow of the old one lives on. */
static void check_identity_change(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 3);
	struct rn_device before, old;
	uint32_t index, fresh;

	before = host_device(&d.ipv4, &index);
	d.owner = 2;
	CHECK(stage_device(s, 10, &d));
	CHECK(host_device(&d.ipv4, &fresh).owner == 2 && fresh != index);
	CHECK(host_lookup("rn_devices", &index, &old) && !(old.state & RN_STATE_PRESENT));
	CHECK(before.number == 3);
	d.identity = 2;
	d.selectors[0] = 2;
	CHECK(stage_device(s, 11, &d));
	CHECK(host_device(&d.ipv4, NULL).identity_number == 2);
	d = stage_device_of(s, 3);
	CHECK(stage_device(s, 12, &d));
}

static void check_status(struct stage *s)
{
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 77, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS) || s->message.type == RN_LOCAL_KERN_STATUS);
	CHECK(s->message.status.id == 77 && s->message.status.link_up && s->message.status.filters);
	CHECK(s->message.status.policy_version == 5 && s->message.status.mtu == 1372);
	CHECK(s->message.status.lease_seconds_left > STAGE_LEASE - 60 &&
	      s->message.status.lease_seconds_left <= STAGE_LEASE);
	CHECK(s->message.status.counters_size == 2 * RN_REASON_COUNT * 16 && s->message.status.peers_size == 2 * 46);
}

static void check_link_down(struct stage *s)
{
	uint64_t before = host_counter(1, RN_LINK_DOWN);

	stage_say(s, RN_LOCAL_KERN_LINK, 0, 0);
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 1, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS) && !s->message.status.link_up);
	host_send("10.77.0.2", 4000);
	CHECK(host_counter(1, RN_LINK_DOWN) == before + 1);
	stage_say(s, RN_LOCAL_KERN_LINK, 1, 0);
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 1, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS) && s->message.status.link_up);
}

static void check_removal(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 3);

	stage_say(s, RN_LOCAL_KERN_REMOVE, 3, 0);
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 2, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS));
	CHECK(host_device(&d.ipv4, NULL).number == 0);
	CHECK(host_peers(NULL).count == 1);
	CHECK(!stage_device(s, 4, &d)); /* older than what was there */
	CHECK(stage_device(s, 12, &d)); /* the same again */
	CHECK(host_peers(NULL).count == 2);
	stage_say(s, RN_LOCAL_KERN_SYNC, 1, 13);
	stage_say(s, RN_LOCAL_KERN_SYNCED, 1, 13);
	CHECK(stage_expect(s, RN_LOCAL_KERN_APPLIED));
	CHECK(host_device(&d.ipv4, NULL).number == 0 && host_peers(NULL).count == 0);
}

void hub(struct stage *s)
{
	uint64_t generation;

	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(host_wait_up());
	CHECK(stage_sync_all(s, 5));
	check_hub_tables(s);
	check_refusals(s);
	check_identity_change(s);
	check_status(s);
	check_link_down(s);
	check_kills(s);
	check_removed(s);
	check_removal(s);
	generation = host_config().generation;
	CHECK(nothing_in_a_part(s, 25, true) && host_config().generation == generation + 1);
	host_send("10.77.0.2", 4004); /* nobody is known any more */
	for (int i = 0; i < 100 && s->events == 0; i++) {
		poll(NULL, 0, 50);
		stage_say(s, RN_LOCAL_KERN_STATUS_GET, 90, 0);
		CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS));
	}
	CHECK(s->events > 0);
}
