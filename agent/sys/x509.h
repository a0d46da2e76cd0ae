/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_X509_H
#define RN_SYS_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"

/*
 * The X.509 profile (RFC 5280, 8410), and the only file that includes GnuTLS.
 *
 *   root     Ed25519, self-signed, 10 years, CN "rnaut NETWORK"
 *   issuing  Ed25519, signed by root, 2 years, pathlen 0, CN "rnaut NETWORK issuing"
 *   leaf     X25519: the device's Noise static key; signed by issuing, 7 days, no subject name but one URI,
 *            rnaut://NETWORK/KIND/NAME
 *
 * NETWORK is 16 hexadecimal digits: the first 8 bytes of SHA-256 of the root's public key. A certificate that is not
 * exactly of this profile is refused, whoever signed it. Times are Unix seconds. No function keeps its arguments.
 */
#define RN_CERT_MAX 512		/* DER bytes of any certificate of the profile */
#define RN_SERIAL_SIZE 16	/* random, first bit 0, never zero */
#define RN_NETWORK_TEXT 17	/* with the NUL */
#define RN_LEAF_SECONDS (7 * 86400)
#define RN_CLOCK_SKEW 600	/* how wrong a clock may be, at either end of validity */

struct rn_leaf {
	uint8_t serial[RN_SERIAL_SIZE];
	uint8_t key[RN_KEY_SIZE];     /* X25519 public */
	char kind[16];		      /* as rn_kind_name() says; [a-z]+ here, the caller knows the list */
	char name[64];		      /* [a-z0-9][a-z0-9._-]{0,62} */
	int64_t not_before, not_after; /* not_after = not_before + RN_LEAF_SECONDS */
};

void rn_x509_network(const uint8_t root_public[RN_KEY_SIZE], char ret[RN_NETWORK_TEXT]);
void rn_x509_serial(uint8_t ret[RN_SERIAL_SIZE]);
bool rn_leaf_name_valid(const char *name);

/*
 * Issue: DER size, or -EINVAL, -EIO. Deterministic in their arguments (Ed25519 is), so that a leaf can be made again from
 * what a journal remembers.
 */
int rn_x509_root(const uint8_t root_seed[RN_KEY_SIZE], const uint8_t serial[RN_SERIAL_SIZE], int64_t now,
		 uint8_t out[RN_CERT_MAX]);
int rn_x509_issuing(const uint8_t root_seed[RN_KEY_SIZE], const uint8_t issuing_public[RN_KEY_SIZE],
		    const uint8_t serial[RN_SERIAL_SIZE], int64_t now, uint8_t out[RN_CERT_MAX]);
/* An issuing certificate that was verified once and is kept to verify leaves. */
struct rn_issuer;
/* -EBADMSG: not of the profile or not signed by this root; -EKEYEXPIRED: not valid now (with RN_CLOCK_SKEW). */
int rn_issuer_new(const uint8_t *der, size_t size, const uint8_t root_public[RN_KEY_SIZE], int64_t now,
		  struct rn_issuer **ret);
void rn_issuer_free(struct rn_issuer *issuer); /* NULL is legal */
const uint8_t *rn_issuer_public(const struct rn_issuer *issuer);
const char *rn_issuer_network(const struct rn_issuer *issuer);

/* leaf->not_after is not looked at. -EINVAL also where the seed is not the issuer's. */
int rn_x509_leaf(const struct rn_issuer *issuer, const uint8_t issuing_seed[RN_KEY_SIZE], const struct rn_leaf *leaf,
		 uint8_t out[RN_CERT_MAX]);

enum { RN_LEAF_EXPIRED_TOO = 1 }; /* for renewal: the end of validity is not looked at, its beginning is */
/*
 * Verifies a leaf and says whose it is: 0; -EBADMSG: not of the profile, not by this issuer, truncated or changed;
 * -EKEYEXPIRED: not valid now, or the issuer is not. That the peer holds the key is the handshake's to prove:
 * compare ret->key with the key it proved.
 */
int rn_issuer_verify(const struct rn_issuer *issuer, const uint8_t *der, size_t size, int64_t now, unsigned flags,
		     struct rn_leaf *ret);

#endif
