/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/x509.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A certificate is written by GnuTLS from a draft, and read in two steps: GnuTLS parses it (strict DER), then every
 * field is compared with what a draft could have said. The signature is checked over the bytes as they came, with the
 * Ed25519 of base/crypto.h, whose tail has one possible encoding: nothing outside the signed part can vary.
 */
#define ROOT_SECONDS (3650ll * 86400)
#define ISSUING_SECONDS (730ll * 86400)
#define NAME_TEXT 64   /* of a distinguished name */
#define URI_TEXT 112   /* rnaut://NETWORK/KIND/NAME */
#define SPKI_SIZE 44   /* of a 32-byte key, RFC 8410 section 4 */
#define TAIL_SIZE 74   /* AlgorithmIdentifier and the signature */
#define EXTENSIONS_MAX 2

static const uint8_t x25519_spki[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00};
static const uint8_t ed25519_spki[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t tail[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x41, 0x00};

struct extension {
	const char *oid;
	uint8_t data[URI_TEXT + 4];
	size_t size;
};

/* All are critical; the order is the order in the certificate. */
static const struct extension root_extensions[EXTENSIONS_MAX] = {
	{"2.5.29.19", {0x30, 0x03, 0x01, 0x01, 0xff}, 5}, /* basicConstraints: a CA */
	{"2.5.29.15", {0x03, 0x02, 0x02, 0x04}, 4},	  /* keyUsage: keyCertSign */
};
static const struct extension issuing_extensions[EXTENSIONS_MAX] = {
	{"2.5.29.19", {0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00}, 8}, /* a CA, pathlen 0 */
	{"2.5.29.15", {0x03, 0x02, 0x02, 0x04}, 4},
};

struct draft {
	const uint8_t *serial, *key, *spki;
	const char *subject; /* common name; NULL: empty subject */
	int64_t not_before, seconds;
	const struct extension *extensions; /* EXTENSIONS_MAX */
};

struct rn_issuer {
	gnutls_x509_crt_t crt;
	uint8_t public[RN_KEY_SIZE];
	char network[RN_NETWORK_TEXT];
	int64_t not_before, not_after;
};

void rn_x509_network(const uint8_t root_public[RN_KEY_SIZE], char ret[RN_NETWORK_TEXT])
{
	uint8_t digest[RN_SHA256_SIZE];

	rn_sha256(root_public, RN_KEY_SIZE, digest);
	rn_hex(digest, (RN_NETWORK_TEXT - 1) / 2, ret, RN_NETWORK_TEXT);
}

void rn_x509_serial(uint8_t ret[RN_SERIAL_SIZE])
{
	rn_random(ret, RN_SERIAL_SIZE);
	/* Positive and of full length, so that DER neither pads nor shortens it. */
	ret[0] = (ret[0] & 0x3f) | 0x40;
}

static bool name_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (!first && (c == '.' || c == '_' || c == '-'));
}

bool rn_leaf_name_valid(const char *name)
{
	size_t size = strnlen(name, sizeof(((struct rn_leaf *)0)->name));

	if (!size || size == sizeof(((struct rn_leaf *)0)->name))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!name_byte(name[i], i == 0))
			return false;
	return true;
}

static bool kind_valid(const char *kind)
{
	size_t size = strnlen(kind, sizeof(((struct rn_leaf *)0)->kind));

	return size && size < sizeof(((struct rn_leaf *)0)->kind) && strspn(kind, "abcdefghijklmnopqrstuvwxyz") == size;
}

/* The two extensions of a leaf: keyUsage keyAgreement, and the URI as its only subjectAltName. */
static void leaf_extensions(const char *uri, struct extension ret[EXTENSIONS_MAX])
{
	static const struct extension usage = {"2.5.29.15", {0x03, 0x02, 0x03, 0x08}, 4};
	size_t size = strlen(uri); /* below 128: one length byte */

	ret[0] = usage;
	ret[1] = (struct extension){.oid = "2.5.29.17", .size = size + 4};
	ret[1].data[0] = 0x30;
	ret[1].data[1] = (uint8_t)(size + 2);
	ret[1].data[2] = 0x86;
	ret[1].data[3] = (uint8_t)size;
	memcpy(ret[1].data + 4, uri, size);
}

