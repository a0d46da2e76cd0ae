/* SPDX-License-Identifier: Apache-2.0 */
#include "service/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "domain/homes.h"

#define KEEPALIVE_S 25		    /* of a node towards its hubs: NAT forgets idle UDP after 30 s and more */
#define HUBS_MAX (2 * RN_HOMES_MAX) /* that a node knows: the list may be changing, and may come after them */

struct entry {
	uint32_t number; /* 0: found in WireGuard, no record has said yet whose it is */
	struct rn_wireguard_peer peer;
	bool there;	    /* WireGuard has it as it is here */
	bool allowed_there; /* with these AllowedIPs at least */
};

struct rn_peers {
	uint32_t self, hub;
	bool mesh;
	uint8_t private_key[RN_KEY_SIZE], public_key[RN_KEY_SIZE];
	uint16_t port;
	struct rn_wireguard *wireguard; /* NULL: no device now */
	struct rn_prefix overlay[2];
	unsigned overlay_count;
	/* On a node: which hubs it lists, and where it was told to be; 0: nothing yet. */
	struct rn_device_record own, hubs[HUBS_MAX];
	uint32_t told;
	uint64_t told_moved;
	struct entry *entries;
	uint32_t count, room;
	struct rn_numbers *by_number; /* position + 1 */
};

struct rn_peers *rn_peers_new(uint32_t self, uint32_t hub, const uint8_t private_key[RN_KEY_SIZE], uint16_t port)
{
	struct rn_peers *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->self = self;
	p->hub = hub;
	p->port = port;
	memcpy(p->private_key, private_key, RN_KEY_SIZE);
	rn_x25519_public(private_key, p->public_key);
	p->by_number = rn_numbers_new();
	if (!p->by_number) {
		rn_peers_free(p);
		return NULL;
	}
	return p;
}

struct rn_peers *rn_peers_new_mesh(uint32_t self, const uint8_t private_key[RN_KEY_SIZE], uint16_t port)
{
	struct rn_peers *p = rn_peers_new(self, self, private_key, port);

	if (p)
		p->mesh = true;
	return p;
}

void rn_peers_free(struct rn_peers *p)
{
	if (!p)
		return;
	rn_wipe(p->private_key, sizeof(p->private_key));
	rn_numbers_free(p->by_number);
	free(p->entries);
	free(p);
}

static struct entry *find_number(const struct rn_peers *p, uint32_t number)
{
	uint32_t at = rn_numbers_get(p->by_number, number);

	return at ? &p->entries[at - 1] : NULL;
}

static struct entry *find_key(const struct rn_peers *p, const uint8_t key[RN_KEY_SIZE])
{
	for (uint32_t i = 0; i < p->count; i++) {
		if (memcmp(p->entries[i].peer.key, key, RN_KEY_SIZE) == 0)
			return &p->entries[i];
	}
	return NULL;
}

static struct entry *add_entry(struct rn_peers *p)
{
	if (!p->entries || p->count == p->room) {
		uint32_t room = p->room ? p->room * 2 : 16;
		struct entry *more = realloc(p->entries, room * sizeof(*more));

		if (!more)
			return NULL;
		p->entries = more;
		p->room = room;
	}
	p->entries[p->count] = (struct entry){0};
	return &p->entries[p->count++];
}

static void drop_entry(struct rn_peers *p, struct entry *entry)
{
	struct entry *last = &p->entries[p->count - 1];

	rn_numbers_remove(p->by_number, entry->number);
	*entry = *last;
	if (last != entry && last->number)
		rn_numbers_set(p->by_number, last->number, entry - p->entries + 1);
	p->count--;
}

static int claim(struct rn_peers *p, struct entry *entry, uint32_t number)
{
	if (entry->number && entry->number != number)
		rn_numbers_remove(p->by_number, entry->number);
	entry->number = number;
	return rn_numbers_set(p->by_number, number, entry - p->entries + 1);
}

static bool has_prefix(const struct rn_wireguard_peer *peer, const struct rn_prefix *prefix)
{
	for (unsigned i = 0; i < peer->allowed_count; i++) {
		if (peer->allowed[i].bits == prefix->bits &&
		    rn_addr_compare(&peer->allowed[i].addr, &prefix->addr) == 0)
			return true;
	}
	return false;
}

static bool same_allowed(const struct rn_wireguard_peer *want, const struct rn_wireguard_peer *have)
{
	for (unsigned i = 0; i < want->allowed_count; i++) {
		if (!has_prefix(have, &want->allowed[i]))
			return false;
	}
	return want->allowed_count == have->allowed_count;
}

/* Whether WireGuard's peer is as it should be. An endpoint that was not asked for is what it learnt. */
static bool same_peer(const struct rn_wireguard_peer *want, const struct rn_wireguard_peer *have)
{
	if (want->endpoint.port && (want->endpoint.port != have->endpoint.port ||
				    rn_addr_compare(&want->endpoint.addr, &have->endpoint.addr) != 0))
		return false;
	return want->keepalive == have->keepalive && same_allowed(want, have);
}

