/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/x509_console.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define CA_SECONDS (3650ll * 86400)
#define SKEW_SECONDS 3600 /* a browser's clock may be behind */
#define SERIAL_SIZE 16
#define KEY_ID_SIZE 20

static int new_key(gnutls_x509_privkey_t *ret)
{
	int r = gnutls_x509_privkey_init(ret);

	return r < 0 ? r
		     : gnutls_x509_privkey_generate(*ret, GNUTLS_PK_ECDSA,
						    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static int key_text(gnutls_x509_privkey_t key, char ret[RN_CONSOLE_PEM_MAX])
{
	size_t size = RN_CONSOLE_PEM_MAX;

	return gnutls_x509_privkey_export_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, ret, &size);
}

static int certificate_text(gnutls_x509_crt_t crt, char ret[RN_CONSOLE_PEM_MAX])
{
	size_t size = RN_CONSOLE_PEM_MAX;

	return gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, ret, &size);
}

/* What both kinds have. */
static int begin(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *name, int64_t now, int64_t seconds,
		 uint8_t serial[SERIAL_SIZE])
{
	uint8_t id[KEY_ID_SIZE];
	size_t id_size = sizeof(id);
	int r = gnutls_x509_crt_set_version(crt, 3);

	if (r >= 0)
		r = gnutls_x509_crt_set_serial(crt, serial, SERIAL_SIZE);
	if (r >= 0)
		r = gnutls_x509_crt_set_activation_time(crt, now - SKEW_SECONDS);
	if (r >= 0)
		r = gnutls_x509_crt_set_expiration_time(crt, now + seconds);
	if (r >= 0)
		r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	if (r >= 0)
		r = gnutls_x509_crt_set_key(crt, key);
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA1, id, &id_size);
	return r < 0 ? r : gnutls_x509_crt_set_subject_key_id(crt, id, id_size);
}

static void random_serial(uint8_t ret[SERIAL_SIZE])
{
	rn_random(ret, SERIAL_SIZE);
	ret[0] = (ret[0] & 0x3f) | 0x40; /* positive and of full length */
}

static int make_ca(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, int64_t now)
{
	uint8_t serial[SERIAL_SIZE];
	char name[64], digits[17];
	int r;

	random_serial(serial);
	rn_hex(serial, 8, digits, sizeof(digits));
	snprintf(name, sizeof(name), "rnaut console CA %s", digits);
	r = begin(crt, key, name, now, CA_SECONDS, serial);
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN);
	return r < 0 ? r : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

int rn_console_ca(int64_t now, char ret_key[RN_CONSOLE_PEM_MAX], char ret_certificate[RN_CONSOLE_PEM_MAX])
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int r = new_key(&key);

	if (r >= 0)
		r = gnutls_x509_crt_init(&crt);
	if (r >= 0)
		r = make_ca(crt, key, now);
	if (r >= 0)
		r = key_text(key, ret_key);
	if (r >= 0)
		r = certificate_text(crt, ret_certificate);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return r < 0 ? -EIO : 0;
}

static int add_name(gnutls_x509_crt_t crt, const char *name)
{
	uint8_t address[16];
	unsigned size = inet_pton(AF_INET, name, address) == 1 ? 4 : inet_pton(AF_INET6, name, address) == 1 ? 16 : 0;

	if (size)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, size,
							    GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
						    GNUTLS_FSAN_APPEND);
}

struct authority {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
};

static int make_server(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const struct authority *ca,
		       const char *const *names, int64_t now)
{
	uint8_t serial[SERIAL_SIZE], id[KEY_ID_SIZE];
	size_t id_size = sizeof(id);
	char subject[64];
	int r;

	random_serial(serial);
	snprintf(subject, sizeof(subject), "%.63s", names[0]);
	r = begin(crt, key, subject, now, RN_CONSOLE_DAYS * 86400ll, serial);
	for (; r >= 0 && *names; names++)
		r = add_name(crt, *names);
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (r >= 0)
		r = gnutls_x509_crt_get_subject_key_id(ca->crt, id, &id_size, NULL);
	if (r >= 0)
		r = gnutls_x509_crt_set_authority_key_id(crt, id, id_size);
	return r < 0 ? r : gnutls_x509_crt_sign2(crt, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0);
}

static int import(const char *text, gnutls_x509_crt_t *ret)
{
	gnutls_datum_t datum = {(unsigned char *)text, (unsigned)strlen(text)};
	int r = gnutls_x509_crt_init(ret);

	return r < 0 ? r : gnutls_x509_crt_import(*ret, &datum, GNUTLS_X509_FMT_PEM);
}

static int open_authority(struct authority *ca, const char *key, const char *certificate)
{
	gnutls_datum_t datum = {(unsigned char *)key, (unsigned)strlen(key)};
	int r = import(certificate, &ca->crt);

	if (r >= 0)
		r = gnutls_x509_privkey_init(&ca->key);
	return r < 0 ? r : gnutls_x509_privkey_import(ca->key, &datum, GNUTLS_X509_FMT_PEM);
}

static void close_authority(struct authority *ca)
{
	gnutls_x509_crt_deinit(ca->crt);
	gnutls_x509_privkey_deinit(ca->key);
}

int rn_console_certificate(const char *ca_key, const char *ca_certificate, const char *const *names, int64_t now,
			   char ret_key[RN_CONSOLE_PEM_MAX], char ret_certificate[RN_CONSOLE_PEM_MAX])
{
	struct authority ca = {NULL, NULL};
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int r;

	if (!names[0])
		return -EINVAL;
	if (open_authority(&ca, ca_key, ca_certificate) < 0) {
		close_authority(&ca);
		return -EBADMSG;
	}
	r = new_key(&key);
	if (r >= 0)
		r = gnutls_x509_crt_init(&crt);
	if (r >= 0)
		r = make_server(crt, key, &ca, names, now);
	if (r >= 0)
		r = key_text(key, ret_key);
	if (r >= 0)
		r = certificate_text(crt, ret_certificate);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	close_authority(&ca);
	return r < 0 ? -EIO : 0;
}

static bool covers(gnutls_x509_crt_t crt, const char *const *names)
{
	for (; *names; names++)
		if (!gnutls_x509_crt_check_hostname2(crt, *names, GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS))
			return false;
	return true;
}

bool rn_console_good(const char *ca_certificate, const char *certificate, const char *const *names, int64_t now,
		     int64_t until)
{
	gnutls_x509_crt_t ca = NULL, crt = NULL;
	unsigned trouble = 0;
	bool good = import(ca_certificate, &ca) >= 0 && import(certificate, &crt) >= 0 &&
		    gnutls_x509_crt_verify(crt, &ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &trouble) >= 0 && !trouble &&
		    gnutls_x509_crt_get_activation_time(crt) <= now &&
		    gnutls_x509_crt_get_expiration_time(crt) >= until && covers(crt, names);

	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(ca);
	return good;
}
