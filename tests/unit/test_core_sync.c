/* SPDX-License-Identifier: Apache-2.0 */
/* Three cores in one process: gateway -> hub -> node. What is decided at the gateway arrives everywhere, in order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core_world.h"
#include "service/core_review.h"
#include "service/core_refusals.h"
#include "service/core_state.h"

static int setup(void **state)
{
	struct world *w = world_three();
	world_add(w, 3, RN_KIND_SERVER, "server", 1);
	*state = w;
	return 0;
}

static const char policy_by_tag[] =
    "{\"tags\": [\"db\"], \"rules\": [{\"id\": \"r1\", \"action\": \"allow\","
    "\"source_criteria\": [\"user:alice\"], \"destination_criteria\": [\"device:server\"]}]}";

static unsigned find(const struct world_host *h, enum rn_record_type type, uint32_t device)
{
	unsigned at = UINT32_MAX;
	for (unsigned i = 0; i < h->given_count; i++)
		if (h->given[i].type == type && h->given[i].device == device)
			at = i;
	return at;
}

static void versions_never_fall(const struct world_host *h)
{
	for (unsigned i = 0; i < h->given_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (h->given[i].type == h->given[j].type && h->given[i].device == h->given[j].device)
				assert_true(h->given[j].version <= h->given[i].version);
}

static void everything_arrives(void **state)
{
	struct world *w = *state;
	for (unsigned i = 0; i < 4; i++) {
		struct world_host *h = &w->hosts[i];
		assert_true(find(h, RN_RECORD_NETWORK, 0) != UINT32_MAX);
		assert_true(find(h, RN_RECORD_POLICY, 0) != UINT32_MAX);
		assert_true(h->synced >= 1);
		versions_never_fall(h);
		struct rn_core_status s;
		rn_core_status(h->core, &s);
		assert_true(s.known && s.upstream_connected && s.kern_connected);
		assert_int_equal(s.epoch, 1);
		assert_string_equal(s.self.name, h->params.self.name);
	}
	/* The gateway's kern needs hubs only; hub and nodes everything of the hub, nodes no other hub. */
	assert_string_equal(w->hosts[0].devices[2].name, "hub");
	assert_string_equal(w->hosts[0].devices[3].name, "");
	assert_string_equal(w->hosts[1].devices[1].name, "gw");
	assert_string_equal(w->hosts[1].devices[3].name, "laptop");
	assert_string_equal(w->hosts[2].devices[4].name, "server");
	assert_string_equal(w->hosts[2].devices[2].name, "hub");
	assert_string_equal(w->hosts[2].devices[1].name, "");
}

static void set_policy(struct world *w, struct world_done *d)
{
	memset(d, 0, sizeof(*d));
	rn_core_policy_set(w->hosts[0].core,
			   &(struct rn_core_policy_new){.text = policy_by_tag, .size = strlen(policy_by_tag)},
			   world_done, d);
}

static void policy_comes_after_the_devices_it_needs(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_policy(w, &d);
	world_run(w);
	if (d.code)
		fail_msg("%s", d.text);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.hub_count, 2);
	assert_true(d.hubs[0].applied && d.hubs[1].applied);
	for (unsigned i = 1; i < 4; i++) {
		struct world_host *h = &w->hosts[i];
		assert_true(find(h, RN_RECORD_DEVICE, 4) < find(h, RN_RECORD_POLICY, 0));
		assert_true(find(h, RN_RECORD_DEVICE, 3) < find(h, RN_RECORD_POLICY, 0));
		assert_int_equal(h->devices[4].selector_count, 3);
		versions_never_fall(h);
	}
}

static void quarantine_arrives_everywhere_and_comes_back(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	rn_core_quarantine(w->hosts[0].core, "laptop", true, world_done, &d);
	world_run(w);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	assert_int_equal(d.hub_count, 1);
	assert_string_equal(d.hubs[0].hub, "hub");
	assert_true(d.hubs[0].applied);
	for (unsigned i = 1; i < 4; i++)
		assert_true(w->hosts[i].devices[3].flags & RN_DEVICE_QUARANTINED);
	rn_core_quarantine(w->hosts[0].core, "laptop", false, world_done, &d);
	world_run(w);
	rn_core_trust(w->hosts[0].core, "laptop", 7, world_done, &d);
	world_run(w);
	assert_int_equal(d.count, 3);
	for (unsigned i = 1; i < 4; i++) {
		assert_false(w->hosts[i].devices[3].flags & RN_DEVICE_QUARANTINED);
		assert_int_equal(w->hosts[i].devices[3].trust, 7);
		versions_never_fall(&w->hosts[i]);
	}
	rn_core_quarantine(w->hosts[0].core, "nobody", true, world_done, &d);
	assert_int_equal(d.code, -ENOENT);
	rn_core_quarantine(w->hosts[1].core, "laptop", true, world_done, &d);
	assert_int_equal(d.code, -ENOTSUP);
	rn_core_trust(w->hosts[0].core, "laptop", 101, world_done, &d);
	assert_int_equal(d.code, -EINVAL);
}

