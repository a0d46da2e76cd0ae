/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define V4_BITS 96 /* of the mapping prefix ::ffff:0:0/96 */

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

bool rn_addr_is_v4(const struct rn_addr *a)
{
	return memcmp(a->b, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool rn_addr_is_zero(const struct rn_addr *a)
{
	static const struct rn_addr zero;

	return rn_addr_compare(a, &zero) == 0;
}

static bool is_host_v4(uint32_t a)
{
	return a >> 24 != 0 && a >> 24 != 127 && a >> 16 != 0xa9fe && a >> 28 < 14;
}

/* ::/96 holds :: and ::1; fe80::/9 is link-local and what site-local was. */
bool rn_addr_is_host(const struct rn_addr *a)
{
	static const uint8_t zero[12];

	if (rn_addr_is_v4(a))
		return is_host_v4(rn_addr_to_v4(a));
	return memcmp(a->b, zero, sizeof(zero)) != 0 && a->b[0] != 0xff && !(a->b[0] == 0xfe && a->b[1] >= 0x80);
}

int rn_addr_compare(const struct rn_addr *a, const struct rn_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

struct rn_addr rn_addr_from_v4(uint32_t host_order)
{
	struct rn_addr a;
	uint32_t net = htonl(host_order);

	memcpy(a.b, v4_mapped, sizeof(v4_mapped));
	memcpy(a.b + sizeof(v4_mapped), &net, sizeof(net));
	return a;
}

uint32_t rn_addr_to_v4(const struct rn_addr *a)
{
	uint32_t net;

	memcpy(&net, a->b + sizeof(v4_mapped), sizeof(net));
	return ntohl(net);
}

int rn_addr_parse(const char *text, struct rn_addr *ret)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret = rn_addr_from_v4(ntohl(v4.s_addr));
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return -EINVAL;
	memcpy(ret->b, &v6, sizeof(ret->b));
	return 0;
}

/* Decimal digits without sign, space or leading zero. */
static int parse_number(const char *text, uint32_t max, uint32_t *ret)
{
	uint32_t v = 0;
	const char *p;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		v = v * 10 + (uint32_t)(*p - '0');
		if (v > max)
			return -EINVAL;
	}
	*ret = v;
	return 0;
}

/* The address in text[0..size). */
static int parse_part(const char *text, size_t size, struct rn_addr *ret)
{
	char copy[RN_ADDR_TEXT];

	if (size >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, size);
	copy[size] = 0;
	return rn_addr_parse(copy, ret);
}

static struct rn_addr network_of(const struct rn_addr *a, unsigned bits)
{
	struct rn_addr net = *a;
	unsigned i;

	for (i = 0; i < sizeof(net.b); i++) {
		unsigned keep = bits > 8 * i ? bits - 8 * i : 0;

		if (keep < 8)
			net.b[i] &= (uint8_t)(0xff00u >> keep);
	}
	return net;
}

int rn_prefix_parse(const char *text, struct rn_prefix *ret)
{
	const char *slash = strchr(text, '/');
	struct rn_addr addr, net;
	uint32_t bits;
	bool v4;

	if (!slash || parse_part(text, (size_t)(slash - text), &addr))
		return -EINVAL;
	/* The length counts in the family of the text: ::ffff:192.0.2.0/120 is 192.0.2.0/24. */
	v4 = !memchr(text, ':', (size_t)(slash - text));
	if (parse_number(slash + 1, v4 ? 32 : 128, &bits))
		return -EINVAL;
	if (v4)
		bits += V4_BITS;
	net = network_of(&addr, bits);
	if (rn_addr_compare(&net, &addr) != 0)
		return -EINVAL;
	ret->addr = addr;
	ret->bits = (uint8_t)bits;
	return 0;
}

int rn_endpoint_parse(const char *text, struct rn_endpoint *ret)
{
	bool bracket = text[0] == '[';
	const char *end = bracket ? strchr(text, ']') : strchr(text, ':');
	const char *start = text + bracket;
	struct rn_addr addr;
	uint32_t port;

	if (!end || end[bracket] != ':')
		return -EINVAL;
	if (bracket != (memchr(start, ':', (size_t)(end - start)) != NULL))
		return -EINVAL;
	if (parse_part(start, (size_t)(end - start), &addr) || parse_number(end + bracket + 1, UINT16_MAX, &port))
		return -EINVAL;
	if (port == 0)
		return -EINVAL;
	ret->addr = addr;
	ret->port = (uint16_t)port;
	return 0;
}

const char *rn_addr_format(const struct rn_addr *a, char out[RN_ADDR_TEXT])
{
	bool v4 = rn_addr_is_v4(a);

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->b + sizeof(v4_mapped) : a->b, out, RN_ADDR_TEXT);
	return out;
}

const char *rn_prefix_format(const struct rn_prefix *p, char out[RN_PREFIX_TEXT])
{
	unsigned bits = p->bits;
	char addr[RN_ADDR_TEXT];

	if (rn_addr_is_v4(&p->addr) && bits >= V4_BITS)
		bits -= V4_BITS;
	snprintf(out, RN_PREFIX_TEXT, "%s/%u", rn_addr_format(&p->addr, addr), bits);
	return out;
}

const char *rn_endpoint_format(const struct rn_endpoint *e, char out[RN_ENDPOINT_TEXT])
{
	char addr[RN_ADDR_TEXT];
	bool v4 = rn_addr_is_v4(&e->addr);

	snprintf(out, RN_ENDPOINT_TEXT, v4 ? "%s:%u" : "[%s]:%u", rn_addr_format(&e->addr, addr), e->port);
	return out;
}

bool rn_prefix_contains(const struct rn_prefix *p, const struct rn_addr *a)
{
	struct rn_addr net = network_of(a, p->bits);

	return rn_addr_compare(&net, &p->addr) == 0;
}

bool rn_prefix_overlap(const struct rn_prefix *a, const struct rn_prefix *b)
{
	return a->bits <= b->bits ? rn_prefix_contains(a, &b->addr) : rn_prefix_contains(b, &a->addr);
}

struct rn_addr rn_prefix_host(const struct rn_prefix *p, uint64_t offset)
{
	struct rn_addr a = network_of(&p->addr, p->bits), host = { 0 }, mask;
	unsigned i;

	for (i = 0; i < 8; i++)
		host.b[15 - i] = (uint8_t)(offset >> 8 * i);
	mask = network_of(&host, p->bits);
	for (i = 0; i < sizeof(a.b); i++)
		a.b[i] |= host.b[i] ^ mask.b[i];
	return a;
}
