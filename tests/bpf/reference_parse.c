// SPDX-License-Identifier: Apache-2.0
/* Section 1 of docs/datapath.md. */
#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "reference.h"

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static struct rn_addr mapped(const uint8_t *v4)
{
	struct rn_addr a = {.b = {[10] = 0xff, [11] = 0xff}};

	memcpy(a.b + 12, v4, 4);
	return a;
}

static bool is_mapped(const struct rn_addr *a)
{
	static const uint8_t start[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->b, start, sizeof(start)) == 0;
}

/* Each step gets the rest of the packet: from its own header to the IP length. */
static enum rn_reason parse_tcp(const uint8_t *p, size_t left, struct reference_packet *ret)
{
	if (left < 20)
		return ret->fragment ? RN_FRAGMENT : RN_MALFORMED;
	if ((p[12] >> 4) < 5)
		return RN_MALFORMED;
	if ((size_t)(p[12] >> 4) * 4 > left)
		return ret->fragment ? RN_FRAGMENT : RN_MALFORMED;
	ret->fin = p[13] & 0x01;
	ret->syn = p[13] & 0x02;
	ret->rst = p[13] & 0x04;
	ret->ack = p[13] & 0x10;
	if (ret->syn && (ret->fin || ret->rst))
		return RN_MALFORMED;
	if (!ret->syn && !ret->ack && !ret->fin && !ret->rst)
		return RN_MALFORMED;
	ret->source_port = (uint16_t)be16(p);
	ret->destination_port = (uint16_t)be16(p + 2);
	return RN_ALLOWED;
}

static enum rn_reason parse_udp(const uint8_t *p, size_t left, struct reference_packet *ret)
{
	if (left < 8)
		return ret->fragment ? RN_FRAGMENT : RN_MALFORMED;
	if (be16(p + 4) < 8 || (be16(p + 4) > left && !ret->fragment))
		return RN_MALFORMED;
	ret->source_port = (uint16_t)be16(p);
	ret->destination_port = (uint16_t)be16(p + 2);
	return RN_ALLOWED;
}

static bool forbidden_header(unsigned next)
{
	return next == 43 || next == 51 || next == 135 || next == 139 || next == 140;
}

/*
 * Steps over extension headers of a packet whose bytes after the IPv6 header are p. Leaves what follows and where; 44
 * ends it as any transport does.
 */
static enum rn_reason walk(const uint8_t *p, size_t left, unsigned *next, size_t *at)
{
	for (unsigned passed = 0;; passed++) {
		if (forbidden_header(*next) || (*next == 0 && passed > 0))
			return RN_EXTENSION_HEADER;
		if (*next != 0 && *next != 60)
			return RN_ALLOWED;
		if (passed == 4)
			return RN_EXTENSION_HEADER;
		if (left - *at < 8 || left - *at < (p[*at + 1] + 1u) * 8)
			return RN_MALFORMED;
		*next = p[*at];
		*at += (p[*at + 1] + 1u) * 8;
	}
}

/* Who sent a packet whose first bytes are p, to whom, with what protocol, which begins where? Else -1. */
static int parse_quoted(const uint8_t *p, size_t left, bool v6, struct rn_addr *from, struct rn_addr *to, size_t *at)
{
	unsigned next;
	size_t passed = 0;

	if (left < (v6 ? 40 : 20))
		return -1;
	if (!v6) {
		*from = mapped(p + 12);
		*to = mapped(p + 16);
		*at = 20;
		return p[0] == 0x45 && !(be16(p + 6) & 0x1fff) ? p[9] : -1;
	}
	memcpy(from, p + 8, 16);
	memcpy(to, p + 24, 16);
	next = p[6];
	if (p[0] >> 4 != 6 || walk(p + 40, left - 40, &next, &passed) != RN_ALLOWED)
		return -1;
	*at = 40 + passed;
	if (next != 44)
		return (int)next;
	*at += 8;
	return left < *at || be16(p + *at - 6) >> 3 ? -1 : p[*at - 8];
}

/* Section 1, errors: `p` is what the ICMP header is followed by. */
static enum rn_reason parse_error(const uint8_t *p, size_t left, bool v6, struct reference_packet *ret)
{
	struct rn_addr from, to;
	size_t at = 0;
	int protocol = parse_quoted(p, left, v6, &from, &to, &at);
	const uint8_t *t = p + at;

	if (protocol < 0 || left - at < 8 || memcmp(&from, &ret->destination, 16) != 0)
		return RN_ICMP_ERROR;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		ret->source_port = (uint16_t)be16(t + 2);
		ret->destination_port = (uint16_t)be16(t);
	} else if (protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && t[0] == (v6 ? 128 : 8) && t[1] == 0) {
		ret->reply = true;
		ret->destination_port = (uint16_t)be16(t + 4);
	} else if (protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && t[0] == (v6 ? 129 : 0) && t[1] == 0) {
		ret->source_port = (uint16_t)be16(t + 4);
	} else {
		return RN_ICMP_ERROR;
	}
	ret->protocol = (uint8_t)protocol;
	ret->error = true;
	ret->router = memcmp(&to, &ret->source, 16) != 0;
	ret->sender = ret->source;
	ret->source = to;
	return RN_ALLOWED;
}

static enum rn_reason parse_icmp(const uint8_t *p, size_t left, bool v6, struct reference_packet *ret)
{
	unsigned type, request = v6 ? 128 : 8, reply = v6 ? 129 : 0;