static void a_hub_that_is_silent_is_named_after_three_seconds(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	w->hosts[1].kern_silent = true;
	rn_core_quarantine(w->hosts[0].core, "laptop", true, world_done, &d);
	world_wait(w, 2500);
	assert_int_equal(d.count, 0);
	world_wait(w, 1000);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	assert_false(d.hubs[0].applied);
	world_disconnect(&w->hosts[1], RN_CORE_NET);
	world_run(w);
	memset(&d, 0, sizeof(d));
	rn_core_quarantine(w->hosts[0].core, "laptop", false, world_done, &d);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.hub_count, 1);
	assert_false(d.hubs[0].applied);
}

static void revocation_ends_the_session(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	unsigned denied = w->hosts[1].denied;
	rn_core_revoke(w->hosts[0].core, "laptop", world_done, &d);
	world_run(w);
	assert_int_equal(d.code, 0);
	assert_true(w->hosts[1].devices[3].flags & RN_DEVICE_REVOKED);
	assert_true(w->hosts[3].devices[3].flags & RN_DEVICE_REVOKED);
	assert_int_equal(w->hosts[1].denied, denied + 1);
	assert_int_equal(w->hosts[0].denied, 1);
	/* It comes again and again, and is hung up on: also by a hub that was started anew. */
	unsigned closed = w->hosts[1].closed;
	world_wait(w, 3000);
	assert_true(w->hosts[1].closed > closed);
	struct rn_core_status s;
	rn_core_status(w->hosts[2].core, &s);
	world_restart(&w->hosts[1]);
	world_wait(w, 20000);
	assert_int_equal(w->hosts[1].denied, denied + 2);
	rn_core_revoke(w->hosts[0].core, "gw", world_done, &d);
	assert_int_equal(d.code, -EINVAL);
}

/* Devices are as fine as the policy needs them, so that it waits for nothing any more. */
static void name_tags(struct world *w)
{
	struct world_done d;
	set_policy(w, &d);
	world_run(w);
	assert_int_equal(d.count, 1);
}

static void hosts_catch_up_after_being_away(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	name_tags(w);
	world_disconnect(&w->hosts[1], RN_CORE_NET);
	world_run(w);
	for (int i = 0; i < 5; i++)
		rn_core_trust(w->hosts[0].core, "laptop", (uint8_t)(10 + i), world_done, &d);
	set_policy(w, &d);
	rn_core_trust(w->hosts[0].core, "server", 33, world_done, &d);
	world_run(w);
	unsigned before = w->hosts[1].given_count;
	world_connect(&w->hosts[1], RN_CORE_NET);
	world_wait(w, 30000);
	assert_int_equal(w->hosts[1].devices[3].trust, 14);
	assert_int_equal(w->hosts[2].devices[3].trust, 14);
	assert_int_equal(w->hosts[2].devices[4].trust, 33);
	/* The newest of each only, and the policy last of all. */
	assert_int_equal(w->hosts[1].given_count - before, 3); /* laptop, server, policy */
	assert_int_equal(w->hosts[1].given[w->hosts[1].given_count - 1].type, RN_RECORD_POLICY);
	for (unsigned i = 1; i < 4; i++)
		versions_never_fall(&w->hosts[i]);
}

static void a_restart_keeps_what_was_synced(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	world_wait(w, 500);
	world_disconnect(&w->hosts[0], RN_CORE_NET);
	world_run(w);
	w->hosts[1].given_count = 0;
	world_restart(&w->hosts[1]);
	world_run(w);
	/* Without its gateway the hub gives its kern all it has. */
	assert_true(find(&w->hosts[1], RN_RECORD_POLICY, 0) != UINT32_MAX);
	assert_true(find(&w->hosts[1], RN_RECORD_DEVICE, 4) != UINT32_MAX);
	world_connect(&w->hosts[0], RN_CORE_NET);
	rn_core_trust(w->hosts[0].core, "server", 44, world_done, &d);
	world_wait(w, 40000);
	assert_int_equal(w->hosts[1].devices[4].trust, 44);
	assert_int_equal(w->hosts[3].devices[4].trust, 44);
	world_restart(&w->hosts[0]);
	world_wait(w, 40000);
	struct rn_core_policy p;
	struct rn_err err;
	assert_int_equal(rn_core_policy_get(w->hosts[0].core, &p, &err), 0);
	struct rn_core_status s;
	rn_core_status(w->hosts[1].core, &s);
	assert_true(s.upstream_connected);
}

static bool told_of_refusal(struct world *w)
{
	struct rn_core_device device;
	struct rn_err err;

	assert_int_equal(rn_core_device(w->hosts[0].core, rn_core_self(w->hosts[3].core)->name, &device, &err), 0);
	return device.policy_refused;
}

