// SPDX-License-Identifier: Apache-2.0
#include "domain/token.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static const char start[] = "rnt1.";
#define START (sizeof(start) - 1)
#define CHECK 4u /* bytes of SHA-256 */
#define BODY (8 + 16 + 2 + 3 * 32u)
#define TEXT ((BODY + CHECK) / 3 * 4) /* of base64url */
_Static_assert((BODY + CHECK) % 3 == 0, "base64url of a token has no partial group");
_Static_assert(START + TEXT < RN_TOKEN_TEXT, "a token fits its text");

static void checksum(const uint8_t body[BODY], uint8_t out[CHECK])
{
	uint8_t hash[RN_SHA256_SIZE];

	rn_sha256(body, BODY, hash);
	memcpy(out, hash, CHECK);
	rn_wipe(hash, sizeof(hash));
}

void rn_token_put(const struct rn_token *in, char out[RN_TOKEN_TEXT])
{
	uint8_t data[BODY + CHECK];
	struct rn_writer w = rn_writer(data, BODY);

	rn_write_u64(&w, in->id);
	rn_write_bytes(&w, &in->gateway.addr, 16);
	rn_write_u16(&w, in->gateway.port);
	rn_write_bytes(&w, in->seed, RN_KEY_SIZE);
	rn_write_bytes(&w, in->fingerprint, RN_SHA256_SIZE);
	rn_write_bytes(&w, in->gateway_key, RN_KEY_SIZE);
	checksum(data, data + BODY);
	memcpy(out, start, START);
	rn_base64url(data, sizeof(data), out + START, RN_TOKEN_TEXT - START);
	rn_wipe(data, sizeof(data));
}

static bool checks(const uint8_t data[BODY + CHECK])
{
	uint8_t check[CHECK];

	checksum(data, check);
	return memcmp(check, data + BODY, CHECK) == 0;
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
	if (size != START + TEXT)
		return rn_fail(err, -EINVAL,
			       "the token has %zu characters, but a whole one has %zu; copy it again without a break",
			       size, (size_t)(START + TEXT));
	return 0;
}

static bool decode(const char *text, uint8_t data[BODY + CHECK])
{
	char body[TEXT + 1];
	size_t size;
	bool good;

	memcpy(body, text + START, TEXT);
	body[TEXT] = '\0';
	good = rn_base64url_decode(body, data, BODY + CHECK, &size) == 0 && size == BODY + CHECK;
	rn_wipe(body, sizeof(body));
	return good;
}

static struct rn_token read_token(const uint8_t data[BODY])
{
	struct rn_reader r = rn_reader(data, BODY);
	struct rn_token t;

	t.id = rn_read_u64(&r);
	rn_read_bytes(&r, &t.gateway.addr, 16);
	t.gateway.port = rn_read_u16(&r);
	rn_read_bytes(&r, t.seed, RN_KEY_SIZE);
	rn_read_bytes(&r, t.fingerprint, RN_SHA256_SIZE);
	rn_read_bytes(&r, t.gateway_key, RN_KEY_SIZE);
	return t;
}

int rn_token_get(const char *text, struct rn_token *ret, struct rn_err *err)
{
	uint8_t data[BODY + CHECK] = {0};
	size_t size;
	int code;

	text = trimmed(text, &size);
	code = check_form(text, size, err);
	if (code < 0)
		return code;
	if (!decode(text, data) || !checks(data))
		code = rn_fail(err, -EINVAL, "the token has a typing error: its check sum is wrong; copy it again");
	else
		*ret = read_token(data);
	rn_wipe(data, sizeof(data));
	return code;
}
