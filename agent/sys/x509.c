/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/x509.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "sys/x509_der.h"

/*
 * A certificate is written by GnuTLS from a draft, and read in two steps: GnuTLS parses it, then the draft that it can
 * have come from is encoded anew and compared byte for byte (x509_der.c). The signature is checked over the bytes as
 * they came, with the Ed25519 of base/crypto.h, whose tail has one possible encoding. So there is one form of a
 * certificate.
 */
#define ROOT_SECONDS (3650ll * 86400)
#define ISSUING_SECONDS (730ll * 86400)
#define NAME_TEXT 64 /* of a distinguished name */
#define SPKI_SIZE 44 /* of a 32-byte key, RFC 8410 section 4 */
#define TAIL_SIZE 74 /* AlgorithmIdentifier and the signature */

static const uint8_t x25519_spki[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00};
static const uint8_t ed25519_spki[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t tail[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x41, 0x00};

/* All are critical; the order is the order in the certificate. */
static const struct rn_draft_extension root_extensions[RN_DRAFT_EXTENSIONS] = {
    {"2.5.29.19", {0x30, 0x03, 0x01, 0x01, 0xff}, 5}, /* basicConstraints: a CA */
    {"2.5.29.15", {0x03, 0x02, 0x02, 0x04}, 4},	      /* keyUsage: keyCertSign */
};
static const struct rn_draft_extension issuing_extensions[RN_DRAFT_EXTENSIONS] = {
    {"2.5.29.19", {0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00}, 8}, /* a CA, pathlen 0 */
    {"2.5.29.15", {0x03, 0x02, 0x02, 0x04}, 4},
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

/* A positive INTEGER of exactly RN_SERIAL_SIZE bytes (X.690 section 8.3.2, RFC 5280 section 4.1.2.2). */
static bool serial_good(const uint8_t serial[RN_SERIAL_SIZE])
{
	return serial[0] > 0 && serial[0] < 0x80;
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
static void leaf_extensions(const char *uri, struct rn_draft_extension ret[RN_DRAFT_EXTENSIONS])
{
	static const struct rn_draft_extension usage = {"2.5.29.15", {0x03, 0x02, 0x03, 0x08}, 4};
	size_t size = strlen(uri); /* below 128: one length byte */

	ret[0] = usage;
	ret[1] = (struct rn_draft_extension){.oid = "2.5.29.17", .size = size + 4};
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

static int fill(gnutls_x509_crt_t crt, const struct rn_draft *d)
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
	for (unsigned i = 0; r >= 0 && i < RN_DRAFT_EXTENSIONS; i++)
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
static int issue(const struct rn_draft *d, gnutls_x509_crt_t issuer, const uint8_t seed[RN_KEY_SIZE],
		 uint8_t out[RN_CERT_MAX])
{
	gnutls_x509_crt_t crt = NULL;
	size_t size = RN_CERT_MAX;
	int r;

	if (!serial_good(d->serial) || d->not_before < 0 || d->not_before > RN_MOMENT_MAX - d->seconds)
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

static struct rn_draft root_draft(const uint8_t *serial, const uint8_t *public, const char *name, int64_t now)
{
	return (struct rn_draft){.serial = serial,
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
	struct rn_draft d;

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
	struct rn_draft d;

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
	struct rn_draft d = {.serial = serial,
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
	struct rn_draft_extension extensions[RN_DRAFT_EXTENSIONS];
	uint8_t public[RN_KEY_SIZE];
	char uri[RN_DRAFT_URI_TEXT];
	struct rn_draft d = {.serial = leaf->serial,
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

/* A certificate as it came is header, signed part, tail. The signed part; NULL where it is not so. */
static const uint8_t *signed_part(const uint8_t *der, size_t size, size_t *ret_size)
{
	size_t head, length;

	if (size < 128 + TAIL_SIZE || size > RN_CERT_MAX || der[0] != 0x30)
		return NULL;
	if (der[1] == 0x82) {
		head = 4;
		length = (size_t)der[2] << 8 | der[3];
	} else if (der[1] == 0x81) {
		head = 3;
		length = der[2];
	} else {
		return NULL;
	}
	if (length != size - head || (head == 4 && length < 0x100) ||
	    memcmp(der + size - TAIL_SIZE, tail, sizeof(tail)))
		return NULL;
	*ret_size = size - head - TAIL_SIZE;
	return der + head;
}

static bool signed_by(const uint8_t *der, size_t size, const uint8_t public[RN_KEY_SIZE])
{
	size_t part_size;
	const uint8_t *part = signed_part(der, size, &part_size);

	return part && rn_ed25519_verify(public, part, part_size, der + size - RN_SIGNATURE_SIZE);
}

/* Is this, byte for byte, what the draft says under this issuer? */
static bool is_draft(const uint8_t *der, size_t size, const struct rn_draft *draft, const char *issuer)
{
	uint8_t again[RN_CERT_MAX];
	size_t part_size;
	const uint8_t *part = signed_part(der, size, &part_size);
	int again_size = rn_draft_der(draft, issuer, again);

	return part && again_size >= 0 && part_size == (size_t)again_size && !memcmp(part, again, part_size);
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

static bool has_serial(gnutls_x509_crt_t crt, uint8_t ret[RN_SERIAL_SIZE])
{
	uint8_t serial[RN_SERIAL_SIZE + 4];
	size_t size = sizeof(serial);

	if (gnutls_x509_crt_get_serial(crt, serial, &size) < 0 || size != RN_SERIAL_SIZE || !serial_good(serial))
		return false;
	memcpy(ret, serial, RN_SERIAL_SIZE);
	return true;
}

static int within(int64_t now, int64_t not_before, int64_t not_after)
{
	bool early = rn_moment_after(now, RN_CLOCK_SKEW) < not_before;

	return early || rn_moment_after(now, -RN_CLOCK_SKEW) > not_after ? -EKEYEXPIRED : 0;
}

static bool issuing_profile(struct rn_issuer *issuer, const uint8_t *der, size_t size)
{
	char subject[NAME_TEXT], root[NAME_TEXT];
	uint8_t serial[RN_SERIAL_SIZE];
	const struct rn_draft draft = {.serial = serial,
				       .key = issuer->public,
				       .spki = ed25519_spki,
				       .subject = subject,
				       .not_before = gnutls_x509_crt_get_activation_time(issuer->crt),
				       .seconds = ISSUING_SECONDS,
				       .extensions = issuing_extensions};

	root_name(issuer->network, root);
	issuing_name(issuer->network, subject);
	issuer->not_before = draft.not_before;
	issuer->not_after = draft.not_before + ISSUING_SECONDS;
	return has_serial(issuer->crt, serial) && has_key(issuer->crt, ed25519_spki, issuer->public) &&
	       is_draft(der, size, &draft, root);
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
	r = issuing_profile(issuer, der, size) ? 0 : -EBADMSG;
	if (r < 0)
		goto out;
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
static bool leaf_uri(gnutls_x509_crt_t crt, const char *network, char ret_uri[RN_DRAFT_URI_TEXT], struct rn_leaf *ret)
{
	size_t size = RN_DRAFT_URI_TEXT - 1;
	char head[32];
	char *kind, *name;

	if (gnutls_x509_crt_get_subject_alt_name(crt, 0, ret_uri, &size, NULL) != GNUTLS_SAN_URI ||
	    size >= RN_DRAFT_URI_TEXT)
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

static bool leaf_profile(const struct rn_issuer *issuer, gnutls_x509_crt_t crt, const uint8_t *der, size_t size,
			 struct rn_leaf *ret)
{
	struct rn_draft_extension extensions[RN_DRAFT_EXTENSIONS];
	char uri[RN_DRAFT_URI_TEXT], name[NAME_TEXT];
	struct rn_draft draft = {.serial = ret->serial,
				 .key = ret->key,
				 .spki = x25519_spki,
				 .seconds = RN_LEAF_SECONDS,
				 .extensions = extensions};

	if (!has_serial(crt, ret->serial) || !has_key(crt, x25519_spki, ret->key) ||
	    !leaf_uri(crt, issuer->network, uri, ret))
		return false;
	ret->not_before = draft.not_before = gnutls_x509_crt_get_activation_time(crt);
	ret->not_after = draft.not_before + RN_LEAF_SECONDS;
	issuing_name(issuer->network, name);
	leaf_extensions(uri, extensions);
	return is_draft(der, size, &draft, name);
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
	r = leaf_profile(issuer, crt, der, size, &leaf) ? 0 : -EBADMSG;
	gnutls_x509_crt_deinit(crt);
	if (r == 0)
		r = within(now, leaf.not_before, flags & RN_LEAF_EXPIRED_TOO ? INT64_MAX : leaf.not_after);
	if (r == 0)
		r = within(now, issuer->not_before, issuer->not_after);
	if (r == 0)
		*ret = leaf;
	return r;
}