static int set_key(gnutls_x509_crt_t crt, const uint8_t prefix[sizeof(x25519_spki)], const uint8_t key[RN_KEY_SIZE])
{
	uint8_t spki[SPKI_SIZE];
	gnutls_datum_t datum = {spki, sizeof(spki)};
	gnutls_pubkey_t public = NULL;
	int r;

	memcpy(spki, prefix, sizeof(x25519_spki));
	memcpy(spki + sizeof(x25519_spki), key, RN_KEY_SIZE);
	r = gnutls_pubkey_init(&public);
	if (r < 0)
		return r;
	r = gnutls_pubkey_import(public, &datum, GNUTLS_X509_FMT_DER);
	if (r >= 0)
		r = gnutls_x509_crt_set_pubkey(crt, public);
	gnutls_pubkey_deinit(public);
	return r;
}

static int fill(gnutls_x509_crt_t crt, const struct draft *d)
{
	int r = gnutls_x509_crt_set_version(crt, 3);

	if (r >= 0)
		r = gnutls_x509_crt_set_serial(crt, d->serial, RN_SERIAL_SIZE);
	if (r >= 0)
		r = gnutls_x509_crt_set_activation_time(crt, d->not_before);
	if (r >= 0)
		r = gnutls_x509_crt_set_expiration_time(crt, d->not_before + d->seconds);
	if (r >= 0 && d->subject)
		r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, d->subject,
						  (unsigned)strlen(d->subject));
	if (r >= 0)
		r = set_key(crt, d->spki, d->key);
	for (unsigned i = 0; r >= 0 && i < EXTENSIONS_MAX; i++)
		r = gnutls_x509_crt_set_extension_by_oid(crt, d->extensions[i].oid, d->extensions[i].data,
							 d->extensions[i].size, 1);
	return r;
}

static int sign(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, const uint8_t seed[RN_KEY_SIZE])
{
	uint8_t public[RN_KEY_SIZE], secret[RN_KEY_SIZE];
	gnutls_datum_t x = {public, RN_KEY_SIZE}, k = {secret, RN_KEY_SIZE};
	gnutls_privkey_t key = NULL;
	int r = gnutls_privkey_init(&key);

	if (r < 0)
		return r;
	rn_ed25519_public(seed, public);
	memcpy(secret, seed, RN_KEY_SIZE);
	r = gnutls_privkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &k);
	rn_wipe(secret, sizeof(secret));
	if (r >= 0)
		r = gnutls_x509_crt_privkey_sign(crt, issuer, key, GNUTLS_DIG_SHA512, 0);
	gnutls_privkey_deinit(key);
	return r;
}

/* issuer NULL: self-signed. */
static int issue(const struct draft *d, gnutls_x509_crt_t issuer, const uint8_t seed[RN_KEY_SIZE],
		 uint8_t out[RN_CERT_MAX])
{
	gnutls_x509_crt_t crt = NULL;
	size_t size = RN_CERT_MAX;
	int r;

	if (!(d->serial[0] & 0x7f) || (d->serial[0] & 0x80))
		return -EINVAL;
	r = gnutls_x509_crt_init(&crt);
	if (r < 0)
		return -EIO;
	r = fill(crt, d);
	if (r >= 0)
		r = sign(crt, issuer ? issuer : crt, seed);
	if (r >= 0)
		r = gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_DER, out, &size);
	gnutls_x509_crt_deinit(crt);
	return r < 0 ? -EIO : (int)size;
}

static void root_name(const char *network, char ret[NAME_TEXT])
{
	snprintf(ret, NAME_TEXT, "rnaut %s", network);
}

static void issuing_name(const char *network, char ret[NAME_TEXT])
{
	snprintf(ret, NAME_TEXT, "rnaut %s issuing", network);
}

static struct draft root_draft(const uint8_t *serial, const uint8_t *public, const char *name, int64_t now)
{
	return (struct draft){.serial = serial,
			      .key = public,
			      .spki = ed25519_spki,
			      .subject = name,
			      .not_before = now,
			      .seconds = ROOT_SECONDS,
			      .extensions = root_extensions};
}

int rn_x509_root(const uint8_t root_seed[RN_KEY_SIZE], const uint8_t serial[RN_SERIAL_SIZE], int64_t now,
		 uint8_t out[RN_CERT_MAX])
{
	char network[RN_NETWORK_TEXT], name[NAME_TEXT];
	uint8_t public[RN_KEY_SIZE];
	struct draft d;

	rn_ed25519_public(root_seed, public);
	rn_x509_network(public, network);
	root_name(network, name);
	d = root_draft(serial, public, name, now);
	return issue(&d, NULL, root_seed, out);
}