/* AllowedIPs that are right are not set again: while WireGuard replaces them, packets find no peer. */
static int push(struct rn_peers *p, struct entry *entry)
{
	struct rn_wireguard_peer peer = entry->peer;
	int r;

	if (!p->wireguard || entry->there)
		return 0;
	peer.keep_allowed = entry->allowed_there;
	r = rn_wireguard_set_peer(p->wireguard, &peer);
	if (r == 0)
		entry->there = entry->allowed_there = true;
	return r;
}

static void add_own_address(struct rn_wireguard_peer *peer, const struct rn_addr *address)
{
	if (!rn_addr_is_zero(address))
		peer->allowed[peer->allowed_count++] = (struct rn_prefix){*address, 128};
}

static bool want_mesh_peer(const struct rn_peers *p, const struct rn_device_record *device,
			   struct rn_wireguard_peer *ret)
{
	if (device->number == p->self || !rn_kind_is_hub(device->kind) || (device->flags & RN_DEVICE_REVOKED) ||
	    rn_is_zero(device->mesh_key, RN_KEY_SIZE))
		return false;
	*ret = (struct rn_wireguard_peer){.endpoint = device->mesh};
	memcpy(ret->key, device->mesh_key, RN_KEY_SIZE);
	add_own_address(ret, &device->ipv6);
	add_own_address(ret, &device->ipv4);
	return true;
}

static bool lists(const struct rn_peers *p, uint32_t hub)
{
	return p->own.number ? rn_homes_list(&p->own, hub) : hub == p->hub;
}

static uint32_t hub_in_use(const struct rn_peers *p)
{
	return p->own.number ? rn_homes_now(&p->own, p->told, p->told_moved) : p->hub;
}

/* The peer that a record asks for; false: none here. */
static bool want_peer(const struct rn_peers *p, const struct rn_device_record *device, struct rn_wireguard_peer *ret)
{
	struct rn_wireguard_peer peer = {0};

	/* A hub that is revoked reads no packet of this host's any more. */
	if (device->number == p->self || rn_is_zero(device->wireguard_key, RN_KEY_SIZE) ||
	    (rn_kind_is_hub(device->kind) && (device->flags & RN_DEVICE_REVOKED)))
		return false;
	memcpy(peer.key, device->wireguard_key, RN_KEY_SIZE);
	if (p->self == p->hub && rn_homes_list(device, p->self)) {
		add_own_address(&peer, &device->ipv6);
		add_own_address(&peer, &device->ipv4);
	} else if (p->self != p->hub && lists(p, device->number)) {
		peer.endpoint = device->wireguard;
		peer.keepalive = KEEPALIVE_S;
		if (device->number == hub_in_use(p)) {
			peer.allowed_count = p->overlay_count;
			memcpy(peer.allowed, p->overlay, sizeof(p->overlay));
		}
	} else {
		return false;
	}
	*ret = peer;
	return true;
}

static int set_entry(struct rn_peers *p, uint32_t number, const struct rn_wireguard_peer *want)
{
	struct entry *entry = find_key(p, want->key);
	int r;

	if (!entry) {
		entry = add_entry(p);
		if (!entry)
			return -ENOMEM;
	} else if (entry->number == number && same_peer(want, &entry->peer)) {
		return push(p, entry);
	}
	entry->there = entry->there && same_peer(want, &entry->peer);
	entry->allowed_there = entry->allowed_there && same_allowed(want, &entry->peer);
	entry->peer = *want;
	r = claim(p, entry, number);
	return r < 0 ? r : push(p, entry);
}

static int remove_peer(struct rn_peers *p, uint32_t number)
{
	struct entry *entry = find_number(p, number);
	uint8_t key[RN_KEY_SIZE];

	if (!entry)
		return 0;
	memcpy(key, entry->peer.key, RN_KEY_SIZE);
	drop_entry(p, entry);
	return p->wireguard ? rn_wireguard_remove_peer(p->wireguard, key) : 0;
}

/* A new key takes the AllowedIPs with it, so the old peer goes only then. */
static int set_device(struct rn_peers *p, const struct rn_device_record *device)
{
	struct entry *before = find_number(p, device->number);
	uint8_t old_key[RN_KEY_SIZE] = {0};
	struct rn_wireguard_peer want;
	int r = 0;

	if (p->mesh ? !want_mesh_peer(p, device, &want) : !want_peer(p, device, &want))
		return remove_peer(p, device->number);
	if (before && memcmp(before->peer.key, want.key, RN_KEY_SIZE) != 0) {
		memcpy(old_key, before->peer.key, RN_KEY_SIZE);
		drop_entry(p, before);
	}
	r = set_entry(p, device->number, &want);
	if (!rn_is_zero(old_key, sizeof(old_key)) && p->wireguard) {
		int removed = rn_wireguard_remove_peer(p->wireguard, old_key);

		r = r < 0 ? r : removed;
	}
	return r;
}

static struct rn_device_record *find_hub(struct rn_peers *p, uint32_t number)
{
	for (unsigned i = 0; i < HUBS_MAX; i++)
		if (p->hubs[i].number == number)
			return &p->hubs[i];
	return NULL;
}

