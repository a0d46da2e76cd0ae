/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_CREATE_H
#define RN_SERVICE_CORE_CREATE_H

#include "base/err.h"
#include "domain/record.h"
#include "service/core_access.h"

/* The beginning of a network: what `rnaut gateway init` puts into STATE/state/core/. */
struct rn_gateway_params {
	char name[RN_NAME_MAX + 1];	       /* of the gateway host, which becomes device 1 */
	char owner[RN_NAME_MAX + 1];	       /* first user, owner of device 1 */
	struct rn_prefix ipv6, ipv4;	       /* of the network; ipv4.bits 0: none. Device N gets host N of each */
	struct rn_endpoint wireguard, control; /* where others reach this host */
	uint8_t noise_key[RN_KEY_SIZE], wireguard_key[RN_KEY_SIZE]; /* public halves of net's and kern's keys */
	const uint8_t *leaf, *issuer; /* DER: device 1's certificate, and the issuing certificate */
	size_t leaf_size, issuer_size;
	struct rn_core_link *ret_link; /* where not NULL: gets the one-time link of the first account, "admin" */
};

/*
 * Fills the existing, empty directory `dir` (the core/ directory of a state that is being built) with core.db,
 * policy.key and box.key, mode 0600, synced. They belong to the caller, who gives them to rnaut-core. *ret_anchor gets
 * epoch, policy_public and box_public; the caller adds root_public and signs it (rn_anchor_put).
 * 0, -EINVAL, -EEXIST, -ENOSPC, -EIO with a sentence; after an error the directory is the caller's to remove.
 */
int rn_gateway_create(const char *dir, const struct rn_gateway_params *params, struct rn_anchor *ret_anchor,
		      struct rn_err *err);

/*
 * On other hosts core/ starts as an empty directory of rnaut-core with mode 0700 (made by `rnaut up`); core makes its
 * database there when it first starts, since all it keeps are copies of signed records.
 */

#endif
