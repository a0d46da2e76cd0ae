/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_COOKIE_H
#define RN_PROTO_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "proto/wire.h"

/*
 * WireGuard's mac1, mac2 and cookies. Here the cookie is also part of the Noise prologue, so an initiation is good only
 * with the cookie it was made for; initiations that were accepted are remembered for as long as their cookie is good.
 * So a replayed initiation is worth nothing, and no clock of the initiator is trusted.
 */
struct rn_cookie_keys { /* of whoever a datagram is for, from its public key */
	uint8_t mac1[RN_KEY_SIZE], cookie[RN_KEY_SIZE];
};
void rn_cookie_keys(const uint8_t public[RN_KEY_SIZE], struct rn_cookie_keys *ret);

/* BLAKE2b-128 keyed by key_size bytes: mac1 and mac2. */
void rn_mac(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size, uint8_t ret[RN_MAC_SIZE]);
bool rn_mac_good(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size, const uint8_t mac[RN_MAC_SIZE]);

struct rn_cookie_jar;
/* NULL: out of memory. spent_max: initiations remembered in one rotation period. */
struct rn_cookie_jar *rn_cookie_jar_new(uint32_t spent_max, void (*random)(void *, size_t));
void rn_cookie_jar_free(struct rn_cookie_jar *jar);
/* The cookie of this source now. */
void rn_cookie_make(struct rn_cookie_jar *jar, int64_t now_ms, const struct rn_endpoint *from,
		    uint8_t ret[RN_COOKIE_SIZE]);
/* True where mac2 over data is by a cookie that this source was given lately; ret is that cookie. */
bool rn_cookie_proven(struct rn_cookie_jar *jar, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *data,
		      size_t size, const uint8_t mac2[RN_MAC_SIZE], uint8_t ret[RN_COOKIE_SIZE]);
/* An initiation is known by its ephemeral key. */
bool rn_cookie_spent(const struct rn_cookie_jar *jar, const uint8_t ephemeral[RN_KEY_SIZE]);
void rn_cookie_spend(struct rn_cookie_jar *jar, int64_t now_ms, const uint8_t ephemeral[RN_KEY_SIZE]);

#endif