/* A node whose tables the policy does not fit says so, until the policy is in force or another has come. */
static void a_refused_policy_is_told_of(void **state)
{
	struct world *w = *state;
	struct rn_core *node = w->hosts[3].core;
	struct rn_local refused = {.type = RN_LOCAL_KERN_REFUSED, .text = "it does not fit"};
	struct rn_local kern = {.type = RN_LOCAL_KERN_STATUS};
	struct rn_core_status s;

	rn_core_status(node, &s);
	assert_true(s.policy_version && !s.policy_refused);
	refused.version = s.policy_version + 1000; /* a record of another kind */
	assert_true(rn_core_receive(node, RN_CORE_KERN, &refused));
	rn_core_status(node, &s);
	assert_false(s.policy_refused);
	refused.version = s.policy_version;
	assert_true(rn_core_receive(node, RN_CORE_KERN, &refused));
	rn_core_status(node, &s);
	assert_true(s.policy_refused);
	assert_false(told_of_refusal(w));
	world_wait(w, 70000);
	assert_true(told_of_refusal(w));
	world_wait(w, 3 * 3600 * 1000 + 60000); /* it says so again */
	assert_true(told_of_refusal(w));
	kern.status.policy_version = s.policy_version;
	assert_true(rn_core_receive(node, RN_CORE_KERN, &kern));
	rn_core_status(node, &s);
	assert_false(s.policy_refused);
	node->kern.policy_refused = 0; /* this world's kern goes on saying that it has none */
	world_wait(w, 60000);
	assert_false(told_of_refusal(w));
}

/* What is not said again is forgotten, and it is of that policy alone. */
static void a_refusal_is_of_one_policy(void **state)
{
	struct world *w = *state;
	struct rn_core *gateway = w->hosts[0].core;
	uint32_t node = w->hosts[3].params.self.device;
	const uint64_t version = rn_ledger_policy(gateway->books.ledger)->version;

	assert_int_equal(rn_refusals_note(gateway, node, version + 1), 0);
	assert_false(told_of_refusal(w));
	assert_int_equal(rn_refusals_note(gateway, node, version), 0);
	assert_true(told_of_refusal(w));
	w->now_ms += 4 * 3600 * 1000;
	assert_false(told_of_refusal(w));
}

/* So does one that has no room for a device, until that has a newer record or kern was given all again. */
static void a_refused_device_is_told_of(void **state)
{
	struct world *w = *state;
	struct rn_core *node = w->hosts[3].core;
	const struct rn_ledger_entry *device = rn_ledger_at(node->books.ledger, 0);
	struct rn_local refused = {.type = RN_LOCAL_KERN_REFUSED, .text = "it does not fit"};
	struct rn_core_status s;

	assert_non_null(device);
	rn_core_status(node, &s);
	assert_null(s.device_refused);
	refused.version = 0; /* nobody's */
	assert_true(rn_core_receive(node, RN_CORE_KERN, &refused));
	refused.version = s.policy_version;
	assert_true(rn_core_receive(node, RN_CORE_KERN, &refused));
	rn_core_status(node, &s);
	assert_null(s.device_refused);
	refused.version = device->version;
	assert_true(rn_core_receive(node, RN_CORE_KERN, &refused));
	refused.version = s.version + 1000; /* an older one than is held, or one that is not */
	assert_true(rn_core_receive(node, RN_CORE_KERN, &refused));
	rn_core_status(node, &s);
	assert_string_equal(s.device_refused, "it does not fit");
	node->kern.feeding = false;
	rn_core_kern_pump(node);
	rn_core_status(node, &s);
	assert_null(s.device_refused);
	refused.version = device->version;
	assert_true(rn_core_receive(node, RN_CORE_KERN, &refused));
	rn_core_status(node, &s);
	assert_non_null(s.device_refused);
	rn_ledger_remove(node->books.ledger, device->device);
	rn_core_status(node, &s);
	assert_null(s.device_refused);
}

static void a_slow_receiver_gets_everything_in_the_end(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	w->hosts[0].not_ready = 20;
	set_policy(w, &d);
	rn_core_trust(w->hosts[0].core, "laptop", 61, world_done, &d);
	world_run(w);
	while (w->hosts[0].not_ready > 0)
		rn_core_ready(w->hosts[0].core, RN_CORE_NET);
	rn_core_ready(w->hosts[0].core, RN_CORE_NET);
	rn_core_ready(w->hosts[0].core, RN_CORE_KERN);
	world_run(w);
	assert_int_equal(d.count, 2); /* the policy waited for both kerns to know what it needs */
	assert_int_equal(w->hosts[1].devices[3].trust, 61);
	assert_int_equal(w->hosts[1].given[w->hosts[1].given_count - 1].type, RN_RECORD_POLICY);
	versions_never_fall(&w->hosts[1]);
}

static uint64_t policy_at(const struct world_host *h)
{
	unsigned at = find(h, RN_RECORD_POLICY, 0);
	return at == UINT32_MAX ? 0 : h->given[at].version;
}

