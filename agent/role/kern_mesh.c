/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "abi/mesh.h"
#include "role/kern.h"
#include "sys/datapath_mesh.h"
#include "sys/files.h"
#include "sys/owner.h"

/*
 * A hub's second WireGuard device, to other hubs. Its peers come from their signed records; nothing is routed into it
 * and it has no address. It is up only while the programs that make and take frames are on it.
 */

#define KEY "mesh.key"
#define ALIVE_S 180 /* after a handshake: WireGuard's keys are used no longer */

/* Made here at the first start as a hub: nobody else ever needs it, and its public half goes up with kern's hello. */
static int read_key(const char *directory, uint8_t key[RN_KEY_SIZE], struct rn_err *err)
{
	uint8_t public[RN_KEY_SIZE];
	char path[RN_PATH_SIZE];
	int r = rn_secret_read(directory, KEY, key, RN_KEY_SIZE, err);

	if (r != -ENOENT)
		return r;
	rn_x25519_keypair(public, key);
	r = rn_path_join(path, sizeof(path), directory, KEY);
	if (r == 0)
		r = rn_file_write(path, key, RN_KEY_SIZE, 0600);
	if (r < 0)
		return rn_fail(err, r, "cannot write " KEY " in %s: %s; free some space there", directory,
			       strerror(-r));
	return 0;
}

int rn_kern_mesh_read(struct rn_kern *k, const char *directory, struct rn_err *err)
{
	uint8_t key[RN_KEY_SIZE];
	int r;

	if (!rn_kind_is_hub(k->self.kind))
		return 0;
	r = read_key(directory, key, err);
	if (r < 0)
		return r;
	rn_x25519_public(key, k->mesh_public);
	k->mesh_peers = rn_peers_new_mesh(k->self.device, key, k->conf.mesh_port);
	rn_wipe(key, sizeof(key));
	return k->mesh_peers ? 0 : rn_fail(err, -ENOMEM, "out of memory");
}

static int configure(void *context, struct rn_wireguard *wireguard)
{
	struct rn_kern *k = context;

	return rn_peers_attach(k->mesh_peers, wireguard);
}

static void gone(void *context)
{
	struct rn_kern *k = context;

	rn_peers_attach(k->mesh_peers, NULL);
}

/* The programs' tables say who we are: addresses from our own record, also one of before a restart. */
static int attach(void *filters, uint32_t index, struct rn_err *err)
{
	struct rn_kern *k = filters;
	struct rn_mesh_self self;
	int r = rn_datapath_mesh_who(k->dp, &self);

	if (r == 0)
		r = rn_datapath_mesh_self(k->dp, &self.addresses, index, k->conf.mtu + RN_MESH_OVERHEAD_V6);
	if (r < 0)
		return rn_fail(err, r, "the kernel's tables: %s", strerror(-r));
	return rn_datapath_mesh_attach(k->dp, index, err);
}

static int in_place(void *filters, uint32_t index)
{
	struct rn_kern *k = filters;

	return rn_datapath_mesh_in_place(k->dp, index);
}

void rn_kern_mesh_addresses(struct rn_kern *k, const struct rn_device_record *own)
{
	const struct rn_mesh_addresses addresses = {.v6 = own->ipv6, .v4 = own->ipv4};
	struct rn_mesh_self self;
	int r = k->mesh_peers ? rn_datapath_mesh_who(k->dp, &self) : 0;

	if (!k->mesh_peers)
		return;
	if (r == 0)
		r = rn_datapath_mesh_self(k->dp, &addresses, self.rnm0, k->conf.mtu + RN_MESH_OVERHEAD_V6);
	if (r < 0)
		rn_log(RN_LOG_ERROR, "%s does not know its addresses: %s", k->conf.mesh_interface, strerror(-r));
}

int rn_kern_mesh_start(struct rn_kern *k, bool adopted, struct rn_err *err)
{
	const struct rn_overlay_calls calls = {k, configure, gone};
	struct rn_overlay_device device = {
	    .interface = k->conf.mesh_interface,
	    .wireguard = k->conf.wireguard,
	    .port_key = "mesh_port",
	    .mtu = k->conf.mtu + RN_MESH_OVERHEAD_V6,
	    .filters = k,
	    .attach = attach,
	    .in_place = in_place,
	};
	struct rn_mesh_self self;

	if (!k->mesh_peers)
		return 0;
	if (adopted && rn_datapath_mesh_who(k->dp, &self) == 0)
		device.adopted = self.rnm0;
	return rn_overlay_new(&device, &calls, &k->mesh, err);
}

void rn_kern_mesh_done(struct rn_kern *k)
{
	rn_overlay_free(k->mesh);
	rn_peers_free(k->mesh_peers);
}

void rn_kern_mesh_check(struct rn_kern *k)
{
	if (k->mesh)
		rn_overlay_check(k->mesh);
}

void rn_kern_mesh_device(struct rn_kern *k, const struct rn_device_record *device)
{
	int r = k->mesh_peers ? rn_peers_device(k->mesh_peers, device) : 0;

	if (r < 0 && r != -ENODEV)
		rn_log(RN_LOG_ERROR, "%s did not take hub %s: %s", k->conf.mesh_interface, device->name, strerror(-r));
}

void rn_kern_mesh_remove(struct rn_kern *k, uint32_t number)
{
	if (k->mesh_peers)
		rn_peers_remove(k->mesh_peers, number);
}

void rn_kern_mesh_synced(struct rn_kern *k)
{
	int r = k->mesh_peers ? rn_peers_synced(k->mesh_peers) : 0;

	if (r < 0 && r != -ENODEV)
		rn_log(RN_LOG_ERROR, "%s kept a peer that is no hub: %s", k->conf.mesh_interface, strerror(-r));
}

static void count_alive(void *context, uint32_t number, const struct rn_wireguard_peer *peer)
{
	struct rn_local_status *s = context;

	(void)number;
	if (peer->last_handshake && (uint64_t)time(NULL) < peer->last_handshake + ALIVE_S)
		s->mesh_alive++;
}

void rn_kern_mesh_status(const struct rn_kern *k, struct rn_local_status *s)
{
	struct rn_overlay_status status;

	if (!k->mesh)
		return;
	rn_overlay_status(k->mesh, &status);
	snprintf(s->mesh_interface, sizeof(s->mesh_interface), "%s", k->conf.mesh_interface);
	s->mesh_wireguard = status.backend;
	s->mesh_up = status.up;
	s->mesh_filters = status.filters;
	s->mesh_mtu = status.mtu;
	s->mesh_port = k->conf.mesh_port;
	s->mesh_peers = rn_peers_count(k->mesh_peers);
	rn_peers_dump(k->mesh_peers, count_alive, s);
}
