/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_ISSUANCE_H
#define RN_DOMAIN_ISSUANCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/record.h"

/*
 * What the CA remembers, and what it may sign: pure rules over a list of entries, which the CA keeps in its journal. An
 * entry is first journaled and then applied; the questions below change nothing.
 */
enum rn_issuance_type {
	RN_ISSUANCE_TOKEN = 1,   /* a token exists: token, key (its public half), kind, name ("": any), time: its end */
	RN_ISSUANCE_ISSUED = 2,  /* a leaf: token (0: gateway or renewal), key (Noise), kind, name, serial, time: not_before */
	RN_ISSUANCE_REVOKED = 3, /* key (Noise), time: when */
};
#define RN_ISSUANCE_ENTRY_SIZE 136 /* encoded */
#define RN_ISSUANCE_TOKENS_MAX 65536u
#define RN_ISSUANCE_TOKEN_SECONDS (31ll * 86400) /* the longest life of a token */
#define RN_ISSUANCE_RENEW_SECONDS 3600 /* a renewal within this time gets the leaf of the last one again */

struct rn_issuance_entry {
	enum rn_issuance_type type;
	enum rn_kind kind;
	uint64_t token;
	int64_t time; /* Unix seconds, 0..RN_MOMENT_MAX */
	uint8_t key[RN_KEY_SIZE];
	uint8_t serial[16];
	char name[RN_NAME_MAX + 1];
};
void rn_issuance_put(const struct rn_issuance_entry *in, uint8_t out[RN_ISSUANCE_ENTRY_SIZE]);
int rn_issuance_get(const uint8_t in[RN_ISSUANCE_ENTRY_SIZE], struct rn_issuance_entry *ret); /* 0 or -EBADMSG */

struct rn_issuance;
struct rn_issuance *rn_issuance_new(void); /* NULL: out of memory */
void rn_issuance_free(struct rn_issuance *issuance);
/* 0; -EBADMSG: contradicts what was applied before; -ENOMEM. */
int rn_issuance_apply(struct rn_issuance *issuance, const struct rn_issuance_entry *entry);

/*
 * May this token be registered? 0; 1: it is already, exactly so; -EEXIST: its id is taken; -EINVAL: no kind that a token
 * may have, no name, or an end that is past or too far; -ENOSPC: too many tokens wait.
 */
int rn_issuance_token(const struct rn_issuance *issuance, const struct rn_issuance_entry *token, int64_t now,
		    struct rn_err *err);
/* The public half that a request by this token must be signed with; NULL: no such token. */
const uint8_t *rn_issuance_token_key(const struct rn_issuance *issuance, uint64_t token);
/*
 * May this leaf be issued by its token? (want: type ISSUED, token, key, kind, name.) 0; 1: it has been, *ret_again;
 * -ENOKEY, -EKEYEXPIRED, -EALREADY (used), -EACCES (another kind or name), -EINVAL (name), -EKEYREVOKED, -EEXIST (the key
 * is known under another name), each with a sentence for the person at the device.
 */
int rn_issuance_issue(const struct rn_issuance *issuance, const struct rn_issuance_entry *want, int64_t now,
		    const struct rn_issuance_entry **ret_again, struct rn_err *err);
/* May this device have a new leaf? 0; 1: it has just got one, *ret_again; -ENOKEY: not ours; -EKEYREVOKED. */
int rn_issuance_renew(const struct rn_issuance *issuance, const struct rn_issuance_entry *want, int64_t now,
		    const struct rn_issuance_entry **ret_again, struct rn_err *err);
/* 0; 1: it is revoked already. */
int rn_issuance_revoke(const struct rn_issuance *issuance, const uint8_t key[RN_KEY_SIZE]);

/* Signatures a minute: a bucket of `burst` that fills with `per_minute`. Times are monotonic milliseconds. */
struct rn_rate {
	unsigned burst, per_minute;
	int64_t full_ms; /* when the bucket will be full again */
};
int rn_rate_take(struct rn_rate *rate, int64_t now_ms); /* 0 or -EAGAIN */

#endif
