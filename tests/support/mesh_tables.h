/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESH_TABLES_H
#define MESH_TABLES_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/datapath_memory.h"
#include "sys/datapath_mesh.h"

/* The tables of sys/datapath_mesh.h as memory, for tests without a kernel: which hubs are there, who is behind. */
#define MESH_PEERS 64
#define MESH_PAIRS 1024

struct mesh_tables {
	struct rn_mesh_self self;
	struct rn_mesh_addresses peers[MESH_PEERS]; /* all zero: none */
	unsigned pairs;
	struct mesh_pair {
		uint32_t peer, identity, slot;
	} pair[MESH_PAIRS];
};

static inline bool mesh_shares(const struct rn_addr *a, const struct rn_addr *b)
{
	return !rn_addr_is_zero(a) && rn_addr_compare(a, b) == 0;
}

static inline int mesh_peer_set(struct mesh_tables *t, uint32_t peer, const struct rn_mesh_addresses *addresses)
{
	if (!peer || peer >= MESH_PEERS)
		return -ERANGE;
	for (uint32_t i = 1; i < MESH_PEERS; i++)
		if (i != peer &&
		    (mesh_shares(&addresses->v6, &t->peers[i].v6) || mesh_shares(&addresses->v4, &t->peers[i].v4)))
			return -EEXIST;
	t->peers[peer] = *addresses;
	return 0;
}

static inline struct mesh_pair *mesh_find(struct mesh_tables *t, uint32_t peer, uint32_t identity)
{
	for (unsigned i = 0; i < t->pairs; i++)
		if (t->pair[i].peer == peer && t->pair[i].identity == identity)
			return &t->pair[i];
	return NULL;
}

static inline int mesh_behind_set(struct mesh_tables *t, uint32_t peer, uint32_t identity, uint32_t slot)
{
	struct mesh_pair *pair = mesh_find(t, peer, identity);

	if (!pair && t->pairs == MESH_PAIRS)
		return -ENOSPC;
	if (!pair)
		pair = &t->pair[t->pairs++];
	*pair = (struct mesh_pair){peer, identity, slot};
	return 0;
}

static inline int mesh_behind_remove(struct mesh_tables *t, struct rn_datapath *dp, uint32_t peer, uint32_t identity)
{
	struct mesh_pair *pair = mesh_find(t, peer, identity);

	if (!pair)
		return 0;
	*pair = t->pair[--t->pairs];
	rn_datapath_count_up_behind(dp, peer);
	return 0;
}

static inline int mesh_peer_remove(struct mesh_tables *t, struct rn_datapath *dp, uint32_t peer)
{
	memset(&t->peers[peer % MESH_PEERS], 0, sizeof(t->peers[0]));
	for (unsigned i = 0; i < t->pairs;)
		if (t->pair[i].peer == peer)
			t->pair[i] = t->pair[--t->pairs];
		else
			i++;
	rn_datapath_count_up_behind(dp, peer);
	return 0;
}

static inline int mesh_peers(const struct mesh_tables *t,
			     void (*each)(void *context, uint32_t peer, const struct rn_mesh_addresses *addresses),
			     void *context)
{
	for (uint32_t i = 1; i < MESH_PEERS; i++)
		if (!rn_addr_is_zero(&t->peers[i].v6) || !rn_addr_is_zero(&t->peers[i].v4))
			each(context, i, &t->peers[i]);
	return 0;
}

static inline int mesh_behind(const struct mesh_tables *t,
			      void (*each)(void *context, uint32_t peer, uint32_t identity, uint32_t slot),
			      void *context)
{
	for (unsigned i = 0; i < t->pairs; i++)
		each(context, t->pair[i].peer, t->pair[i].identity, t->pair[i].slot);
	return 0;
}

/* The functions of datapath_mesh.h over the tables that TABLES says; where DEAD, the one who writes is no more. */
#define MESH_TABLES_ARE(TABLES, DEAD)                                                                                  \
	int rn_datapath_peer_set(struct rn_datapath *dp, uint32_t peer, const struct rn_mesh_addresses *where)         \
	{                                                                                                              \
		return DEAD() ? 0 : mesh_peer_set(TABLES(dp), peer, where);                                            \
	}                                                                                                              \
	int rn_datapath_mesh_self(struct rn_datapath *dp, const struct rn_mesh_addresses *who, unsigned rnm0,          \
				  uint32_t mtu)                                                                        \
	{                                                                                                              \
		if (!DEAD())                                                                                           \
			TABLES(dp)->self = (struct rn_mesh_self){.addresses = *who, .rnm0 = rnm0, .mtu = mtu};         \
		return 0;                                                                                              \
	}                                                                                                              \
	int rn_datapath_mesh_who(const struct rn_datapath *dp, struct rn_mesh_self *ret)                               \
	{                                                                                                              \
		*ret = TABLES(dp)->self;                                                                               \
		return 0;                                                                                              \
	}                                                                                                              \
	int rn_datapath_peer_remove(struct rn_datapath *dp, uint32_t peer)                                             \
	{                                                                                                              \
		return DEAD() ? 0 : mesh_peer_remove(TABLES(dp), dp, peer);                                            \
	}                                                                                                              \
	int rn_datapath_behind_set(struct rn_datapath *dp, uint32_t peer, uint32_t identity, uint32_t slot)            \
	{                                                                                                              \
		return DEAD() ? 0 : mesh_behind_set(TABLES(dp), peer, identity, slot);                                 \
	}                                                                                                              \
	int rn_datapath_behind_remove(struct rn_datapath *dp, uint32_t peer, uint32_t identity)                        \
	{                                                                                                              \
		return DEAD() ? 0 : mesh_behind_remove(TABLES(dp), dp, peer, identity);                                \
	}                                                                                                              \
	int rn_datapath_peers(const struct rn_datapath *dp,                                                            \
			      void (*each)(void *, uint32_t, const struct rn_mesh_addresses *), void *context)         \
	{                                                                                                              \
		return mesh_peers(TABLES(dp), each, context);                                                          \
	}                                                                                                              \
	int rn_datapath_behind(const struct rn_datapath *dp, void (*each)(void *, uint32_t, uint32_t, uint32_t),       \
			       void *context)                                                                          \
	{                                                                                                              \
		return mesh_behind(TABLES(dp), each, context);                                                         \
	}

#endif