/*
 * A hub's record that is newer than the policy comes before it: message by message, whatever has not been given to the
 * gateway's or the hub's kern must not be said to be enforced.
 */
static void a_policy_is_not_enforced_before_it_is_there(void **state)
{
	struct world *w = *state;
	name_tags(w);
	for (int peer = 0; peer < 2; peer++) {
		enum rn_core_peer slow = peer ? RN_CORE_NET : RN_CORE_KERN;
		struct world_host *gateway = &w->hosts[0], *judged = &w->hosts[peer];
		struct world_done policy, trust = {0};
		struct rn_core_status s;
		gateway->full[slow] = true;
		gateway->room[slow] = 0;
		set_policy(w, &policy);
		rn_core_status(gateway->core, &s);
		rn_core_trust(gateway->core, "hub", (uint8_t)(20 + peer), world_done, &trust);
		world_run(w);
		assert_true(policy_at(judged) < s.version);
		for (int i = 0; i < 10 && policy_at(judged) < s.version; i++) {
			assert_int_equal(policy.count, 0);
			assert_int_equal(trust.count, 0);
			gateway->room[slow] = 1;
			rn_core_ready(gateway->core, slow);
			world_run(w);
		}
		assert_int_equal(policy_at(judged), s.version);
		assert_int_equal(judged->devices[2].trust, 20 + peer);
		gateway->full[slow] = false;
		rn_core_ready(gateway->core, slow);
		world_run(w);
		assert_int_equal(policy.count, 1);
		assert_int_equal(trust.count, 1);
		assert_true(policy.hubs[0].applied && policy.hubs[1].applied);
		assert_true(trust.hubs[0].applied && trust.hubs[1].applied);
	}
}

/* Nor may it say so to its devices, which then would not ask for it. */
static void a_hub_says_synced_when_it_is(void **state)
{
	struct world *w = *state;
	struct world_host *gateway = &w->hosts[0], *hub = &w->hosts[1], *laptop = &w->hosts[2];
	struct world_done d, trust = {0};
	struct rn_core_status s;
	name_tags(w);
	gateway->full[RN_CORE_NET] = true;
	set_policy(w, &d);
	rn_core_status(gateway->core, &s);
	rn_core_trust(gateway->core, "laptop", 31, world_done, &trust);
	for (int i = 0; i < 10 && laptop->devices[3].trust != 31; i++) {
		gateway->room[RN_CORE_NET] = 1;
		rn_core_ready(gateway->core, RN_CORE_NET);
		world_run(w);
	}
	assert_int_equal(laptop->devices[3].trust, 31);
	assert_true(policy_at(hub) < s.version);
	world_hang_up(laptop);
	world_wait(w, 20000);
	gateway->full[RN_CORE_NET] = false;
	rn_core_ready(gateway->core, RN_CORE_NET);
	world_run(w);
	assert_int_equal(policy_at(hub), s.version);
	assert_int_equal(policy_at(laptop), s.version);
}

/* What is held back on the way to one host: the next record of its kind. */
static struct {
	unsigned to;
	bool wanted, policy;
	uint8_t data[8300];
	size_t size;
} held;

static bool hold(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	struct rn_message m;
	struct rn_record_head head;
	(void)w;
	if (!held.wanted || to != held.to || data[0] != RN_MESSAGE_RECORD)
		return true;
	assert_int_equal(rn_message_decode(data, *size, &m), 0);
	assert_int_equal(rn_record_head(m.record.piece, m.record.piece_size, &head), 0);
	if ((head.type == RN_RECORD_POLICY) != held.policy)
		return true;
	assert_true(*size <= sizeof(held.data));
	memcpy(held.data, data, *size);
	held.size = *size;
	held.wanted = false;
	return false;
}

static void hold_back(struct world *w, unsigned to, bool policy)
{
	held.to = to;
	held.policy = policy;
	held.size = 0;
	held.wanted = true;
	w->tamper = hold;
}

static void pass_on(struct world *w)
{
	struct world_host *to = &w->hosts[held.to];
	struct rn_local local = {
	    .type = RN_LOCAL_NET_MESSAGE, .session = world_upstream(to), .block = held.data, .block_size = held.size};
	assert_true(held.size > 0);
	assert_true(rn_core_receive(to->core, RN_CORE_NET, &local));
	world_run(w);
}

static void what_was_held_back_from_a_node_reaches_its_kern(void **state)
{
	struct world *w = *state;
	struct world_host *laptop = &w->hosts[2];
	struct world_done d = {0};
	hold_back(w, 2, false);
	rn_core_trust(w->hosts[0].core, "server", 51, world_done, &d);
	rn_core_trust(w->hosts[0].core, "laptop", 52, world_done, &d);
	world_run(w);
	assert_int_equal(laptop->devices[3].trust, 52);
	assert_int_not_equal(laptop->devices[4].trust, 51);
	pass_on(w);
	assert_int_equal(laptop->devices[4].trust, 51);
	assert_int_equal(laptop->devices[3].trust, 52);
	versions_never_fall(laptop);
	/* Again it is nothing new: nothing is sent. */
	unsigned given = laptop->given_count;
	pass_on(w);
	assert_int_equal(laptop->given_count, given);
}