	if (left < 8)
		return ret->fragment ? RN_FRAGMENT : RN_MALFORMED;
	type = p[0];
	if ((type == request || type == reply) && p[1] == 0) {
		ret->reply = type == reply;
		if (ret->reply)
			ret->destination_port = (uint16_t)be16(p + 4);
		else
			ret->source_port = (uint16_t)be16(p + 4);
		return RN_ALLOWED;
	}
	if (ret->fragment && v6 && type >= 1 && type <= 4)
		return RN_ICMP_ERROR;
	if (ret->fragment && !v6 && (type == 3 || type == 11 || type == 12))
		return RN_ICMP_ERROR;
	if (v6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12)
		return parse_error(p + 8, left - 8, v6, ret);
	if (v6 && type >= 1 && type <= 127)
		return RN_ICMP_ERROR;
	if (!v6 && (type == 3 || type == 4 || type == 5 || type == 11 || type == 12))
		return RN_ICMP_ERROR;
	return RN_ICMP_TYPE;
}

static enum rn_reason parse_transport(const uint8_t *p, size_t left, bool v6, struct reference_packet *ret)
{
	if (memcmp(&ret->source, &ret->destination, sizeof(ret->source)) == 0)
		return RN_MALFORMED;
	if (v6 && (is_mapped(&ret->source) || is_mapped(&ret->destination)))
		return RN_MALFORMED;
	if (ret->fragment && ret->from) {
		bool carried = ret->protocol == IPPROTO_TCP || ret->protocol == IPPROTO_UDP ||
			       ret->protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

		return carried ? RN_ALLOWED : RN_FRAGMENT;
	}
	if (ret->protocol == IPPROTO_TCP)
		return parse_tcp(p, left, ret);
	if (ret->protocol == IPPROTO_UDP)
		return parse_udp(p, left, ret);
	if (ret->protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return parse_icmp(p, left, v6, ret);
	return RN_PROTOCOL;
}

/* `before`: what is counted as the whole packet's length beside what its fragments carry. */
static enum rn_reason parse_piece(size_t offset, bool more, uint32_t id, size_t length, size_t before,
				  struct reference_packet *ret)
{
	if (length == 0 || (more && length % 8) || before + offset + length > 65535)
		return RN_FRAGMENT;
	if (offset == 0 && !more) /* an "atomic" one */
		return RN_FRAGMENT;
	ret->fragment = true;
	ret->more = more;
	ret->id = id;
	ret->from = (uint32_t)offset;
	ret->to = (uint32_t)(offset + length);
	return RN_ALLOWED;
}

static enum rn_reason parse_v4(const uint8_t *p, size_t there, struct reference_packet *ret)
{
	unsigned header, total;

	if (there < 20 || p[0] >> 4 != 4 || (p[0] & 15) < 5)
		return RN_MALFORMED;
	header = (p[0] & 15u) * 4;
	total = be16(p + 2);
	if (total < header || total > there)
		return RN_MALFORMED;
	ret->bytes = total;
	if (header > 20)
		return RN_IP_OPTIONS;
	if ((be16(p + 6) & 0x3fff) && parse_piece((be16(p + 6) & 0x1fff) * 8, be16(p + 6) & 0x2000, be16(p + 4),
						  total - 20, 20, ret) != RN_ALLOWED)
		return RN_FRAGMENT;
	if (p[16] >> 4 == 14 || (p[16] == 255 && p[17] == 255 && p[18] == 255 && p[19] == 255))
		return RN_MULTICAST;
	ret->hop_limit = p[8];
	ret->protocol = p[9];
	ret->source = mapped(p + 12);
	ret->destination = mapped(p + 16);
	return parse_transport(p + 20, total - 20, false, ret);
}

static enum rn_reason parse_v6(const uint8_t *p, size_t there, struct reference_packet *ret)
{
	size_t total, at = 0;
	enum rn_reason reason;
	unsigned next;

	if (there < 40 || p[0] >> 4 != 6)
		return RN_MALFORMED;
	total = be16(p + 4) + 40;
	if (total > there)
		return RN_MALFORMED;
	ret->v6 = true;
	ret->bytes = total;
	if (p[24] == 0xff)
		return RN_MULTICAST;
	next = p[6];
	reason = walk(p + 40, total - 40, &next, &at);
	if (reason != RN_ALLOWED)
		return reason;
	if (next == 44) {
		const uint8_t *f = p + 40 + at;

		if (total - 40 - at < 8)
			return RN_FRAGMENT;
		next = f[0];
		reason = parse_piece(be16(f + 2) & 0xfff8u, f[3] & 1, be16(f + 4) << 16 | be16(f + 6), total - 48 - at,
				     at, ret);
		if (reason != RN_ALLOWED)
			return reason;
		at += 8;
	}
	ret->hop_limit = p[7];
	ret->protocol = (uint8_t)next;
	memcpy(&ret->source, p + 8, 16);
	memcpy(&ret->destination, p + 24, 16);
	return parse_transport(p + 40 + at, total - 40 - at, true, ret);
}

void reference_parse(uint16_t ethertype, const uint8_t *data, size_t size, struct reference_packet *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->bytes = size;
	if (ethertype == ETH_P_IP)
		ret->reason = parse_v4(data, size, ret);
	else if (ethertype == ETH_P_IPV6)
		ret->reason = parse_v6(data, size, ret);
	else
		ret->reason = RN_NOT_IP;
}
