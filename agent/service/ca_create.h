/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CA_CREATE_H
#define RN_SERVICE_CA_CREATE_H

#include "base/err.h"
#include "domain/record.h"
#include "sys/file.h"

/*
 * The keys and certificates of a new network, for `rnaut gateway init`. The caller (root) makes an empty directory
 * beside the state directory, calls rn_ca_create, adds core/core.db, and renames it to STATE/state. What is written
 * into dir, all fsynced; keys are 32 raw bytes, mode 0600, in directories of mode 0700:
 *
 *   format anchor self.json                       0644, the caller's
 *   core/  policy.key (Ed25519 seed), box.key (X25519 secret)         owners.core
 *   net/   noise.key, leaf.der (kind gateway), issuer.der             owners.net
 *   kern/  wireguard.key                                              owners.kern
 *   ca/    issuing.key (Ed25519 seed), issuing.der, journal           owners.ca
 *   root/  root.key (Ed25519 seed), root.der                          the caller's
 */
struct rn_ca_create {
	const char *dir;
	uint32_t device;	    /* the gateway's number; it is its own hub */
	char name[RN_NAME_MAX + 1]; /* the gateway's device name */
	struct rn_owners owners;
	int64_t now; /* Unix seconds */
};
/* What is public of it, for the first records and for `rnaut gateway status`. */
struct rn_ca_created {
	struct rn_anchor anchor; /* epoch 1 */
	uint8_t fingerprint[RN_SHA256_SIZE]; /* of the root's public key, as tokens carry it */
	uint8_t noise_key[RN_KEY_SIZE], wireguard_key[RN_KEY_SIZE];
};
/* 0 or -errno with a sentence. After a failure the directory is the caller's to remove. */
int rn_ca_create(const struct rn_ca_create *in, struct rn_ca_created *ret, struct rn_err *err);

#endif
