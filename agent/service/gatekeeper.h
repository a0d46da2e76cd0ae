/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_GATEKEEPER_H
#define RN_SERVICE_GATEKEEPER_H

#include <stdbool.h>

#include "base/err.h"
#include "domain/record.h"
#include "proto/message.h"
#include "proto/session.h"
#include "sys/x509.h"

/*
 * Who may speak with this host, and in what role: a decision over the key that a handshake proved and the certificate
 * that it carried. Knows no socket and no clock.
 */
struct rn_gatekeeper;

struct rn_gatekeeper_config {
	uint8_t key[RN_KEY_SIZE]; /* our own Noise public key */
	uint8_t root_public[RN_KEY_SIZE];
	uint8_t anchor[RN_ANCHOR_SIZE]; /* on a gateway, shown to strangers */
	bool serves;	/* a hub: peers may come; otherwise only those we dial */
	bool gateway;	/* strangers may come */
};
#define RN_GATEKEEPER_DENIED_MAX 65536u

/*
 * leaf and issuer: our own certificates, DER. -EBADMSG: they are damaged or not ours. An expired leaf is accepted,
 * since it can be renewed.
 */
int rn_gatekeeper_new(const struct rn_gatekeeper_config *config, const uint8_t *leaf, size_t leaf_size,
		     const uint8_t *issuer, size_t issuer_size, int64_t now, struct rn_gatekeeper **ret,
		     struct rn_err *err);
void rn_gatekeeper_free(struct rn_gatekeeper *gatekeeper); /* NULL is legal */

/* Our own certificate is replaced: it must be for the same key, kind and name and valid now. 0 or -EBADMSG. */
int rn_gatekeeper_renew(struct rn_gatekeeper *gatekeeper, const uint8_t *leaf, size_t size, int64_t now);
/* Until when our certificate is valid. */
int64_t rn_gatekeeper_expires(const struct rn_gatekeeper *gatekeeper);
/* Refuses this key from now on. -ENOSPC where too many are refused already. */
int rn_gatekeeper_deny(struct rn_gatekeeper *gatekeeper, const uint8_t key[RN_KEY_SIZE]);

struct rn_caller {
	enum rn_kind kind; /* 0: a stranger */
	bool expired;	   /* its certificate; it may only ask for renewal */
	char name[RN_NAME_MAX + 1];
	int64_t expires;
	const uint8_t *leaf; /* DER, within the hello */
	size_t leaf_size;
};
/*
 * A peer came: 0; -EACCES: we serve nobody, or no strangers; -EBADMSG: not a certificate of this network;
 * -EKEYREJECTED: another's certificate; -EKEYREVOKED: denied.
 */
int rn_gatekeeper_ask(const struct rn_gatekeeper *gatekeeper, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello,
		     size_t size, int64_t now, struct rn_caller *ret);
/* We dialled `key`, and this is what it answered: it must be a hub or gateway, valid now. Errors as above. */
int rn_gatekeeper_dialled(const struct rn_gatekeeper *gatekeeper, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello,
			 size_t size, int64_t now, struct rn_caller *ret);
/* What we show: to a stranger everything that its token can be checked against, to others our leaf. The size. */
int rn_gatekeeper_hello(const struct rn_gatekeeper *gatekeeper, bool to_stranger, uint8_t out[RN_HELLO_MAX]);
/* May this peer send a message of this type (its first byte)? */
bool rn_gatekeeper_may_send(const struct rn_caller *peer, enum rn_message_type type);

#endif