/* The root as an issuer's name: only its subject counts, so it is made anew instead of read from a file. */
static int root_crt(const uint8_t root_public[RN_KEY_SIZE], const char *network, int64_t now, gnutls_x509_crt_t *ret)
{
	static const uint8_t serial[RN_SERIAL_SIZE] = {0x40};
	char name[NAME_TEXT];
	gnutls_x509_crt_t crt = NULL;
	struct draft d;

	root_name(network, name);
	d = root_draft(serial, root_public, name, now);
	if (gnutls_x509_crt_init(&crt) < 0)
		return -EIO;
	if (fill(crt, &d) < 0) {
		gnutls_x509_crt_deinit(crt);
		return -EIO;
	}
	*ret = crt;
	return 0;
}

int rn_x509_issuing(const uint8_t root_seed[RN_KEY_SIZE], const uint8_t issuing_public[RN_KEY_SIZE],
		    const uint8_t serial[RN_SERIAL_SIZE], int64_t now, uint8_t out[RN_CERT_MAX])
{
	char network[RN_NETWORK_TEXT], name[NAME_TEXT];
	uint8_t public[RN_KEY_SIZE];
	gnutls_x509_crt_t root = NULL;
	struct draft d = {.serial = serial,
			  .key = issuing_public,
			  .spki = ed25519_spki,
			  .subject = name,
			  .not_before = now,
			  .seconds = ISSUING_SECONDS,
			  .extensions = issuing_extensions};
	int r;

	rn_ed25519_public(root_seed, public);
	rn_x509_network(public, network);
	issuing_name(network, name);
	r = root_crt(public, network, now, &root);
	if (r < 0)
		return r;
	r = issue(&d, root, root_seed, out);
	gnutls_x509_crt_deinit(root);
	return r;
}

int rn_x509_leaf(const struct rn_issuer *issuer, const uint8_t issuing_seed[RN_KEY_SIZE], const struct rn_leaf *leaf,
		 uint8_t out[RN_CERT_MAX])
{
	struct extension extensions[EXTENSIONS_MAX];
	uint8_t public[RN_KEY_SIZE];
	char uri[URI_TEXT];
	struct draft d = {.serial = leaf->serial,
			  .key = leaf->key,
			  .spki = x25519_spki,
			  .not_before = leaf->not_before,
			  .seconds = RN_LEAF_SECONDS,
			  .extensions = extensions};

	rn_ed25519_public(issuing_seed, public);
	if (!rn_leaf_name_valid(leaf->name) || !kind_valid(leaf->kind) ||
	    !rn_equal(public, issuer->public, sizeof(public)))
		return -EINVAL;
	snprintf(uri, sizeof(uri), "rnaut://%s/%s/%s", issuer->network, leaf->kind, leaf->name);
	leaf_extensions(uri, extensions);
	return issue(&d, issuer->crt, issuing_seed, out);
}

/* --- reading --- */

/* The signature, over the bytes as they came: header, signed part, tail. */
static bool signed_by(const uint8_t *der, size_t size, const uint8_t public[RN_KEY_SIZE])
{
	size_t head, length;

	if (size < 128 + TAIL_SIZE || der[0] != 0x30)
		return false;
	if (der[1] == 0x82) {
		head = 4;
		length = (size_t)der[2] << 8 | der[3];
	} else if (der[1] == 0x81) {
		head = 3;
		length = der[2];
	} else {
		return false;
	}
	if (length != size - head || memcmp(der + size - TAIL_SIZE, tail, sizeof(tail)))
		return false;
	return rn_ed25519_verify(public, der + head, size - head - TAIL_SIZE, der + size - RN_SIGNATURE_SIZE);
}

static int parse(const uint8_t *der, size_t size, gnutls_x509_crt_t *ret)
{
	gnutls_datum_t datum = {(unsigned char *)der, (unsigned)size};
	gnutls_x509_crt_t crt = NULL;

	if (gnutls_x509_crt_init(&crt) < 0)
		return -ENOMEM;
	if (gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(crt);
		return -EBADMSG;
	}
	*ret = crt;
	return 0;
}

