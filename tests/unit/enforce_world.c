/* SPDX-License-Identifier: Apache-2.0 */
#include "enforce_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES 64

/* ---- the address map, in place of BPF's ---- */

static struct {
	struct rn_addr addr;
	uint32_t index; /* 0: free */
} addresses[ADDRESSES];

void (*world_watch)(void);

static void look(void)
{
	if (world_watch)
		world_watch();
}

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
	look();
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

struct mesh_tables mesh;

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

static struct {
	struct rn_identity identities[RN_IDENTITIES_MAX];
	struct rn_list lists[RN_LISTS_MAX];
	struct rn_side sides[RN_SIDES_MAX];
	struct rn_side_pair pairs[RN_PAIRS_MAX];
	struct rn_candidate candidates[RN_CANDIDATES_MAX];
	struct rn_rule rules[RN_RULES_MAX];
	struct rn_opening openings[RN_OPENINGS_MAX];
} arrays[2];

int rn_datapath_window(struct rn_datapath *dp, uint32_t index)
{
	dp->window[index / RN_WINDOW_DEVICES] = true;
	look();
	return 0;
}

int rn_datapath_half_open(struct rn_datapath *dp, unsigned half)
{
	look();
	dp->open = (struct rn_datapath_half){.identities = arrays[half].identities,
					     .lists = arrays[half].lists,
					     .sides = arrays[half].sides,
					     .pairs = arrays[half].pairs,
					     .candidates = arrays[half].candidates,
					     .rules = arrays[half].rules,
					     .openings = arrays[half].openings};
	return 0;
}

void rn_datapath_half_close(struct rn_datapath *dp)
{
	(void)dp;
	look();
}

struct rn_policy_arrays world_half(const struct hub *h, struct rn_identity_lists *ret, uint32_t slot)
{
	unsigned half = h->dp->config->generation & 1;

	*ret = (struct rn_identity_lists){arrays[half].identities[slot], (uint32_t *)arrays[half].lists,
					  RN_LISTS_MAX * RN_LIST_SIDES};
	return (struct rn_policy_arrays){.policy = h->dp->policy[half],
					 .rules = arrays[half].rules,
					 .sides = arrays[half].sides,
					 .pairs = arrays[half].pairs,
					 .candidates = arrays[half].candidates,
					 .openings = arrays[half].openings};
}

/* ---- a hub ---- */

void *zeros(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	assert_non_null(memory);
	return memory;
}

static struct rn_datapath *datapath_new(void)
{
	struct rn_datapath *dp = zeros(1, sizeof(*dp));

	memset(addresses, 0, sizeof(addresses));
	memset(arrays, 0, sizeof(arrays));
	memset(&mesh, 0, sizeof(mesh));
	dp->config = zeros(1, sizeof(*dp->config));
	dp->meta = zeros(1, sizeof(*dp->meta));
	dp->devices = zeros(RN_DEVICES_MAX, sizeof(*dp->devices));
	dp->policy = zeros(2, sizeof(*dp->policy));
	return dp;
}

static void datapath_free(struct rn_datapath *dp)
{
	free(dp->config);
	free(dp->meta);
	free(dp->devices);
	free(dp->policy);
	free(dp);
}

static int setup(void **state, bool node)
{
	struct hub *h = zeros(1, sizeof(*h));

	h->dp = datapath_new();
	h->dp->shift = node ? RN_NODE_SHIFT : 0;
	h->node = node;
	h->enforce = rn_enforce_new(h->dp, SELF, !node);
	assert_non_null(h->enforce);
	*state = h;
	return 0;
}

int enforce_setup(void **state)
{
	return setup(state, false);
}

int enforce_setup_node(void **state)
{
	return setup(state, true);
}

int enforce_teardown(void **state)
{
	struct hub *h = *state;

	rn_enforce_free(h->enforce);
	datapath_free(h->dp);
	free(h);
	return 0;
}

/* kern is killed and starts again: the maps are what it remembers. */
void restart(struct hub *h)
{
	rn_enforce_free(h->enforce);
	h->enforce = rn_enforce_new(h->dp, SELF, !h->node);
	assert_non_null(h->enforce);
}

struct rn_device_record device(uint32_t number, uint32_t identity, uint32_t flags)
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

int give(struct hub *h, uint64_t version, struct rn_device_record d)
{
	return rn_enforce_device(h->enforce, version, &d, NULL);
}

void policy(struct hub *h, uint64_t version)
{
	struct rn_policy_record none = {0};

	assert_int_equal(rn_enforce_policy(h->enforce, 1, version, &none, NULL), 0);
}

/* What a packet of the device finds; 0: nobody. */
uint64_t state_of(struct hub *h, uint32_t number)
{
	struct rn_device_record d = device(number, 1, 0);
	uint32_t index;

	return rn_datapath_address(h->dp, &d.ipv6, &index) < 0 ? 0 : h->dp->devices[index].state;
}

bool gets_through(struct hub *h, uint32_t number)
{
	uint64_t state = state_of(h, number);

	return (state & RN_STATE_PRESENT) && !(state & (RN_STATE_REVOKED | RN_STATE_QUARANTINED));
}

void nobody(void *context, uint32_t number)
{
	(void)context;
	(void)number;
}
