/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CA_CREATE_H
#define RN_SERVICE_CA_CREATE_H

#include "base/err.h"
#include "domain/record.h"
#include "sys/owner.h"
#include "sys/x509.h"

/*
 * The keys and certificates of a new network, for `rnaut gateway init`. The caller (root) makes an empty directory
 * beside the state directory, calls
 *
 *   rn_ca_create          keys, certificates, the CA's journal
 *   rn_gateway_create     core/ (service/core_create.h), with what the first returned
 *   rn_ca_create_anchor   the root signs core's keys; from here on the directory is a gateway's state
 *
 * and renames it to STATE/state. All files are synced; keys are 32 raw bytes, mode 0600, in directories of mode 0700:
 *
 *   net/   noise.key, leaf.der (kind gateway), issuer.der             owners.net
 *   kern/  wireguard.key                                              owners.kern
 *   ca/    issuing.key (Ed25519 seed), issuing.der, journal           owners.ca
 *   root/  root.key (Ed25519 seed), root.der                          the caller's
 *   format anchor self.json                       0644, the caller's
 */
struct rn_ca_create {
	const char *dir;
	char name[RN_NAME_MAX + 1]; /* the gateway's device name */
	struct rn_owners owners;
	int64_t now; /* Unix seconds */
};
/* What is public of it. */
struct rn_ca_created {
	uint8_t root_public[RN_KEY_SIZE];
	uint8_t fingerprint[RN_SHA256_SIZE]; /* of the root's public key, as tokens carry it */
	uint8_t noise_key[RN_KEY_SIZE], wireguard_key[RN_KEY_SIZE];
	uint8_t leaf[RN_CERT_MAX], issuer[RN_CERT_MAX]; /* DER */
	size_t leaf_size, issuer_size;
};
/* 0 or -errno with a sentence. After a failure of either the directory is the caller's to remove. */
int rn_ca_create(const struct rn_ca_create *in, struct rn_ca_created *ret, struct rn_err *err);

/*
 * anchor: epoch, policy_public and box_public as rn_gateway_create gave them; root_public is added here, and signed with
 * root/root.key. device: the gateway's number (it is its own hub). Writes format, anchor and self.json.
 */
int rn_ca_create_anchor(const struct rn_ca_create *in, uint32_t device, struct rn_anchor *anchor, struct rn_err *err);

#endif
