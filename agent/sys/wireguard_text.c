/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/wireguard_backend.h"

/* Writing. */

struct text {
	char *out;
	size_t size, at;
	bool failed;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->out + t->at, t->size - t->at, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->size - t->at)
		t->failed = true;
	else
		t->at += n;
}

static void add_key(struct text *t, const char *name, const uint8_t key[RN_KEY_SIZE])
{
	char hex[2 * RN_KEY_SIZE + 1];

	rn_hex(key, RN_KEY_SIZE, hex, sizeof(hex));
	add(t, "%s=%s\n", name, hex);
	rn_wipe(hex, sizeof(hex));
}

static int finish(struct text *t)
{
	add(t, "\n");
	return t->failed ? -EMSGSIZE : (int)t->at;
}

int rn_uapi_set_device(char *out, size_t size, const uint8_t private_key[RN_KEY_SIZE], uint16_t port)
{
	struct text t = {.out = out, .size = size};

	add(&t, "set=1\n");
	add_key(&t, "private_key", private_key);
	add(&t, "listen_port=%u\n", port);
	return finish(&t);
}

static void add_allowed(struct text *t, const struct rn_prefix *p)
{
	char prefix[RN_PREFIX_TEXT];

	add(t, "allowed_ip=%s\n", rn_prefix_format(p, prefix));
}

int rn_uapi_set_peer(char *out, size_t size, const struct rn_wireguard_peer *peer)
{
	struct text t = {.out = out, .size = size};
	char endpoint[RN_ENDPOINT_TEXT];

	add(&t, "set=1\n");
	add_key(&t, "public_key", peer->key);
	if (peer->endpoint.port)
		add(&t, "endpoint=%s\n", rn_endpoint_format(&peer->endpoint, endpoint));
	add(&t, "persistent_keepalive_interval=%u\n", peer->keepalive);
	if (!peer->keep_allowed)
		add(&t, "replace_allowed_ips=true\n");
	for (unsigned i = 0; !peer->keep_allowed && i < peer->allowed_count; i++)
		add_allowed(&t, &peer->allowed[i]);
	return finish(&t);
}

int rn_uapi_remove_peer(char *out, size_t size, const uint8_t key[RN_KEY_SIZE])
{
	struct text t = {.out = out, .size = size};

	add(&t, "set=1\n");
	add_key(&t, "public_key", key);
	add(&t, "remove=true\n");
	return finish(&t);
}

/* Reading. */

struct parser {
	struct rn_wireguard_device device;
	struct rn_wireguard_peer peer;
	bool in_peer, done;
	int code; /* of errno= */
	void (*each)(void *context, const struct rn_wireguard_peer *peer);
	void *context;
};

