/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_ENROLL_H
#define RN_SERVICE_ENROLL_H

#include "base/err.h"
#include "domain/record.h"
#include "domain/token.h"
#include "sys/conf.h"
#include "sys/owner.h"

/*
 * The device's side of enrolment, once, for `rnaut up`. The caller (root) makes an empty directory beside the state
 * directory, calls rn_enroll, and renames it to STATE/state. What is written into dir, all fsynced:
 *
 *   format anchor self.json          0644, the caller's
 *   net/   noise.key (32 raw bytes), leaf.der, issuer.der       0700/0600, owners.net
 *   kern/  wireguard.key (32 raw bytes)                         0700/0600, owners.kern
 *   core/                                                       0700, owners.core, empty
 *
 * The keys are made and written before the first packet, and taken from dir where an earlier attempt left them: the
 * same request again gets the same answer, so an answer that was lost costs nobody a token as long as the caller keeps
 * the directory. Removing it is as legal.
 */
struct rn_enroll {
	const char *dir;
	struct rn_token token;
	enum rn_kind kind;
	char name[RN_NAME_MAX + 1];
	struct rn_endpoint wireguard, control; /* of a hub: where it can be reached; zero for clients */
	struct rn_owners owners;
	int timeout_ms; /* 0: 15 s */
	/* Called in the forked child before its first packet; NULL: rn_enroll_confine. Tests give another. */
	int (*confine)(struct rn_err *err);
};

/*
 * The network is spoken to by a forked child without root; what it brings home is checked again here. Nothing of the
 * token is used before the other end has proven the pinned Noise key, its anchor carries the pinned root, and that
 * root's issuing CA says that this key is a gateway's.
 *
 * 0; -ETIMEDOUT: nobody there; -EINPROGRESS: the gateway may have admitted this host, which has no state yet: keep the
 * directory, and the same request completes it; -EKEYREJECTED: it is not the gateway of this token; -EKEYEXPIRED: this
 * host's clock or the gateway's certificate is wrong; -EACCES: refused, in the gateway's own words (token used,
 * expired, name taken ...); others are about files. err says it in a sentence. *ret is what self.json holds.
 */
int rn_enroll(const struct rn_enroll *in, struct rn_self *ret, struct rn_err *err);

/* rnaut-net's user, no capability, seccomp. */
int rn_enroll_confine(struct rn_err *err);

#endif
