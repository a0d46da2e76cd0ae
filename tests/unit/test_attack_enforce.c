/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a captured core can do with records that the gateway did sign: older ones, in any order, between removals, syncs
 * and epochs. It may take access away; it must not bring back what a later record took. The datapath is memory here.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/enforce.h"
#include "sys/datapath_memory.h"
#include "tests/support/mesh_tables.h"

#define SELF 1
#define ADDRESSES 64

/* ---- the address map, in place of BPF's ---- */

static struct {
	struct rn_addr addr;
	uint32_t index; /* 0: free */
} addresses[ADDRESSES];

static int place_of(const struct rn_addr *addr)
{
	for (int i = 0; i < ADDRESSES; i++)
		if (addresses[i].index && rn_addr_compare(&addresses[i].addr, addr) == 0)
			return i;
	return -1;
}

int rn_datapath_address(const struct rn_datapath *dp, const struct rn_addr *addr, uint32_t *ret_index)
{
	int i = place_of(addr);

	(void)dp;
	if (i < 0)
		return -ENOENT;
	*ret_index = addresses[i].index;
	return 0;
}

int rn_datapath_address_set(struct rn_datapath *dp, const struct rn_addr *addr, uint32_t index)
{
	int i = place_of(addr);

	for (int k = 0; i < 0 && k < ADDRESSES; k++)
		if (!addresses[k].index)
			i = k;
	assert_true(i >= 0);
	if (addresses[i].index && addresses[i].index != index)
		rn_datapath_count_up(dp, addresses[i].index);
	addresses[i].addr = *addr;
	addresses[i].index = index;
	return 0;
}

int rn_datapath_address_remove(struct rn_datapath *dp, const struct rn_addr *addr)
{
	int i = place_of(addr);

	if (i >= 0) {
		rn_datapath_count_up(dp, addresses[i].index);
		addresses[i].index = 0;
	}
	return 0;
}

int rn_datapath_addresses(const struct rn_datapath *dp,
			  void (*each)(void *context, const struct rn_addr *addr, uint32_t index), void *context)
{
	(void)dp;
	for (int i = 0; i < ADDRESSES; i++)
		if (addresses[i].index)
			each(context, &addresses[i].addr, addresses[i].index);
	return 0;
}

static struct mesh_tables mesh;

static struct mesh_tables *mesh_of(const struct rn_datapath *dp)
{
	(void)dp;
	return &mesh;
}

static bool dead(void)
{
	return false;
}

MESH_TABLES_ARE(mesh_of, dead)

/* ---- all of the arrays is there all the time ---- */

static struct rn_identity identities[2 * RN_IDENTITIES_MAX];
static struct rn_ports ports[4 * RN_PORT_BLOCKS];
static struct rn_rule_set services[2 * RN_SERVICES_MAX];

int rn_datapath_window(struct rn_datapath *dp, uint32_t index)
{
	dp->window[index / RN_WINDOW_DEVICES] = true;
	return 0;
}

int rn_datapath_half_open(struct rn_datapath *dp, unsigned half)
{
	dp->identities = identities + half * RN_IDENTITIES_MAX;
	dp->ports = ports + half * 2 * RN_PORT_BLOCKS;
	dp->services = services + half * RN_SERVICES_MAX;
	return 0;
}

void rn_datapath_half_close(struct rn_datapath *dp)
{
	(void)dp;
}

int rn_datapath_identity_write(struct rn_datapath *dp, unsigned half, uint32_t slot, const struct rn_identity *identity)
{
	(void)dp;
	identities[half * RN_IDENTITIES_MAX + slot] = *identity;
	return 0;
}

/* ---- a hub ---- */

static void *zeros(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	assert_non_null(memory);
	return memory;
}

static struct rn_datapath *datapath_new(void)
{
	struct rn_datapath *dp = zeros(1, sizeof(*dp));

