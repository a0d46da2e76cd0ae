/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_PEERS_H
#define RN_SERVICE_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/record.h"
#include "sys/wireguard.h"

/*
 * Verified records -> WireGuard's peers. On a hub each device that lists it is a peer that may use its own /32 and /128
 * and nothing else; on a node the hubs that it lists are, and the one where it is now carries the overlay. Quarantined
 * and revoked devices stay peers: the datapath judges them, and counts what they try.
 *
 * Of the mesh every other hub is a peer, with its own two addresses, at its mesh endpoint, without a keepalive. A hub
 * that is revoked is none.
 */
struct rn_peers;

/* private_key is kept (and wiped by free). NULL: out of memory. */
struct rn_peers *rn_peers_new(uint32_t self, uint32_t hub, const uint8_t private_key[RN_KEY_SIZE], uint16_t port);
struct rn_peers *rn_peers_new_mesh(uint32_t self, const uint8_t private_key[RN_KEY_SIZE], uint16_t port);
void rn_peers_free(struct rn_peers *p);

/*
 * The device is there (anew): sets key and port where they differ, takes over peers that it has, and gives it what it
 * should have and has not. The backend stays the caller's; NULL: the device is gone. 0 or -errno (-EADDRINUSE: the port).
 */
int rn_peers_attach(struct rn_peers *p, struct rn_wireguard *wireguard);

/* All change the device only where something differs; 0 or -errno of the device, which attach makes good later. */
int rn_peers_network(struct rn_peers *p, const struct rn_network *network);
int rn_peers_device(struct rn_peers *p, const struct rn_device_record *device);
/*
 * On a node: it has moved to this hub, which it lists. -EACCES: it does not; -ESTALE: an older move than it was told
 * of, or than its record counts. A record that counts as many takes the word back.
 */
int rn_peers_home(struct rn_peers *p, uint32_t hub, uint64_t moved);
int rn_peers_remove(struct rn_peers *p, uint32_t number);
uint32_t rn_peers_count(const struct rn_peers *p);
/* Every current record has come: peers that belong to none of them go. */
int rn_peers_synced(struct rn_peers *p);

/* Calls each for every peer that WireGuard has; number 0: of none of our devices. 0 or -errno. */
int rn_peers_dump(struct rn_peers *p,
		  void (*each)(void *context, uint32_t number, const struct rn_wireguard_peer *peer), void *context);

#endif
