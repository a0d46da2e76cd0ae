/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of other hubs in a hub's tables: behind which peer they are, as whom frames may speak of them, and that all
 * of it goes with the records that said it. What is in the tables is looked at, not what enforce remembers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforce_world.h"

#define EU 2
#define US 3

static struct rn_device_record hub_record(uint32_t number, uint32_t flags)
{
	struct rn_device_record d = device(number, 100 + number, flags);

	d.kind = RN_KIND_REGIONAL;
	d.hub = number;
	d.mesh_key[0] = (uint8_t)number;
	return d;
}

static struct rn_device_record behind(uint32_t hub, struct rn_device_record d)
{
	d.hub = hub;
	return d;
}

/* The peer that a packet to the device takes, 0: it has no place here. */
static uint32_t peer_of(struct hub *h, uint32_t number)
{
	uint64_t state = state_of(h, number);

	if (!(state & RN_STATE_REMOTE))
		assert_int_equal(RN_STATE_PEER(state), 0);
	return RN_STATE_PEER(state);
}

static bool is_peer(uint32_t peer, uint32_t number)
{
	struct rn_device_record d = device(number, 1, 0);

	return peer && rn_addr_compare(&mesh.peers[peer].v6, &d.ipv6) == 0;
}

static bool believed(uint32_t peer, uint32_t identity)
{
	return mesh_find(&mesh, peer, identity);
}

static void check_slot(struct hub *h, uint32_t number, uint32_t identity)
{
	struct rn_device_record d = device(number, 1, 0);
	struct mesh_pair *pair = mesh_find(&mesh, peer_of(h, number), identity);
	uint32_t index;

	assert_non_null(pair);
	assert_int_equal(rn_datapath_address(h->dp, &d.ipv6, &index), 0);
	assert_int_equal(pair->slot, h->dp->devices[index].identity_slot);
}

static void test_behind_its_hub(void **state)
{
	struct hub *h = *state;
	uint32_t eu, us;

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, hub_record(US, 0)), 0);
	assert_int_equal(give(h, 12, behind(EU, device(7, 1, 0))), 0);
	assert_int_equal(give(h, 13, behind(US, device(8, 2, RN_DEVICE_QUARANTINED))), 0);
	eu = peer_of(h, EU);
	us = peer_of(h, US);
	assert_true(eu && us && eu != us && is_peer(eu, EU) && is_peer(us, US));
	assert_int_equal(peer_of(h, 7), eu);
	assert_int_equal(peer_of(h, 8), us);
	assert_false(state_of(h, 7) & (RN_STATE_ATTACHED | RN_STATE_LOCAL));
	assert_true(state_of(h, 8) & RN_STATE_QUARANTINED);
	check_slot(h, 7, 1);
	check_slot(h, 8, 2);
	assert_false(believed(eu, 2) || believed(us, 1));
	/* What is this hub's own is not. */
	assert_int_equal(give(h, 14, device(9, 1, 0)), 0);
	assert_true(state_of(h, 9) & RN_STATE_ATTACHED);
	assert_int_equal(peer_of(h, 9), 0);
}

/* Records come in the order of versions, which says nothing about who is behind whom. */
static void test_device_before_its_hub(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 10, behind(EU, device(7, 1, 0))), 0);
	assert_true(state_of(h, 7) & RN_STATE_PRESENT);
	assert_int_equal(peer_of(h, 7), 0);
	assert_int_equal(mesh.pairs, 0);
	assert_int_equal(give(h, 11, hub_record(EU, 0)), 0);
	assert_int_equal(peer_of(h, 7), peer_of(h, EU));
	check_slot(h, 7, 1);
}

static const uint32_t *read_as; /* of identity 1: two selectors; NULL: nothing */

static bool reads(void *context, uint32_t identity, const uint32_t *selectors, uint32_t count)
{
	(void)context;
	return identity != 1 || (read_as && count == 2 && selectors[1] == read_as[1]);
}

/* A number that is not known is believed from nobody, whatever a device's record says that it means. */
static void test_number_that_is_not_read(void **state)
{
	static const uint32_t other[] = {1, 99};
	struct hub *h = *state;
	struct rn_device_record d = behind(EU, device(7, 1, 0));
	uint32_t eu;

	read_as = NULL;
	rn_enforce_on_reads(h->enforce, reads, NULL);
	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, d), 0);
	eu = peer_of(h, EU);
	assert_int_equal(peer_of(h, 7), eu);
	assert_false(believed(eu, 1));
	assert_true(believed(eu, 100 + EU));
	read_as = d.selectors;
	rn_enforce_reread(h->enforce, 1);
	check_slot(h, 7, 1);
	/* It comes to mean something else, and this device's record is an old one. */
	read_as = other;
	rn_enforce_reread(h->enforce, 1);
	assert_false(believed(eu, 1));
	assert_true(believed(eu, 100 + EU));
	d = behind(EU, device(8, 1, 0));
	d.selectors[1] = 99;
	assert_int_equal(give(h, 12, d), 0);
	check_slot(h, 8, 1);
	/* And whoever with the old one goes takes nothing with it. */
	assert_int_equal(rn_enforce_remove(h->enforce, 7), 0);
	check_slot(h, 8, 1);
	read_as = NULL;
	rn_enforce_reread(h->enforce, 0);
	assert_false(believed(eu, 1));
}