	memset(addresses, 0, sizeof(addresses));
	memset(&mesh, 0, sizeof(mesh));
	dp->config = zeros(1, sizeof(*dp->config));
	dp->meta = zeros(1, sizeof(*dp->meta));
	dp->devices = zeros(RN_DEVICES_MAX, sizeof(*dp->devices));
	dp->trust = zeros(2 * (RN_TRUST_MAX + 1), sizeof(*dp->trust));
	dp->policy = zeros(2, sizeof(*dp->policy));
	dp->rules = zeros(2 * RN_RULES_MAX, sizeof(*dp->rules));
	return dp;
}

static void datapath_free(struct rn_datapath *dp)
{
	free(dp->config);
	free(dp->meta);
	free(dp->devices);
	free(dp->trust);
	free(dp->policy);
	free(dp->rules);
	free(dp);
}

struct hub {
	struct rn_datapath *dp;
	struct rn_enforce *enforce;
};

static int setup(void **state)
{
	struct hub *h = zeros(1, sizeof(*h));

	h->dp = datapath_new();
	h->enforce = rn_enforce_new(h->dp, SELF, true);
	assert_non_null(h->enforce);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct hub *h = *state;

	rn_enforce_free(h->enforce);
	datapath_free(h->dp);
	free(h);
	return 0;
}

/* kern is killed and starts again: the maps are what it remembers. */
static void restart(struct hub *h)
{
	rn_enforce_free(h->enforce);
	h->enforce = rn_enforce_new(h->dp, SELF, true);
	assert_non_null(h->enforce);
}

static struct rn_device_record device(uint32_t number, uint32_t identity, uint32_t flags)
{
	struct rn_device_record d = {.number = number,
				     .hub = SELF,
				     .identity = identity,
				     .kind = RN_KIND_DESKTOP,
				     .flags = flags,
				     .trust = 50,
				     .selector_count = 2};

	d.selectors[0] = 1;
	d.selectors[1] = 1 + identity;
	d.wireguard_key[0] = (uint8_t)number;
	d.wireguard_key[1] = 1;
	d.ipv6.b[0] = 0xfd;
	d.ipv6.b[15] = (uint8_t)number;
	return d;
}

static int give(struct hub *h, uint64_t version, struct rn_device_record d)
{
	return rn_enforce_device(h->enforce, version, &d, NULL);
}

static void policy(struct hub *h, uint64_t version)
{
	struct rn_policy_record none = {0};

	assert_int_equal(rn_enforce_policy(h->enforce, 1, version, &none, NULL), 0);
}

/* What a packet of the device finds; 0: nobody. */
static uint64_t state_of(struct hub *h, uint32_t number)
{
	struct rn_device_record d = device(number, 1, 0);
	uint32_t index;

	return rn_datapath_address(h->dp, &d.ipv6, &index) < 0 ? 0 : h->dp->devices[index].state;
}

static bool gets_through(struct hub *h, uint32_t number)
{
	uint64_t state = state_of(h, number);

	return (state & RN_STATE_PRESENT) && !(state & (RN_STATE_REVOKED | RN_STATE_QUARANTINED));
}

static void nobody(void *context, uint32_t number)
{
	(void)context;
	(void)number;
}

/* ---- attacks ---- */

static void test_older_after_removal(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 20, device(7, 1, RN_DEVICE_REVOKED)), 0);
	assert_int_equal(rn_enforce_remove(h->enforce, 7), 0);
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	restart(h);
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
}