static void what_was_held_back_from_a_hub_reaches_its_nodes(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	hold_back(w, 1, false);
	rn_core_trust(w->hosts[0].core, "server", 61, world_done, &d);
	rn_core_trust(w->hosts[0].core, "laptop", 62, world_done, &d);
	world_run(w);
	assert_int_equal(w->hosts[3].devices[3].trust, 62);
	pass_on(w);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(w->hosts[i].devices[4].trust, 61);
	hold_back(w, 1, true);
	set_policy(w, &d);
	rn_core_trust(w->hosts[0].core, "laptop", 63, world_done, &d);
	world_run(w);
	uint64_t before = policy_at(&w->hosts[1]);
	/* The session of a node that has heard of all but the policy ends and begins again. */
	world_hang_up(&w->hosts[2]);
	world_wait(w, 20000);
	pass_on(w);
	for (unsigned i = 1; i < 4; i++)
		assert_true(policy_at(&w->hosts[i]) > before);
}

/* The node is away when its hub hears of what it has said SYNCED without, and the hub starts once more. */
static void a_node_that_was_away_is_sent_what_was_held_back(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	hold_back(w, 1, false);
	rn_core_trust(w->hosts[0].core, "server", 71, world_done, &d);
	rn_core_trust(w->hosts[0].core, "laptop", 72, world_done, &d);
	world_wait(w, 500);
	world_hang_up(&w->hosts[2]);
	pass_on(w);
	assert_int_equal(w->hosts[1].devices[4].trust, 71);
	assert_int_not_equal(w->hosts[2].devices[4].trust, 71);
	world_restart(&w->hosts[1]);
	world_wait(w, 40000);
	assert_int_equal(w->hosts[2].devices[4].trust, 71);
}

/* The evil hub: it changes a byte of what it passes to the laptop. */
static unsigned spoiled;
static bool spoil(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	(void)w;
	if (to == 2 && data[0] == RN_MESSAGE_RECORD && *size > 200) {
		data[100] ^= 1;
		spoiled++;
	}
	return true;
}

static void a_forged_record_is_refused(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	unsigned before = w->hosts[2].given_count;
	spoiled = 0;
	w->tamper = spoil;
	rn_core_trust(w->hosts[0].core, "laptop", 99, world_done, &d);
	world_run(w);
	assert_true(spoiled > 0);
	assert_int_equal(w->hosts[2].given_count, before);
	assert_int_equal(w->hosts[3].devices[3].trust, 99);
	struct rn_core_status s;
	rn_core_status(w->hosts[2].core, &s);
	assert_false(s.upstream_connected);
	w->tamper = NULL;
	world_wait(w, 20000);
	assert_int_equal(w->hosts[2].devices[3].trust, 99);
}

/* It repeats the first record that it has seen instead of the third, rightly signed. */
static uint8_t kept[2000];
static size_t kept_size;
static unsigned passed;
static bool keep(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	(void)w;
	if (to != 2 || data[0] != RN_MESSAGE_RECORD || *size > sizeof(kept))
		return true;
	if (++passed == 1) {
		memcpy(kept, data, *size);
		kept_size = *size;
	} else if (passed == 3) {
		memcpy(data, kept, kept_size);
		*size = kept_size;
	}
	return true;
}

static void an_old_record_changes_nothing(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	struct rn_core_status s;
	passed = 0;
	w->tamper = keep;
	rn_core_trust(w->hosts[0].core, "laptop", 80, world_done, &d);
	world_run(w);
	rn_core_trust(w->hosts[0].core, "laptop", 10, world_done, &d);
	world_run(w);
	unsigned count = w->hosts[2].given_count;
	rn_core_trust(w->hosts[0].core, "laptop", 20, world_done, &d);
	world_run(w);
	assert_int_equal(passed, 3);
	assert_int_equal(w->hosts[2].given_count, count);
	assert_int_equal(w->hosts[2].devices[3].trust, 10);
	rn_core_status(w->hosts[2].core, &s);
	assert_int_equal(s.self.trust, 10);
	versions_never_fall(&w->hosts[2]);
}

static void the_lease_is_renewed_every_day(void **state)
{
	struct world *w = *state;
	unsigned at = find(&w->hosts[3], RN_RECORD_NETWORK, 0);
	uint64_t version = w->hosts[3].given[at].version;
	w->now_ms += 86300 * 1000;
	world_wait(w, 1000);
	uint64_t first = w->hosts[3].given[find(&w->hosts[3], RN_RECORD_NETWORK, 0)].version;
	w->now_ms += 86400 * 1000;
	world_wait(w, 1000);
	uint64_t second = w->hosts[3].given[find(&w->hosts[3], RN_RECORD_NETWORK, 0)].version;
	assert_true(second > version);
	assert_true(second > first);
}