static void check_gone(struct hub *h, uint32_t peer)
{
	assert_true(state_of(h, 7) & RN_STATE_PRESENT);
	assert_int_equal(peer_of(h, 7), 0);
	assert_true(rn_addr_is_zero(&mesh.peers[peer].v6));
	assert_false(believed(peer, 1) || believed(peer, 100 + EU));
}

static void test_hub_that_goes(void **state)
{
	struct hub *h = *state;
	uint64_t before;
	uint32_t peer;

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 0);
	before = state_of(h, 7);
	peer = peer_of(h, EU);
	/* Removed, and there again: with the same peer, but nothing that was judged before counts. */
	assert_int_equal(rn_enforce_remove(h->enforce, EU), 0);
	check_gone(h, peer);
	assert_int_equal(give(h, 12, hub_record(EU, 0)), 0);
	assert_int_equal(peer_of(h, 7), peer);
	assert_true(state_of(h, 7) != before);
	/* Without a key for the mesh. */
	struct rn_device_record keyless = hub_record(EU, 0);

	memset(keyless.mesh_key, 0, sizeof(keyless.mesh_key));
	assert_int_equal(give(h, 13, keyless), 0);
	check_gone(h, peer);
	assert_int_equal(give(h, 14, hub_record(EU, 0)), 0);
	/* Revoked. */
	assert_int_equal(give(h, 15, hub_record(EU, RN_DEVICE_REVOKED)), 0);
	check_gone(h, peer);
	assert_true(state_of(h, EU) & RN_STATE_REVOKED);
}

/* A record that is refused takes away what it takes away: a revoked hub has no peer. */
static void test_refused_record_of_a_revoked_hub(void **state)
{
	struct hub *h = *state;
	struct rn_device_record revoked = hub_record(EU, RN_DEVICE_REVOKED);

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 0);
	memcpy(revoked.wireguard_key, device(7, 1, 0).wireguard_key, RN_KEY_SIZE);
	assert_int_equal(give(h, 20, revoked), -EEXIST);
	check_gone(h, 1);
}

static void test_hub_that_a_sync_leaves_out(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 0);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 1);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	check_gone(h, 1);
	assert_int_equal(state_of(h, EU), 0);
}

static void test_claim_ends_with_the_last(void **state)
{
	struct hub *h = *state;
	uint32_t eu;
	uint64_t before;

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 0);
	assert_int_equal(give(h, 12, behind(EU, device(8, 1, 0))), 0);
	assert_int_equal(give(h, 13, behind(EU, device(9, 2, 0))), 0);
	eu = peer_of(h, EU);
	before = state_of(h, 9);
	assert_int_equal(rn_enforce_remove(h->enforce, 7), 0);
	check_slot(h, 8, 1);
	assert_true(state_of(h, 9) == before);
	/* Another identity: the old one is believed no more, and flows of others that said it are judged again. */
	assert_int_equal(give(h, 14, behind(EU, device(8, 3, 0))), 0);
	assert_false(believed(eu, 1));
	check_slot(h, 8, 3);
	assert_true(state_of(h, 9) != before);
	check_slot(h, 9, 2);
	/* Revoked devices stay known as what they are. */
	assert_int_equal(give(h, 15, behind(EU, device(9, 2, RN_DEVICE_REVOKED))), 0);
	assert_true(believed(eu, 2) && (state_of(h, 9) & RN_STATE_REVOKED));
}

static void test_moves(void **state)
{
	struct hub *h = *state;
	uint32_t eu, us;

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, hub_record(US, 0)), 0);
	assert_int_equal(give(h, 12, behind(EU, device(7, 1, 0))), 0);
	eu = peer_of(h, EU);
	us = peer_of(h, US);
	assert_int_equal(give(h, 13, behind(US, device(7, 1, 0))), 0);
	assert_int_equal(peer_of(h, 7), us);
	assert_true(believed(us, 1) && !believed(eu, 1));
	assert_int_equal(give(h, 14, device(7, 1, 0)), 0); /* to this hub */
	assert_true(state_of(h, 7) & RN_STATE_ATTACHED);
	assert_int_equal(peer_of(h, 7), 0);
	assert_false(believed(us, 1));
	assert_int_equal(give(h, 15, behind(EU, device(7, 2, 0))), 0); /* and away, with another identity */
	assert_int_equal(peer_of(h, 7), eu);
	check_slot(h, 7, 2);
	assert_int_equal(mesh.pairs, 3);
}

/* Signed under a policy that is not here yet: from its old hub it is gone, at its new one it is not. Peer numbers mix
 * to nobody's. */
