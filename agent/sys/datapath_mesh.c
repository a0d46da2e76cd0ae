/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/datapath_mesh.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "sys/datapath_memory.h"

static bool is_none(const struct rn_addr *addr)
{
	static const struct rn_addr none;

	return memcmp(addr, &none, sizeof(none)) == 0;
}

static int check_hub(const struct rn_datapath *dp)
{
	return dp->config->role == RN_ROLE_HUB ? 0 : -EOPNOTSUPP;
}

static int check_peer(const struct rn_datapath *dp, uint32_t peer)
{
	int code = check_hub(dp);

	if (!code && (!peer || peer >= RN_MESH_PEERS_MAX))
		code = -ERANGE;
	return code;
}

int rn_datapath_mesh_self(struct rn_datapath *dp, const struct rn_mesh_addresses *addresses, unsigned rnm0,
			  uint32_t mtu)
{
	const struct rn_mesh_self self = {
	    .addresses = *addresses, .rnm0 = rnm0, .rn0 = dp->config->ifindex, .mtu = mtu};
	uint32_t zero = 0;
	int code = check_hub(dp);

	return code ? code : bpf_map_update_elem(dp->fd[RN_FD_MESH_SELF], &zero, &self, BPF_ANY);
}

int rn_datapath_mesh_who(const struct rn_datapath *dp, struct rn_mesh_self *ret)
{
	uint32_t zero = 0;
	int code = check_hub(dp);

	return code ? code : bpf_map_lookup_elem(dp->fd[RN_FD_MESH_SELF], &zero, ret);
}

/* 0 where the address is nobody's, or this peer's. */
static int check_address(const struct rn_datapath *dp, const struct rn_addr *addr, uint32_t peer)
{
	uint32_t has = 0;

	if (is_none(addr) || bpf_map_lookup_elem(dp->fd[RN_FD_MESH_PEERS], addr, &has))
		return 0;
	return has == peer ? 0 : -EEXIST;
}

static int add_address(struct rn_datapath *dp, const struct rn_addr *addr, uint32_t peer)
{
	int code = is_none(addr) ? 0 : bpf_map_update_elem(dp->fd[RN_FD_MESH_PEERS], addr, &peer, BPF_ANY);

	return code == -E2BIG ? -ENOSPC : code;
}

/* Unless the peer keeps it. */
static void drop_address(struct rn_datapath *dp, const struct rn_addr *addr, const struct rn_addr *kept)
{
	if (!is_none(addr) && memcmp(addr, kept, sizeof(*addr)) != 0)
		bpf_map_delete_elem(dp->fd[RN_FD_MESH_PEERS], addr);
}

int rn_datapath_peer_set(struct rn_datapath *dp, uint32_t peer, const struct rn_mesh_addresses *addresses)
{
	struct rn_mesh_addresses before;
	int code = check_peer(dp, peer);

	if (!code)
		code = bpf_map_lookup_elem(dp->fd[RN_FD_MESH_HUBS], &peer, &before);
	if (!code)
		code = check_address(dp, &addresses->v6, peer);
	if (!code)
		code = check_address(dp, &addresses->v4, peer);
	if (code)
		return code;
	drop_address(dp, &before.v6, &addresses->v6);
	drop_address(dp, &before.v4, &addresses->v4);
	code = bpf_map_update_elem(dp->fd[RN_FD_MESH_HUBS], &peer, addresses, BPF_ANY);
	if (!code)
		code = add_address(dp, &addresses->v6, peer);
	return code ? code : add_address(dp, &addresses->v4, peer);
}

int rn_datapath_peer_remove(struct rn_datapath *dp, uint32_t peer)
{
	static const struct rn_mesh_addresses none;
	struct rn_behind_key key, next;
	int code = rn_datapath_peer_set(dp, peer, &none), more;

	if (code)
		return code;
	more = bpf_map_get_next_key(dp->fd[RN_FD_BEHIND], NULL, &next);
	while (!more) {
		key = next;
		more = bpf_map_get_next_key(dp->fd[RN_FD_BEHIND], &key, &next);
		if (key.peer == peer)
			bpf_map_delete_elem(dp->fd[RN_FD_BEHIND], &key);
	}
	rn_datapath_count_up_behind(dp, peer);
	return 0;
}

int rn_datapath_peers(const struct rn_datapath *dp,
		      void (*each)(void *context, uint32_t peer, const struct rn_mesh_addresses *addresses),
		      void *context)
{
	int code = check_hub(dp);

	for (uint32_t peer = 1; !code && peer < RN_MESH_PEERS_MAX; peer++) {
		struct rn_mesh_addresses addresses;

		code = bpf_map_lookup_elem(dp->fd[RN_FD_MESH_HUBS], &peer, &addresses);
		if (!code && !(is_none(&addresses.v6) && is_none(&addresses.v4)))
			each(context, peer, &addresses);
	}
	return code;
}

int rn_datapath_behind_set(struct rn_datapath *dp, uint32_t peer, uint32_t identity, uint32_t slot)
{
	const struct rn_behind_key key = {.peer = peer, .identity = identity};
	int code = check_peer(dp, peer);

	if (!code && (!identity || identity > RN_MESH_IDENTITY_MAX || slot >= RN_IDENTITIES_MAX))
		code = -ERANGE;
	if (!code)
		code = bpf_map_update_elem(dp->fd[RN_FD_BEHIND], &key, &slot, BPF_ANY);
	return code == -E2BIG ? -ENOSPC : code;
}

int rn_datapath_behind_remove(struct rn_datapath *dp, uint32_t peer, uint32_t identity)
{
	const struct rn_behind_key key = {.peer = peer, .identity = identity};
	int code = check_peer(dp, peer);

	if (!code)
		code = bpf_map_delete_elem(dp->fd[RN_FD_BEHIND], &key);
	if (!code)
		rn_datapath_count_up_behind(dp, peer);
	return code == -ENOENT ? 0 : code;
}

int rn_datapath_behind(const struct rn_datapath *dp,
		       void (*each)(void *context, uint32_t peer, uint32_t identity, uint32_t slot), void *context)
{
	struct rn_behind_key key, *previous = NULL;
	int code = check_hub(dp);

	for (uint32_t i = 0; !code && i < RN_BEHIND_MAX; i++, previous = &key) {
		uint32_t slot;

		code = bpf_map_get_next_key(dp->fd[RN_FD_BEHIND], previous, &key);
		if (!code && !bpf_map_lookup_elem(dp->fd[RN_FD_BEHIND], &key, &slot))
			each(context, key.peer, key.identity, slot);
	}
	return code == -ENOENT ? 0 : code;
}

int rn_datapath_frames(const struct rn_datapath *dp, uint64_t ret[RN_DATAPATH_FRAMES])
{
	for (uint32_t key = 0; key < RN_DATAPATH_FRAMES; key++) {
		int code = bpf_map_lookup_elem(dp->fd[RN_FD_FRAMES], &key, dp->cpu_lost);

		if (code)
			return code;
		ret[key] = 0;
		for (unsigned cpu = 0; cpu < dp->cpus; cpu++)
			ret[key] += dp->cpu_lost[cpu];
	}
	return 0;
}