static void keys_and_certificates_are_renewed_by_sealed_requests(void **state)
{
	struct world *w = *state;
	struct world_host *laptop = &w->hosts[2];
	memset(laptop->wireguard_public, 0x42, RN_KEY_SIZE);
	world_disconnect(laptop, RN_CORE_KERN);
	world_connect(laptop, RN_CORE_KERN);
	world_wait(w, 2000);
	assert_int_equal(w->hosts[1].devices[3].wireguard_key[7], 0x42);
	assert_int_equal(laptop->devices[3].wireguard_key[7], 0x42);
	w->now_ms += 86500 * 1000;
	world_wait(w, 12000);
	assert_int_equal(laptop->leaf_size, 5);
	assert_int_equal(w->hosts[0].leaf_size, 5);
}

/* The next renewal was planned by the clock that was ahead: the certificate would have ended before it came. */
static void a_clock_that_was_ahead_holds_up_no_renewal(void **state)
{
	struct world *w = *state;
	struct world_host *laptop = &w->hosts[2];
	world_wait(w, 2000); /* the first renewal is planned */
	w->begun += 3 * 86400;
	world_wait(w, 12000);
	assert_int_equal(laptop->leaf_size, 5);
	laptop->leaf_size = 0;
	w->begun -= 3 * 86400;
	w->now_ms += 86500 * 1000;
	world_wait(w, 12000);
	assert_int_equal(laptop->leaf_size, 5);
}

/* A hub that has seen a request sends it again, and one of its own making for another device. */
static uint8_t request[600];
static size_t request_size;
static bool watch_requests(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	(void)w;
	if (to == 0 && data[0] == RN_MESSAGE_REQUEST) {
		memcpy(request, data, *size);
		request_size = *size;
	}
	return true;
}

static void requests_cannot_be_repeated_or_borrowed(void **state)
{
	struct world *w = *state;
	struct world_host *laptop = &w->hosts[2];
	w->tamper = watch_requests;
	memset(laptop->wireguard_public, 0x42, RN_KEY_SIZE);
	world_disconnect(laptop, RN_CORE_KERN);
	world_connect(laptop, RN_CORE_KERN);
	world_wait(w, 2000);
	memset(laptop->wireguard_public, 0x43, RN_KEY_SIZE);
	world_disconnect(laptop, RN_CORE_KERN);
	world_connect(laptop, RN_CORE_KERN);
	uint8_t first[600];
	size_t first_size = request_size;
	assert_true(first_size > 0);
	memcpy(first, request, first_size);
	world_wait(w, 70000);
	assert_int_equal(w->hosts[1].devices[3].wireguard_key[7], 0x43);
	/* Session 2 of the world is the hub's: find it by trying all. */
	for (uint64_t s = 1; s < 40; s++) {
		struct rn_local local = {
		    .type = RN_LOCAL_NET_MESSAGE, .session = s, .block = first, .block_size = first_size};
		rn_core_receive(w->hosts[0].core, RN_CORE_NET, &local);
	}
	world_run(w);
	assert_int_equal(w->hosts[1].devices[3].wireguard_key[7], 0x43);
	first[1] = 4; /* the server's number */
	for (uint64_t s = 1; s < 40; s++) {
		struct rn_local local = {
		    .type = RN_LOCAL_NET_MESSAGE, .session = s, .block = first, .block_size = first_size};
		rn_core_receive(w->hosts[0].core, RN_CORE_NET, &local);
	}
	world_run(w);
	assert_int_not_equal(w->hosts[1].devices[4].wireguard_key[7], 0x42);
}

struct seen_events {
	unsigned count;
	struct rn_core_event last;
};
static void see(void *context, const struct rn_core_event *e)
{
	struct seen_events *s = context;
	s->count++;
	s->last = *e;
}

static void report(struct world_host *h, unsigned count, enum rn_reason reason)
{
	static struct rn_event events[300];
	struct rn_local local = {
	    .type = RN_LOCAL_KERN_EVENTS, .block = (const uint8_t *)events, .block_size = count * sizeof(*events)};
	for (unsigned i = 0; i < count; i++)
		events[i] = (struct rn_event){
		    .source_number = 3, .destination_number = 4, .reason = (uint8_t)reason, .rule = 1};
	assert_true(rn_core_receive(h->core, RN_CORE_KERN, &local));
}

static void events_reach_the_gateway(void **state)
{
	struct world *w = *state;
	struct seen_events seen = {0};
	uint64_t lost = 0;
	report(&w->hosts[1], 250, RN_ALLOWED);
	world_wait(w, 300);
	uint64_t last = rn_core_events(w->hosts[0].core, 0, 1000, see, &seen, &lost);
	assert_int_equal(seen.count, 250);
	assert_int_equal(lost, 0);
	assert_string_equal(seen.last.reporter, "hub");
	assert_string_equal(seen.last.source, "laptop");
	assert_string_equal(seen.last.destination, "server");
	assert_true(seen.last.rule[0] != 0);
	/* What a node stops itself never reaches the hub's kernel: the node says so; what it lets out the hub sees. */
	report(&w->hosts[2], 3, RN_ALLOWED);
	report(&w->hosts[2], 2, RN_DEFAULT_DENY);
	world_wait(w, 400);
	memset(&seen, 0, sizeof(seen));
	rn_core_events(w->hosts[0].core, last, 1000, see, &seen, &lost);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.last.reporter, "laptop");
	assert_int_equal(rn_core_events(w->hosts[0].core, last + 2, 10, see, &seen, &lost), last + 2);
}