static void test_move_that_waits(void **state)
{
	struct hub *h = *state;
	struct rn_device_record moved = behind(US, device(7, 1, 0));

	policy(h, 1);
	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, hub_record(US, 0)), 0);
	assert_int_equal(give(h, 12, hub_record(4, 0)), 0);
	assert_int_equal(give(h, 13, behind(4, device(7, 1, 0))), 0);
	moved.policy = 14;
	assert_int_equal(give(h, 15, moved), 0);
	assert_int_equal(peer_of(h, 7), 0);
	assert_false(believed(peer_of(h, 4), 1));
	assert_int_equal(give(h, 16, hub_record(4, 0)), 0);
	assert_int_equal(peer_of(h, 7), 0);
	policy(h, 14);
	assert_int_equal(peer_of(h, 7), peer_of(h, US));
	check_slot(h, 7, 1);
}

static void test_restart(void **state)
{
	struct hub *h = *state;
	uint64_t seven, eu;

	policy(h, 1);
	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 0);
	seven = state_of(h, 7);
	eu = state_of(h, EU);
	restart(h);
	assert_true(state_of(h, 7) == seven && state_of(h, EU) == eu);
	check_slot(h, 7, 1);
	/* It goes on knowing what is behind whom. */
	policy(h, 1);
	assert_int_equal(give(h, 12, behind(EU, device(8, 1, 0))), 0);
	assert_int_equal(peer_of(h, 8), peer_of(h, EU));
	assert_int_equal(rn_enforce_remove(h->enforce, EU), 0);
	assert_int_equal(peer_of(h, 7), 0);
	assert_int_equal(mesh.pairs, 0);
}

/* kern was killed between two writes. */
static void test_restart_of_halves(void **state)
{
	struct hub *h = *state;
	const struct rn_mesh_addresses nobodys = {.v6 = device(99, 1, 0).ipv6};
	const struct rn_addr eight = device(8, 1, 0).ipv6;
	uint32_t eu, index;

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 0);
	assert_int_equal(give(h, 12, behind(EU, device(8, 2, 0))), 0);
	eu = peer_of(h, EU);
	assert_int_equal(mesh_peer_set(&mesh, 40, &nobodys), 0); /* a peer whose hub's device was not written */
	assert_int_equal(mesh_behind_set(&mesh, 40, 1, 0), 0);
	for (uint32_t i = 0; i < 200; i++) /* identities of nobody */
		assert_int_equal(mesh_behind_set(&mesh, eu, 5000 + i, 0), 0);
	assert_int_equal(mesh_behind_remove(&mesh, h->dp, eu, 1), 0); /* a device whose identity was not */
	assert_int_equal(rn_datapath_address(h->dp, &eight, &index), 0);
	rn_datapath_device_state(h->dp, index,
				 RN_STATE_PRESENT | (uint32_t)RN_STATE_BEHIND(41)); /* of a peer not there */
	restart(h);
	check_slot(h, 7, 1);
	assert_int_equal(peer_of(h, 8), 0);
	assert_true(rn_addr_is_zero(&mesh.peers[40].v6));
	assert_int_equal(mesh.pairs, 2); /* EU's own and 7's */
}

/* A number of a hub comes to another device by a newer record: the hub that had the address is where nobody knows. */
static void test_address_that_another_hub_gets(void **state)
{
	struct hub *h = *state;
	struct rn_device_record us = hub_record(US, 0);

	assert_int_equal(give(h, 10, hub_record(EU, 0)), 0);
	assert_int_equal(give(h, 11, behind(EU, device(7, 1, 0))), 0);
	us.ipv6 = hub_record(EU, 0).ipv6;
	assert_int_equal(give(h, 12, us), 0);
	assert_int_equal(peer_of(h, 7), 0);
	assert_false(believed(1, 1));
}

static void test_no_room_for_a_hub(void **state)
{
	struct hub *h = *state;

	for (uint32_t i = 0; i < MESH_PEERS - 1; i++)
		assert_int_equal(give(h, 10 + i, hub_record(10 + i, 0)), 0);
	/* The 64th: the table of this test has no room, and nothing of it is there. */
	assert_true(give(h, 200, hub_record(200, 0)) < 0);
	assert_int_equal(state_of(h, 200), 0);
	assert_int_equal(rn_enforce_remove(h->enforce, 20), 0);
	assert_int_equal(give(h, 201, hub_record(200, 0)), 0);
	assert_true(is_peer(peer_of(h, 200), 200));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enforce_setup, enforce_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_behind_its_hub),
	    TEST(test_device_before_its_hub),
	    TEST(test_number_that_is_not_read),
	    TEST(test_hub_that_goes),
	    TEST(test_refused_record_of_a_revoked_hub),
	    TEST(test_hub_that_a_sync_leaves_out),
	    TEST(test_claim_ends_with_the_last),
	    TEST(test_moves),
	    TEST(test_move_that_waits),
	    TEST(test_restart),
	    TEST(test_restart_of_halves),
	    TEST(test_address_that_another_hub_gets),
	    TEST(test_no_room_for_a_hub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