/* One device that comes and goes takes every index in turn; what was remembered at them must not be forgotten. */
static void test_older_after_every_index_was_used(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 5, device(8, 1, 0)), 0);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 20, device(7, 1, RN_DEVICE_REVOKED)), 0);
	assert_int_equal(rn_enforce_remove(h->enforce, 7), 0);
	for (unsigned i = 0; i < RN_DEVICES_MAX + 10; i++) {
		assert_int_equal(rn_enforce_remove(h->enforce, 8), 0);
		assert_int_equal(give(h, 5, device(8, 1, 0)), 0);
	}
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
	/* What is newer than all that was forgotten is welcome. */
	assert_int_equal(give(h, 21, device(9, 1, 0)), 0);
	assert_true(gets_through(h, 9));
	restart(h);
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_int_equal(give(h, 20, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
	/* Versions count from nothing in a new epoch, also after a restart. */
	rn_enforce_new_epoch(h->enforce, 2);
	restart(h);
	assert_int_equal(give(h, 1, device(7, 1, 0)), 0);
}

/* A record that waits for the policy must not overtake one that came after it. */
static void test_waiting_record_comes_too_late(void **state)
{
	struct hub *h = *state;

	policy(h, 1);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	restart(h);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 15, device(7, 2, 0)), 0);		   /* waits: another identity */
	assert_int_equal(give(h, 20, device(7, 1, RN_DEVICE_REVOKED)), 0); /* now */
	assert_false(gets_through(h, 7));
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_false(gets_through(h, 7));
	assert_int_equal(give(h, 15, device(7, 2, 0)), -ESTALE);
}

static void test_older_of_two_that_wait(void **state)
{
	struct hub *h = *state;

	policy(h, 1);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	restart(h);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 20, device(7, 2, RN_DEVICE_REVOKED)), 0);
	assert_int_equal(give(h, 15, device(7, 2, 0)), -ESTALE);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_false(gets_through(h, 7));
	assert_true(state_of(h, 7) & RN_STATE_REVOKED);
}

static void test_waiting_record_of_an_epoch_that_is_over(void **state)
{
	struct hub *h = *state;

	policy(h, 1);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	restart(h);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 15, device(7, 2, 0)), 0);
	rn_enforce_new_epoch(h->enforce, 2);
	assert_int_equal(give(h, 3, device(7, 1, RN_DEVICE_REVOKED)), 0);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_false(gets_through(h, 7));
}

/* A record that does not fit here for its key still says that the device is revoked. */
static void test_refused_record_takes_away(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = device(7, 1, RN_DEVICE_REVOKED);

	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 11, device(8, 1, 0)), 0);
	memcpy(d.wireguard_key, device(8, 1, 0).wireguard_key, RN_KEY_SIZE);
	assert_int_equal(give(h, 20, d), -EEXIST);
	assert_false(gets_through(h, 7));
	assert_true(gets_through(h, 8));
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
	/* The other device has gone: the same record fits now. */
	assert_int_equal(rn_enforce_remove(h->enforce, 8), 0);
	assert_int_equal(give(h, 20, d), 0);
	assert_true(state_of(h, 7) & RN_STATE_REVOKED);
}

static void test_refused_record_lowers_trust(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = device(7, 1, 0);

	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 11, device(8, 1, 0)), 0);
	memcpy(d.wireguard_key, device(8, 1, 0).wireguard_key, RN_KEY_SIZE);
	d.trust = 3;
	assert_int_equal(give(h, 20, d), -EEXIST);
	assert_int_equal(state_of(h, 7) & RN_STATE_TRUST_MASK, 3);
	d.trust = 90;
	d.hub = 2;
	assert_int_equal(give(h, 21, d), -EEXIST);
	assert_int_equal(state_of(h, 7) & RN_STATE_TRUST_MASK, 3);
	assert_false(state_of(h, 7) & RN_STATE_ATTACHED);
}

/* ---- mix and match: each record is the gateway's, but they never were in force together ---- */

static struct rn_device_record under(uint64_t policy, struct rn_device_record d)
{
	d.policy = policy;
	return d;
}

/* Rests on device 7 from version `version` on, and on nobody below `since`. */
static int policy_over(struct hub *h, uint64_t version, uint64_t since, uint64_t seven)
{
	struct rn_policy_record p = {.since = since, .needs = zeros(1, sizeof(*p.needs)), .need_count = 1};

	p.needs[0] = (struct rn_need){.device = 7, .version = seven};
	return rn_enforce_policy(h->enforce, 1, version, &p, NULL);
}

