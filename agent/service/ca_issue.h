/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CA_ISSUE_H
#define RN_SERVICE_CA_ISSUE_H

#include "base/err.h"
#include "proto/local.h"
#include "sys/x509.h"

/*
 * The CA at work: one request of core in, one answer out. It holds the issuing key and checks each request by itself,
 * since core may be anybody's by now: a leaf needs a token that was registered before and whose seed signed the request.
 * What it signs is in the journal before the answer exists; the same request again gets the same leaf again.
 */
#define RN_CA_PER_MINUTE 100
#define RN_CA_BURST 200

struct rn_ca;
/*
 * dir: STATE/state/ca with issuing.key, issuing.der and journal, as rn_ca_create made it. 0, or -errno with a sentence:
 * -ENOENT, -EPERM, -EBADMSG (damaged), -EKEYEXPIRED (the issuing certificate), -EBUSY.
 */
int rn_ca_open(const char *dir, const uint8_t root_public[RN_KEY_SIZE], int64_t now, struct rn_ca **ret,
	       struct rn_err *err);
void rn_ca_free(struct rn_ca *ca); /* wipes; NULL is legal */

/*
 * Handles one message of core. now: Unix seconds; now_ms: monotonic. ret becomes the CA_ANSWER, whose block points into
 * the ca until the next call. -EBADMSG: not a message for the CA; -EIO: the journal and the memory differ, restart.
 */
int rn_ca_handle(struct rn_ca *ca, const struct rn_local *request, int64_t now, int64_t now_ms, struct rn_local *ret);

#endif
