/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "sys/http_internal.h"

/*
 * TLS of the HTTP servers: 1.3 and 1.2, keys of X25519 and the NIST curves, AEAD ciphers alone. MHD asks for the
 * certificate at each handshake, so that a new one needs no new server. No tickets and no renegotiation: GnuTLS does
 * neither unless it is told to.
 */
#define PRIORITIES                                                                                                     \
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:+AEAD:"   \
	"+COMP-NULL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+CTYPE-SRV-X509:"                                  \
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-RSA-PSS-RSAE-SHA256:"                         \
	"+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:"           \
	"%SERVER_PRECEDENCE"
#define CHAIN_MAX 8
#define RSA_BITS_MIN 2048

struct pair {
	struct pair *before; /* a handshake that began with it may still be under way */
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_size;
	gnutls_privkey_t key;
};
static struct pair *current; /* MHD hands no context to the callback; a process has one certificate */

static void pair_free(struct pair *pair)
{
	if (!pair)
		return;
	for (unsigned i = 0; i < pair->chain_size; i++)
		gnutls_pcert_deinit(&pair->chain[i]);
	if (pair->key)
		gnutls_privkey_deinit(pair->key);
	free(pair);
}

static int on_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
			  const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
			  unsigned *chain_size, gnutls_privkey_t *key)
{
	(void)session;
	(void)authorities;
	(void)authority_count;
	(void)algorithms;
	(void)algorithm_count;
	if (!current)
		return -1;
	*chain = current->chain;
	*chain_size = current->chain_size;
	*key = current->key;
	return 0;
}

const struct MHD_OptionItem *http_tls_options(void)
{
	static char priorities[] = PRIORITIES;
	static struct MHD_OptionItem options[] = {
	    {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
	    {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, NULL},
	    {MHD_OPTION_END, 0, NULL},
	};
	gnutls_certificate_retrieve_function2 *callback = on_certificate;

	memcpy(&options[1].ptr_value, &callback, sizeof(callback));
	return options;
}

bool http_tls_ready(void)
{
	return current;
}

/* --- the end of the handshake --- */

static void (*tell)(struct MHD_Connection *connection);

static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
		       const gnutls_datum_t *message)
{
	(void)type;
	(void)when;
	(void)message;
	if (incoming)
		tell(gnutls_session_get_ptr(session)); /* MHD's pointer */
	return 0;
}

void http_tls_begin(struct MHD_Connection *connection, void (*done)(struct MHD_Connection *connection))
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	tell = done;
	if (info && info->tls_session)
		gnutls_handshake_set_hook_function(info->tls_session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
						   on_finished);
}

/* --- loading --- */

static int load_chain(struct pair *pair, const char *text, int64_t *ret_expires)
{
	gnutls_datum_t datum = {(unsigned char *)text, (unsigned)strlen(text)};
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;
	int r = gnutls_x509_crt_list_import2(&list, &count, &datum, GNUTLS_X509_FMT_PEM, 0);

	if (r < 0)
		return r;
	if (!count || count > CHAIN_MAX)
		r = GNUTLS_E_CERTIFICATE_LIST_UNSORTED;
	else
		*ret_expires = gnutls_x509_crt_get_expiration_time(list[0]);
	for (unsigned i = 0; i < count; i++) {
		if (r >= 0)
			r = gnutls_pcert_import_x509(&pair->chain[i], list[i], 0);
		if (r >= 0)
			pair->chain_size = i + 1;
		gnutls_x509_crt_deinit(list[i]);
	}
	gnutls_free(list);
	return r;
}

static int load_key(struct pair *pair, const char *text)
{
	gnutls_datum_t datum = {(unsigned char *)text, (unsigned)strlen(text)};
	int r = gnutls_privkey_init(&pair->key);

	return r < 0 ? r : gnutls_privkey_import_x509_raw(pair->key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
}

static bool belong_together(const struct pair *pair)
{
	uint8_t of_key[32], of_certificate[32];
	size_t key_size = sizeof(of_key), certificate_size = sizeof(of_certificate);
	gnutls_pubkey_t public = NULL;
	bool same = gnutls_pubkey_init(&public) >= 0 && gnutls_pubkey_import_privkey(public, pair->key, 0, 0) >= 0 &&
		    gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_size) >= 0 &&
		    gnutls_pubkey_get_key_id(pair->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_certificate,
					     &certificate_size) >= 0 &&
		    memcmp(of_key, of_certificate, sizeof(of_key)) == 0;

	gnutls_pubkey_deinit(public);
	return same;
}

/* What browsers take. */
static bool usable(const struct pair *pair)
{
	unsigned bits = 0;
	int algorithm = gnutls_pubkey_get_pk_algorithm(pair->chain[0].pubkey, &bits);

	return algorithm == GNUTLS_PK_ECDSA || (algorithm == GNUTLS_PK_RSA && bits >= RSA_BITS_MIN);
}

static int pair_load(struct pair *pair, const char *certificate, const char *key, int64_t *ret_expires,
		     struct rn_err *err)
{
	int r = load_chain(pair, certificate, ret_expires);

	if (r < 0)
		return rn_fail(err, -EINVAL, "the certificate file is not a chain of at most %d PEM certificates: %s",
			       CHAIN_MAX, gnutls_strerror(r));
	r = load_key(pair, key);
	if (r < 0)
		return rn_fail(err, -EINVAL, "the key file holds no private key in PEM without a password: %s",
			       gnutls_strerror(r));
	if (!belong_together(pair))
		return rn_fail(err, -EINVAL, "the key does not belong to the first certificate of the file");
	if (!usable(pair))
		return rn_fail(err, -EINVAL,
			       "browsers take keys of ECDSA, or of RSA with %d bits or more: this is another",
			       RSA_BITS_MIN);
	return 0;
}

int rn_http_tls_load(const char *certificate, const char *key, int64_t *ret_expires, struct rn_err *err)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int r;

	if (!pair)
		return rn_fail(err, -ENOMEM, "out of memory");
	r = pair_load(pair, certificate, key, ret_expires, err);
	if (r < 0) {
		pair_free(pair);
		return r;
	}
	/* Only the last one before can be in use: loading is seldom, and handshakes are short. */
	if (current) {
		pair_free(current->before);
		current->before = NULL;
	}
	pair->before = current;
	current = pair;
	return 0;
}

void rn_http_tls_unload(void)
{
	if (current)
		pair_free(current->before);
	pair_free(current);
	current = NULL;
}