static void test_policy_without_the_finer_device(void **state)
{
	struct hub *h = *state;

	policy(h, 9);
	assert_int_equal(give(h, 3, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 4, device(8, 1, 0)), 0);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	assert_int_equal(state_of(h, 7), 0);
	assert_true(gets_through(h, 8));
	assert_int_equal(give(h, 3, device(7, 1, 0)), -ESTALE);
	restart(h);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	assert_int_equal(give(h, 9, device(7, 1, 0)), -ESTALE);
	assert_int_equal(state_of(h, 7), 0);
	assert_int_equal(give(h, 10, device(7, 2, 0)), 0);
	assert_true(gets_through(h, 7));
}

/* After kern's own restart, and without a sync: what the policy rests on is known only when it has come again. */
static void test_older_device_while_the_policy_is_not_known(void **state)
{
	struct hub *h = *state;

	policy(h, 9);
	assert_int_equal(give(h, 8, device(8, 1, 0)), 0);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	restart(h);
	assert_int_equal(give(h, 3, device(7, 1, 0)), 0);
	assert_int_equal(state_of(h, 7), 0);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 3, device(7, 1, 0)), 0);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_int_equal(state_of(h, 7), 0);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	assert_int_equal(state_of(h, 7), 0);
	assert_int_equal(give(h, 3, device(7, 1, 0)), -ESTALE);
}

static void test_devices_from_before_all_were_signed_again(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 3, device(8, 1, 0)), 0);
	assert_int_equal(give(h, 20, device(9, 1, 0)), 0);
	assert_int_equal(policy_over(h, 31, 20, 30), 0);
	assert_int_equal(state_of(h, 8), 0);
	assert_true(gets_through(h, 9));
	assert_int_equal(give(h, 19, device(8, 1, 0)), -ESTALE);
	assert_int_equal(give(h, 21, device(8, 1, 0)), 0);
	assert_true(gets_through(h, 8));
}

/* The policy that takes a tag's rights away is held back, the device that gets the tag after it is not. */
static void test_device_of_a_policy_that_is_held_back(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = under(11, device(7, 2, 0));

	policy(h, 9);
	assert_int_equal(give(h, 8, device(7, 1, 0)), 0);
	d.trust = 3;
	assert_int_equal(give(h, 12, d), 0);
	/* What it takes away is in force. */
	assert_int_equal(state_of(h, 7) & RN_STATE_TRUST_MASK, 3);
	assert_int_equal(give(h, 13, under(11, device(9, 1, 0))), 0);
	assert_int_equal(state_of(h, 9), 0);
	assert_int_equal(rn_enforce_waiting(h->enforce), 12);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 12, d), 0);
	assert_int_equal(give(h, 13, under(11, device(9, 1, 0))), 0);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_int_equal(state_of(h, 9), 0);
	policy(h, 11);
	assert_int_equal(rn_enforce_waiting(h->enforce), 0);
	assert_true(gets_through(h, 7));
	assert_true(gets_through(h, 9));
	assert_int_equal(give(h, 8, device(7, 1, 0)), -ESTALE);
}

/* After a boot nothing is in force, and devices that came already say which policies are too old to be the first. */
static void test_first_policy_is_older_than_devices(void **state)
{
	struct hub *h = *state;
	struct rn_policy_record none = {0};

	assert_int_equal(give(h, 12, under(11, device(7, 1, 0))), 0);
	assert_int_equal(rn_enforce_policy(h->enforce, 1, 9, &none, NULL), -EAGAIN);
	policy(h, 11);
	assert_true(gets_through(h, 7));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_older_after_removal),
	    TEST(test_older_after_every_index_was_used),
	    TEST(test_waiting_record_comes_too_late),
	    TEST(test_older_of_two_that_wait),
	    TEST(test_waiting_record_of_an_epoch_that_is_over),
	    TEST(test_refused_record_takes_away),
	    TEST(test_refused_record_lowers_trust),
	    TEST(test_policy_without_the_finer_device),
	    TEST(test_older_device_while_the_policy_is_not_known),
	    TEST(test_devices_from_before_all_were_signed_again),
	    TEST(test_device_of_a_policy_that_is_held_back),
	    TEST(test_first_policy_is_older_than_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