static bool has_key(gnutls_x509_crt_t crt, const uint8_t prefix[sizeof(x25519_spki)], uint8_t ret[RN_KEY_SIZE])
{
	gnutls_pubkey_t public = NULL;
	uint8_t spki[SPKI_SIZE];
	size_t size = sizeof(spki);
	bool good;

	if (gnutls_pubkey_init(&public) < 0)
		return false;
	good = gnutls_pubkey_import_x509(public, crt, 0) >= 0 &&
	       gnutls_pubkey_export(public, GNUTLS_X509_FMT_DER, spki, &size) >= 0 && size == SPKI_SIZE &&
	       !memcmp(spki, prefix, sizeof(x25519_spki));
	if (good)
		memcpy(ret, spki + sizeof(x25519_spki), RN_KEY_SIZE);
	gnutls_pubkey_deinit(public);
	return good;
}

/* Exactly one extension at this place, critical, with these bytes. */
static bool has_extension(gnutls_x509_crt_t crt, unsigned at, const struct extension *want)
{
	uint8_t data[sizeof(want->data)];
	size_t oid_size, size = sizeof(data);
	unsigned critical = 0;
	char oid[16];

	oid_size = sizeof(oid);
	if (gnutls_x509_crt_get_extension_info(crt, at, oid, &oid_size, &critical) < 0 || !critical ||
	    strcmp(oid, want->oid))
		return false;
	return gnutls_x509_crt_get_extension_data(crt, at, data, &size) >= 0 && size == want->size &&
	       !memcmp(data, want->data, size);
}