/* Digits alone; what does not fit fails. */
static int read_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EBADMSG;
	for (; *text; text++) {
		unsigned digit = *text - '0';

		if (digit > 9 || value > (max - digit) / 10)
			return -EBADMSG;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

static int read_key(const char *text, uint8_t out[RN_KEY_SIZE])
{
	uint8_t key[RN_KEY_SIZE];
	size_t size = 0;

	if (strlen(text) != 2 * RN_KEY_SIZE || rn_hex_decode(text, key, sizeof(key), &size) < 0 || size != RN_KEY_SIZE)
		return -EBADMSG;
	memcpy(out, key, RN_KEY_SIZE);
	rn_wipe(key, sizeof(key));
	return 0;
}

static void end_peer(struct parser *p)
{
	if (p->in_peer && p->each)
		p->each(p->context, &p->peer);
	p->in_peer = false;
}

static int on_private_key(struct parser *p, const char *value)
{
	uint8_t secret[RN_KEY_SIZE];

	if (read_key(value, secret) < 0)
		return -EBADMSG;
	if (!rn_is_zero(secret, sizeof(secret)))
		rn_x25519_public(secret, p->device.public_key);
	rn_wipe(secret, sizeof(secret));
	return 0;
}

static int on_listen_port(struct parser *p, const char *value)
{
	uint64_t port;

	if (read_number(value, 65535, &port) < 0)
		return -EBADMSG;
	p->device.port = port;
	return 0;
}

static int on_public_key(struct parser *p, const char *value)
{
	end_peer(p);
	p->peer = (struct rn_wireguard_peer){0};
	p->in_peer = true;
	return read_key(value, p->peer.key);
}

static int on_endpoint(struct parser *p, const char *value)
{
	/* A scope (fe80::1%eth0) is nothing we ever set; the peer then has no endpoint for us. */
	if (rn_endpoint_parse(value, &p->peer.endpoint) < 0 && !strchr(value, '%'))
		return -EBADMSG;
	return 0;
}

static int on_keepalive(struct parser *p, const char *value)
{
	uint64_t seconds;

	if (read_number(value, 65535, &seconds) < 0)
		return -EBADMSG;
	p->peer.keepalive = seconds;
	return 0;
}

/* Somebody else may have given it more: one too many is enough to see that the peer is not as it should be. */
static int on_allowed_ip(struct parser *p, const char *value)
{
	struct rn_prefix prefix;

	if (rn_prefix_parse(value, &prefix) < 0)
		return -EBADMSG;
	if (p->peer.allowed_count < RN_WIREGUARD_ALLOWED_MAX)
		p->peer.allowed[p->peer.allowed_count++] = prefix;
	return 0;
}

static int on_last_handshake(struct parser *p, const char *value)
{
	return read_number(value, INT64_MAX, &p->peer.last_handshake);
}

static int on_received(struct parser *p, const char *value)
{
	return read_number(value, UINT64_MAX, &p->peer.received);
}

static int on_sent(struct parser *p, const char *value)
{
	return read_number(value, UINT64_MAX, &p->peer.sent);
}

static int on_errno(struct parser *p, const char *value)
{
	uint64_t code;
	const char *digits = *value == '-' ? value + 1 : value;

	if (read_number(digits, 4095, &code) < 0)
		return -EBADMSG;
	p->code = -(int)code;
	return 0;
}

static const struct {
	const char *key;
	bool of_peer;
	int (*read)(struct parser *p, const char *value);
} keys[] = {
    {"private_key", false, on_private_key},
    {"listen_port", false, on_listen_port},
    {"public_key", false, on_public_key},
    {"endpoint", true, on_endpoint},
    {"persistent_keepalive_interval", true, on_keepalive},
    {"allowed_ip", true, on_allowed_ip},
    {"last_handshake_time_sec", true, on_last_handshake},
    {"rx_bytes", true, on_received},
    {"tx_bytes", true, on_sent},
    {"errno", false, on_errno},
};

static int parse_line(struct parser *p, char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		return -EBADMSG;
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].key, line) != 0)
			continue;
		return keys[i].of_peer && !p->in_peer ? -EBADMSG : keys[i].read(p, value);
	}
	return 0;
}

static int parse(struct parser *p, const char *text, size_t size)
{
	char line[RN_UAPI_LINE_MAX];

	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;

		if (!end || length >= sizeof(line) || memchr(text, '\0', length))
			return -EBADMSG;
		if (length == 0) {
			p->done = true;
			break;
		}
		memcpy(line, text, length);
		line[length] = '\0';
		if (parse_line(p, line) < 0)
			return -EBADMSG;
		text += length + 1;
		size -= length + 1;
	}
	rn_wipe(line, sizeof(line));
	end_peer(p);
	return p->done ? p->code : -EBADMSG;
}

int rn_uapi_parse(const char *text, size_t size, struct rn_wireguard_device *ret,
		  void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context)
{
	struct parser trial = {0}, p = {.each = each, .context = context};
	int r = parse(&trial, text, size);

	if (r < 0)
		return r;
	r = parse(&p, text, size);
	if (ret)
		*ret = p.device;
	return r;
}