/* Of a node; one that it does not list makes room. */
static struct rn_device_record *hub_place(struct rn_peers *p, uint32_t number)
{
	struct rn_device_record *place = find_hub(p, number);

	if (!place)
		place = find_hub(p, 0);
	for (unsigned i = 0; !place && i < HUBS_MAX; i++)
		if (!lists(p, p->hubs[i].number))
			place = &p->hubs[i];
	return place;
}

/* All hubs of a node; first the one that gets the AllowedIPs, so that WireGuard takes them over in one step. */
static int set_hubs(struct rn_peers *p)
{
	struct rn_device_record *in_use = find_hub(p, hub_in_use(p));
	int first = 0;

	if (p->overlay_count == 0)
		return 0;
	if (in_use)
		first = set_device(p, in_use);
	for (unsigned i = 0; i < HUBS_MAX; i++) {
		int r = p->hubs[i].number && &p->hubs[i] != in_use ? set_device(p, &p->hubs[i]) : 0;

		first = first < 0 ? first : r;
	}
	return first;
}

int rn_peers_device(struct rn_peers *p, const struct rn_device_record *device)
{
	struct rn_device_record *place;

	if (p->self == p->hub)
		return set_device(p, device);
	if (device->number == p->self) {
		p->own = *device;
		return set_hubs(p);
	}
	place = rn_kind_is_hub(device->kind) ? hub_place(p, device->number) : NULL;
	if (!place)
		return rn_peers_remove(p, device->number);
	*place = *device;
	return p->overlay_count ? set_device(p, device) : 0;
}

int rn_peers_home(struct rn_peers *p, uint32_t hub, uint64_t moved)
{
	if (p->self == p->hub || !p->own.number || !rn_homes_list(&p->own, hub))
		return -EACCES;
	if (moved <= p->own.moved || moved < p->told_moved)
		return -ESTALE;
	p->told = hub;
	p->told_moved = moved;
	return set_hubs(p);
}

int rn_peers_remove(struct rn_peers *p, uint32_t number)
{
	struct rn_device_record *hub = number ? find_hub(p, number) : NULL;

	if (hub)
		hub->number = 0;
	return remove_peer(p, number);
}

int rn_peers_network(struct rn_peers *p, const struct rn_network *network)
{
	p->overlay_count = 0;
	p->overlay[p->overlay_count++] = network->ipv6;
	if (network->ipv4.bits)
		p->overlay[p->overlay_count++] = network->ipv4;
	return set_hubs(p);
}

uint32_t rn_peers_count(const struct rn_peers *p)
{
	return p->count;
}

int rn_peers_synced(struct rn_peers *p)
{
	int r = 0;

	for (uint32_t i = 0; i < p->count;) {
		int removed;

		if (p->entries[i].number) {
			i++;
			continue;
		}
		removed = p->wireguard ? rn_wireguard_remove_peer(p->wireguard, p->entries[i].peer.key) : 0;
		r = r < 0 ? r : removed;
		drop_entry(p, &p->entries[i]);
	}
	return r;
}

/* What WireGuard has; one that we do not know is kept until every record has come. */
static void take_over(void *context, const struct rn_wireguard_peer *peer)
{
	struct rn_peers *p = context;
	struct entry *entry = find_key(p, peer->key);

	if (entry) {
		entry->there = same_peer(&entry->peer, peer);
		entry->allowed_there = same_allowed(&entry->peer, peer);
		return;
	}
	entry = add_entry(p);
	if (!entry)
		return;
	entry->peer = *peer;
	entry->there = entry->allowed_there = true;
}

int rn_peers_attach(struct rn_peers *p, struct rn_wireguard *wireguard)
{
	struct rn_wireguard_device device = {0};
	int r;

	p->wireguard = wireguard;
	for (uint32_t i = 0; i < p->count; i++)
		p->entries[i].there = p->entries[i].allowed_there = false;
	if (!wireguard)
		return 0;
	r = rn_wireguard_dump(wireguard, &device, take_over, p);
	if (r == 0 && (memcmp(device.public_key, p->public_key, RN_KEY_SIZE) != 0 || device.port != p->port))
		r = rn_wireguard_set_device(wireguard, p->private_key, p->port);
	for (uint32_t i = 0; r == 0 && i < p->count; i++)
		r = push(p, &p->entries[i]);
	return r;
}

struct walk {
	struct rn_peers *p;
	void (*each)(void *context, uint32_t number, const struct rn_wireguard_peer *peer);
	void *context;
};

static void walk_one(void *context, const struct rn_wireguard_peer *peer)
{
	struct walk *walk = context;
	const struct entry *entry = find_key(walk->p, peer->key);

	walk->each(walk->context, entry ? entry->number : 0, peer);
}

int rn_peers_dump(struct rn_peers *p,
		  void (*each)(void *context, uint32_t number, const struct rn_wireguard_peer *peer), void *context)
{
	struct walk walk = {p, each, context};

	return p->wireguard ? rn_wireguard_dump(p->wireguard, NULL, walk_one, &walk) : -ENODEV;
}
