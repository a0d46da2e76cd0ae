// SPDX-License-Identifier: Apache-2.0
#include "domain/token.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static const char start[] = "rnt1.";
#define START (sizeof(start) - 1)
#define CHECK 4u			 /* bytes of SHA-256 */
#define BODY (8 + 16 + 2 * 2 + 3 * 32u + 2) /* with an empty name */
#define DATA_MAX (BODY + RN_NAME_MAX + CHECK)
#define TEXT(size) (((size) * 4 + 2) / 3) /* characters of base64url */
_Static_assert(START + TEXT(DATA_MAX) < RN_TOKEN_TEXT, "a token fits its text");

static void checksum(const uint8_t *body, size_t size, uint8_t out[CHECK])
{
	uint8_t hash[RN_SHA256_SIZE];

	rn_sha256(body, size, hash);
	memcpy(out, hash, CHECK);
	rn_wipe(hash, sizeof(hash));
}

void rn_token_put(const struct rn_token *in, char out[RN_TOKEN_TEXT])
{
	uint8_t data[DATA_MAX];
	struct rn_writer w = rn_writer(data, sizeof(data) - CHECK);

	rn_write_u64(&w, in->id);
	rn_write_bytes(&w, &in->gateway.addr, 16);
	rn_write_u16(&w, in->gateway.port);
	rn_write_u16(&w, in->gateway_shared);
	rn_write_bytes(&w, in->seed, RN_KEY_SIZE);
	rn_write_bytes(&w, in->fingerprint, RN_SHA256_SIZE);
	rn_write_bytes(&w, in->gateway_key, RN_KEY_SIZE);
	rn_write_u8(&w, (uint8_t)in->kind);
	rn_write_text(&w, in->name);
	checksum(data, w.at, data + w.at);
	memcpy(out, start, START);
	rn_base64url(data, w.at + CHECK, out + START, RN_TOKEN_TEXT - START);
	rn_wipe(data, sizeof(data));
}

static bool checks(const uint8_t *data, size_t size)
{
	uint8_t check[CHECK];

	checksum(data, size - CHECK, check);
	return memcmp(check, data + size - CHECK, CHECK) == 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The token's text without what surrounds it, and its size. */
static const char *trimmed(const char *text, size_t *ret_size)
{
	size_t size;

	while (blank(*text))
		text++;
	size = strlen(text);
	while (size > 0 && blank(text[size - 1]))
		size--;
	*ret_size = size;
	return text;
}

static int check_form(const char *text, size_t size, struct rn_err *err)
{
	if (size == 0)
		return rn_fail(err, -EINVAL,
			       "the token is empty; paste the whole line that `rnaut token create` printed");
	if (size < START || memcmp(text, start, START) != 0)
		return rn_fail(
		    err, -EINVAL,
		    "this is not an enrolment token; one begins with \"%s\" and comes from `rnaut token create` "
		    "on the gateway",
		    start);
	if (size < START + TEXT(BODY + CHECK) || size > START + TEXT(DATA_MAX))
		return rn_fail(err, -EINVAL,
			       "the token has %zu characters, but a whole one has %zu to %zu; copy it again without a break",
			       size, (size_t)(START + TEXT(BODY + CHECK)), (size_t)(START + TEXT(DATA_MAX)));
	return 0;
}

/* The token's bytes; their number, or 0 where the text is no base64url. */
static size_t decode(const char *text, size_t size, uint8_t data[DATA_MAX])
{
	char body[TEXT(DATA_MAX) + 1];
	size_t got = 0;

	memcpy(body, text + START, size - START);
	body[size - START] = '\0';
	if (rn_base64url_decode(body, data, DATA_MAX, &got) < 0)
		got = 0;
	rn_wipe(body, sizeof(body));
	return got;
}

static int read_token(const uint8_t *data, size_t size, struct rn_token *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_token t = {0};

	t.id = rn_read_u64(&r);
	rn_read_bytes(&r, &t.gateway.addr, 16);
	t.gateway.port = rn_read_u16(&r);
	t.gateway_shared = rn_read_u16(&r);
	rn_read_bytes(&r, t.seed, RN_KEY_SIZE);
	rn_read_bytes(&r, t.fingerprint, RN_SHA256_SIZE);
	rn_read_bytes(&r, t.gateway_key, RN_KEY_SIZE);
	t.kind = rn_read_u8(&r);
	rn_read_text(&r, t.name, sizeof(t.name));
	if (rn_reader_done(&r) && rn_kind_name(t.kind))
		*ret = t;
	else
		r.failed = true;
	rn_wipe(&t, sizeof(t));
	return r.failed ? -EINVAL : 0;
}

int rn_token_get(const char *text, struct rn_token *ret, struct rn_err *err)
{
	uint8_t data[DATA_MAX] = {0};
	size_t size, got;
	int code;

	text = trimmed(text, &size);
	code = check_form(text, size, err);
	if (code < 0)
		return code;
	got = decode(text, size, data);
	if (got < BODY + CHECK || !checks(data, got))
		code = rn_fail(err, -EINVAL, "the token has a typing error: its check sum is wrong; copy it again");
	else if (read_token(data, got - CHECK, ret) < 0)
		code = rn_fail(err, -EINVAL, "the token is not of a kind that this rnaut knows; use the gateway's version");
	rn_wipe(data, sizeof(data));
	return code;
}