static bool has_extensions(gnutls_x509_crt_t crt, const struct extension want[EXTENSIONS_MAX])
{
	char oid[128];
	size_t size = sizeof(oid);
	unsigned critical;

	for (unsigned i = 0; i < EXTENSIONS_MAX; i++)
		if (!has_extension(crt, i, &want[i]))
			return false;
	return gnutls_x509_crt_get_extension_info(crt, EXTENSIONS_MAX, oid, &size, &critical) ==
	       GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

/* Version, serial, length of life. */
static bool has_frame(gnutls_x509_crt_t crt, int64_t seconds, uint8_t ret_serial[RN_SERIAL_SIZE])
{
	uint8_t serial[RN_SERIAL_SIZE + 4];
	size_t size = sizeof(serial);

	if (gnutls_x509_crt_get_version(crt) != 3 || gnutls_x509_crt_get_serial(crt, serial, &size) < 0 ||
	    size != RN_SERIAL_SIZE)
		return false;
	memcpy(ret_serial, serial, RN_SERIAL_SIZE);
	return (int64_t)gnutls_x509_crt_get_expiration_time(crt) - gnutls_x509_crt_get_activation_time(crt) == seconds;
}

static bool has_name(gnutls_x509_crt_t crt, int (*get)(gnutls_x509_crt_t, char *, size_t *), const char *common_name)
{
	char text[NAME_TEXT + 4];
	size_t size = sizeof(text);

	return get(crt, text, &size) >= 0 && !strncmp(text, "CN=", 3) && !strcmp(text + 3, common_name);
}

static int within(int64_t now, int64_t not_before, int64_t not_after)
{
	return now + RN_CLOCK_SKEW < not_before || now - RN_CLOCK_SKEW > not_after ? -EKEYEXPIRED : 0;
}

static bool issuing_profile(struct rn_issuer *issuer)
{
	char subject[NAME_TEXT], root[NAME_TEXT];
	uint8_t serial[RN_SERIAL_SIZE];

	root_name(issuer->network, root);
	issuing_name(issuer->network, subject);
	return has_frame(issuer->crt, ISSUING_SECONDS, serial) &&
	       has_name(issuer->crt, gnutls_x509_crt_get_issuer_dn, root) &&
	       has_name(issuer->crt, gnutls_x509_crt_get_dn, subject) &&
	       has_key(issuer->crt, ed25519_spki, issuer->public) && has_extensions(issuer->crt, issuing_extensions);
}

int rn_issuer_new(const uint8_t *der, size_t size, const uint8_t root_public[RN_KEY_SIZE], int64_t now,
		  struct rn_issuer **ret)
{
	struct rn_issuer *issuer;
	int r;

	if (size > RN_CERT_MAX || !signed_by(der, size, root_public))
		return -EBADMSG;
	issuer = calloc(1, sizeof(*issuer));
	if (!issuer)
		return -ENOMEM;
	rn_x509_network(root_public, issuer->network);
	r = parse(der, size, &issuer->crt);
	if (r < 0)
		goto out;
	r = issuing_profile(issuer) ? 0 : -EBADMSG;
	if (r < 0)
		goto out;
	issuer->not_before = gnutls_x509_crt_get_activation_time(issuer->crt);
	issuer->not_after = gnutls_x509_crt_get_expiration_time(issuer->crt);
	r = within(now, issuer->not_before, issuer->not_after);
out:
	if (r < 0)
		rn_issuer_free(issuer);
	else
		*ret = issuer;
	return r;
}

void rn_issuer_free(struct rn_issuer *issuer)
{
	if (!issuer)
		return;
	if (issuer->crt)
		gnutls_x509_crt_deinit(issuer->crt);
	free(issuer);
}

const uint8_t *rn_issuer_public(const struct rn_issuer *issuer)
{
	return issuer->public;
}

const char *rn_issuer_network(const struct rn_issuer *issuer)
{
	return issuer->network;
}

/* rnaut://NETWORK/KIND/NAME out of the certificate's alternative name. */
static bool leaf_uri(gnutls_x509_crt_t crt, const char *network, char ret_uri[URI_TEXT], struct rn_leaf *ret)
{
	size_t size = URI_TEXT - 1;
	char head[32];
	char *kind, *name;

	if (gnutls_x509_crt_get_subject_alt_name(crt, 0, ret_uri, &size, NULL) != GNUTLS_SAN_URI || size >= URI_TEXT)
		return false;
	ret_uri[size] = '\0';
	snprintf(head, sizeof(head), "rnaut://%s/", network);
	if (strlen(ret_uri) != size || strncmp(ret_uri, head, strlen(head)))
		return false;
	kind = ret_uri + strlen(head);
	name = strchr(kind, '/');
	if (!name || (size_t)(name - kind) >= sizeof(ret->kind) || !rn_leaf_name_valid(name + 1))
		return false;
	memcpy(ret->kind, kind, (size_t)(name - kind));
	memcpy(ret->name, name + 1, strlen(name + 1));
	return kind_valid(ret->kind);
}

static bool leaf_profile(const struct rn_issuer *issuer, gnutls_x509_crt_t crt, struct rn_leaf *ret)
{
	struct extension extensions[EXTENSIONS_MAX];
	char uri[URI_TEXT], name[NAME_TEXT];
	gnutls_datum_t subject = {NULL, 0};
	bool empty;

	issuing_name(issuer->network, name);
	if (!has_frame(crt, RN_LEAF_SECONDS, ret->serial) || !has_name(crt, gnutls_x509_crt_get_issuer_dn, name) ||
	    !has_key(crt, x25519_spki, ret->key) || !leaf_uri(crt, issuer->network, uri, ret))
		return false;
	leaf_extensions(uri, extensions);
	if (!has_extensions(crt, extensions) || gnutls_x509_crt_get_raw_dn(crt, &subject) < 0)
		return false;
	empty = subject.size == 2;
	gnutls_free(subject.data);
	return empty;
}

int rn_issuer_verify(const struct rn_issuer *issuer, const uint8_t *der, size_t size, int64_t now, unsigned flags,
		     struct rn_leaf *ret)
{
	struct rn_leaf leaf = {0};
	gnutls_x509_crt_t crt = NULL;
	int r;

	if (size > RN_CERT_MAX || !signed_by(der, size, issuer->public))
		return -EBADMSG;
	r = parse(der, size, &crt);
	if (r < 0)
		return r;
	r = leaf_profile(issuer, crt, &leaf) ? 0 : -EBADMSG;
	leaf.not_before = gnutls_x509_crt_get_activation_time(crt);
	leaf.not_after = gnutls_x509_crt_get_expiration_time(crt);
	gnutls_x509_crt_deinit(crt);
	if (r == 0)
		r = within(now, leaf.not_before, flags & RN_LEAF_EXPIRED_TOO ? INT64_MAX : leaf.not_after);
	if (r == 0)
		r = within(now, issuer->not_before, issuer->not_after);
	if (r == 0)
		*ret = leaf;
	return r;
}