static void explain_says_what_the_datapath_would(void **state)
{
	struct world *w = *state;
	struct rn_core_explanation e;
	struct rn_err err = {""};
	struct world_done d = {0};
	struct rn_core *gw = w->hosts[0].core;
	set_policy(w, &d);
	world_run(w);
	assert_int_equal(rn_core_explain(gw, "laptop", "server", 6, 22, &e, &err), 0);
	assert_int_equal(e.policy.reason, RN_ALLOWED);
	assert_string_equal(e.rule, "r1");
	assert_string_equal(e.hub, "hub");
	assert_int_equal(rn_core_explain(gw, "server", "laptop", 6, 22, &e, &err), 0);
	assert_int_equal(e.policy.reason, RN_DEFAULT_DENY);
	assert_int_equal(rn_core_explain(gw, "laptop", "fd12:3456:789a::4", 6, 22, &e, &err), 0);
	assert_string_equal(e.destination.record.name, "server");
	assert_int_equal(rn_core_explain(gw, "laptop", "100.80.9.9", 6, 22, &e, &err), 0);
	assert_int_equal(e.policy.reason, RN_UNKNOWN_DESTINATION);
	assert_int_equal(rn_core_explain(gw, "laptop", "nobody", 6, 22, &e, &err), -ENOENT);
	assert_int_equal(rn_core_explain(gw, "laptop", "laptop", 6, 22, &e, &err), -EINVAL);
	rn_core_quarantine(gw, "server", true, world_done, &d);
	assert_int_equal(rn_core_explain(gw, "laptop", "server", 6, 22, &e, &err), 0);
	assert_int_equal(e.policy.reason, RN_DESTINATION_QUARANTINED);
	rn_core_revoke(gw, "laptop", world_done, &d);
	assert_int_equal(rn_core_explain(gw, "laptop", "server", 6, 22, &e, &err), 0);
	assert_int_equal(e.policy.reason, RN_SOURCE_REVOKED);
	assert_int_equal(rn_core_explain(w->hosts[1].core, "laptop", "server", 6, 22, &e, &err), -ENOTSUP);
	world_run(w);
}

static bool connected(struct world *w, const char *name)
{
	struct rn_core_device d;
	struct rn_err err;
	assert_int_equal(rn_core_device(w->hosts[0].core, name, &d, &err), 0);
	return d.control_connected;
}

static void the_gateway_knows_who_is_connected(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	assert_true(connected(w, "gw") && connected(w, "hub") && connected(w, "laptop") && connected(w, "server"));
	world_disconnect(&w->hosts[2], RN_CORE_NET);
	world_run(w);
	assert_false(connected(w, "laptop"));
	assert_true(connected(w, "server"));
	rn_core_trust(w->hosts[0].core, "server", 3, world_done, &d);
	assert_true(connected(w, "server"));
	world_disconnect(&w->hosts[1], RN_CORE_NET);
	world_run(w);
	assert_false(connected(w, "hub"));
	assert_false(connected(w, "server"));
	world_connect(&w->hosts[1], RN_CORE_NET);
	world_connect(&w->hosts[2], RN_CORE_NET);
	world_wait(w, 40000);
	assert_true(connected(w, "hub") && connected(w, "laptop") && connected(w, "server"));
}

static void kern_says(struct world_host *h, uint32_t device, int64_t handshake, uint64_t received)
{
	struct rn_writer writer = rn_writer(h->peers, sizeof(h->peers));
	rn_write_u32(&writer, device);
	rn_write_bytes(&writer, (const uint8_t[18]){0}, 18);
	rn_write_u64(&writer, (uint64_t)handshake);
	rn_write_u64(&writer, received);
	rn_write_u64(&writer, 2);
	h->peers_size = writer.at;
	world_wait(h->world, 1500);
}

static struct rn_core_device device_of(struct world *w, const char *name)
{
	struct rn_core_device d;
	struct rn_err err;
	assert_int_equal(rn_core_device(w->hosts[0].core, name, &d, &err), 0);
	return d;
}

static bool of_the_gateway(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	(void)w;
	(void)size;
	if (to == 0 && data[0] == RN_MESSAGE_SEEN)
		data[3] = 1;
	return true;
}

static bool cut_off(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	(void)w;
	if (to == 0 && data[0] == RN_MESSAGE_SEEN) {
		data[1] -= 8;
		*size -= 8;
	}
	return true;
}

