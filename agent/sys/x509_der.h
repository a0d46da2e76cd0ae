/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_X509_DER_H
#define RN_SYS_X509_DER_H

#include <stddef.h>
#include <stdint.h>

#include "sys/x509.h"

/* Between the files of x509: what a certificate of the profile says, and its one encoding. Nobody else includes it. */
#define RN_DRAFT_URI_TEXT 112 /* rnaut://NETWORK/KIND/NAME */
#define RN_DRAFT_EXTENSIONS 2
#define RN_DRAFT_SPKI 12 /* bytes before the key, RFC 8410 section 4 */

struct rn_draft_extension {
	const char *oid; /* 2.5.29.N, N below 128 */
	uint8_t data[RN_DRAFT_URI_TEXT + 4];
	size_t size;
};
struct rn_draft {
	const uint8_t *serial, *key, *spki; /* spki: RN_DRAFT_SPKI bytes */
	const char *subject; /* common name; NULL: empty subject */
	int64_t not_before, seconds;
	const struct rn_draft_extension *extensions; /* RN_DRAFT_EXTENSIONS of them, all critical, in this order */
};

/*
 * The part that is signed (tbsCertificate), in DER, of the draft under this issuer's common name: its size, or
 * -EMSGSIZE where it is no certificate of RN_CERT_MAX bytes, -ERANGE (times beyond the year 9999).
 */
int rn_draft_der(const struct rn_draft *draft, const char *issuer, uint8_t out[RN_CERT_MAX]);

#endif
