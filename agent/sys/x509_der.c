/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/x509_der.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

/*
 * A reader that takes several encodings of the same certificate gives a device several fingerprints. GnuTLS's does: it
 * reads other types of strings and other forms of TRUE. So what it has read is written here again and compared.
 */
#define SEQUENCE 0x30
#define SET 0x31
#define OCTETS 0x04
#define OID 0x06
#define PRINTABLE 0x13
#define UTC_TIME 0x17
#define GENERALIZED_TIME 0x18
#define EXTENSIONS 0xa3
#define INTEGER 0x02

static void put(struct rn_writer *w, uint8_t tag, const void *data, size_t size)
{
	rn_write_u8(w, tag);
	if (size > 0xff) {
		rn_write_u8(w, 0x82);
		rn_write_u8(w, (uint8_t)(size >> 8));
	} else if (size > 0x7f) {
		rn_write_u8(w, 0x81);
	}
	rn_write_u8(w, (uint8_t)size);
	rn_write_bytes(w, data, size);
}

/* What was written since `from` becomes the content of one element. */
static void enclose(struct rn_writer *w, size_t from, uint8_t tag)
{
	uint8_t content[RN_CERT_MAX];
	size_t size = w->at - from;

	if (w->failed || size > sizeof(content)) {
		w->failed = true;
		return;
	}
	memcpy(content, w->data + from, size);
	w->at = from;
	put(w, tag, content, size);
}

/* A name of one common name, or an empty one. */
static void put_name(struct rn_writer *w, const char *common_name)
{
	static const uint8_t oid[] = {0x55, 0x04, 0x03};
	const size_t from = w->at;

	if (common_name) {
		put(w, OID, oid, sizeof(oid));
		put(w, PRINTABLE, common_name, strlen(common_name));
		enclose(w, from, SEQUENCE);
		enclose(w, from, SET);
	}
	enclose(w, from, SEQUENCE);
}

/* RFC 5280 section 4.1.2.5: UTCTime through the year 2049. */
static bool put_time(struct rn_writer *w, int64_t seconds)
{
	const time_t at = seconds;
	char text[32];
	struct tm utc;

	if (seconds < 0 || !gmtime_r(&at, &utc) || utc.tm_year > 9999 - 1900)
		return false;
	strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &utc);
	if (utc.tm_year < 150)
		put(w, UTC_TIME, text + 2, strlen(text + 2));
	else
		put(w, GENERALIZED_TIME, text, strlen(text));
	return true;
}

static void put_extension(struct rn_writer *w, const struct rn_draft_extension *extension)
{
	static const uint8_t critical[] = {0x01, 0x01, 0xff};
	const uint8_t oid[] = {0x55, 0x1d, (uint8_t)strtoul(extension->oid + strlen("2.5.29."), NULL, 10)};
	const size_t from = w->at;

	put(w, OID, oid, sizeof(oid));
	rn_write_bytes(w, critical, sizeof(critical));
	put(w, OCTETS, extension->data, extension->size);
	enclose(w, from, SEQUENCE);
}

int rn_draft_der(const struct rn_draft *draft, const char *issuer, uint8_t out[RN_CERT_MAX])
{
	static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
	static const uint8_t ed25519[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
	struct rn_writer w = rn_writer(out, RN_CERT_MAX);
	size_t from;

	rn_write_bytes(&w, version, sizeof(version));
	put(&w, INTEGER, draft->serial, RN_SERIAL_SIZE);
	rn_write_bytes(&w, ed25519, sizeof(ed25519));
	put_name(&w, issuer);
	from = w.at;
	if (!put_time(&w, draft->not_before) || !put_time(&w, draft->not_before + draft->seconds))
		return -ERANGE;
	enclose(&w, from, SEQUENCE);
	put_name(&w, draft->subject);
	rn_write_bytes(&w, draft->spki, RN_DRAFT_SPKI);
	rn_write_bytes(&w, draft->key, RN_KEY_SIZE);
	from = w.at;
	for (unsigned i = 0; i < RN_DRAFT_EXTENSIONS; i++)
		put_extension(&w, &draft->extensions[i]);
	enclose(&w, from, SEQUENCE);
	enclose(&w, from, EXTENSIONS);
	enclose(&w, 0, SEQUENCE);
	return w.failed ? -EMSGSIZE : (int)w.at;
}