static void the_gateway_hears_of_tunnels_at_hubs(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	int64_t first = w->begun - 60;
	assert_int_equal(device_of(w, "laptop").last_handshake, 0);
	kern_says(&w->hosts[1], 3, first, 1);
	assert_int_equal(device_of(w, "laptop").last_handshake, first);
	assert_true(device_of(w, "laptop").received == 1 && device_of(w, "laptop").sent == 2);
	rn_core_trust(w->hosts[0].core, "laptop", 3, world_done, &d);
	assert_int_equal(device_of(w, "laptop").last_handshake, first);
	kern_says(&w->hosts[1], 3, first, 5);
	assert_int_equal(device_of(w, "laptop").received, 1); /* with the next handshake */
	kern_says(&w->hosts[1], 3, first + 10, 6);
	assert_int_equal(device_of(w, "laptop").last_handshake, first + 10);
	assert_int_equal(device_of(w, "laptop").received, 6);
	world_disconnect(&w->hosts[1], RN_CORE_NET);
	kern_says(&w->hosts[1], 3, first + 20, 7);
	assert_int_equal(device_of(w, "laptop").last_handshake, first + 10);
	world_connect(&w->hosts[1], RN_CORE_NET);
	world_wait(w, 40000);
	assert_int_equal(device_of(w, "laptop").last_handshake, first + 20);
}

static void a_hub_speaks_of_its_own_devices_only(void **state)
{
	struct world *w = *state;
	kern_says(&w->hosts[1], 3, w->begun * 2, 1);
	assert_in_range(device_of(w, "laptop").last_handshake, w->begun, w->begun + 10);
	kern_says(&w->hosts[1], 1, w->begun, 1);
	assert_int_equal(device_of(w, "gw").last_handshake, 0);
	w->tamper = of_the_gateway;
	kern_says(&w->hosts[1], 3, w->begun + 1, 9);
	assert_int_equal(device_of(w, "gw").last_handshake, 0);
	w->tamper = cut_off;
	kern_says(&w->hosts[1], 3, w->begun + 2, 9);
	assert_int_equal(device_of(w, "laptop").received, 1);
	/* A device has no devices. */
	w->tamper = NULL;
	kern_says(&w->hosts[2], 4, w->begun + 1, 9);
	assert_int_equal(device_of(w, "server").last_handshake, 0);
}

static void pass_over_finding(void *context, const struct rn_policy_finding *f, const char *rule, const char *other)
{
	(void)context;
	(void)f;
	(void)rule;
	(void)other;
}

static void reviewed(void *context, int code, const struct rn_err *err)
{
	(void)err;
	*(int *)context = code;
}

static void a_bad_policy_changes_nothing(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	struct rn_core_status before, after;
	struct rn_core_review review = {.finding = pass_over_finding};
	int code = 1;
	rn_core_status(w->hosts[0].core, &before);
	rn_core_policy_set(w->hosts[0].core, &(struct rn_core_policy_new){.text = "{\"rules\": 3}", .size = 12},
			   world_done, &d);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, -EINVAL);
	assert_true(d.text[0] != 0);
	rn_core_policy_review(w->hosts[0].core, policy_by_tag, strlen(policy_by_tag), &review, reviewed, &code);
	assert_int_equal(code, 0);
	rn_core_status(w->hosts[0].core, &after);
	assert_int_equal(before.version, after.version);
	set_policy(w, &d);
	world_run(w);
	assert_int_equal(d.code, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(everything_arrives),
	    T(policy_comes_after_the_devices_it_needs),
	    T(quarantine_arrives_everywhere_and_comes_back),
	    T(a_hub_that_is_silent_is_named_after_three_seconds),
	    T(revocation_ends_the_session),
	    T(hosts_catch_up_after_being_away),
	    T(a_restart_keeps_what_was_synced),
	    T(a_refused_policy_is_told_of),
	    T(a_refusal_is_of_one_policy),
	    T(a_refused_device_is_told_of),
	    T(a_slow_receiver_gets_everything_in_the_end),
	    T(a_forged_record_is_refused),
	    T(an_old_record_changes_nothing),
	    T(a_policy_is_not_enforced_before_it_is_there),
	    T(a_hub_says_synced_when_it_is),
	    T(what_was_held_back_from_a_node_reaches_its_kern),
	    T(what_was_held_back_from_a_hub_reaches_its_nodes),
	    T(a_node_that_was_away_is_sent_what_was_held_back),
	    T(the_lease_is_renewed_every_day),
	    T(keys_and_certificates_are_renewed_by_sealed_requests),
	    T(a_clock_that_was_ahead_holds_up_no_renewal),
	    T(requests_cannot_be_repeated_or_borrowed),
	    T(events_reach_the_gateway),
	    T(explain_says_what_the_datapath_would),
	    T(the_gateway_knows_who_is_connected),
	    T(the_gateway_hears_of_tunnels_at_hubs),
	    T(a_hub_speaks_of_its_own_devices_only),
	    T(a_bad_policy_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
