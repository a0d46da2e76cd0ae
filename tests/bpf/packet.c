/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = v >> 8;
	at[1] = v & 0xff;
}

uint16_t packet_checksum(const void *data, size_t size, uint32_t start)
{
	const uint8_t *b = data;
	uint32_t sum = start;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? b[i] : b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

struct rn_addr packet_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct rn_addr){{[10] = 0xff, 0xff, a, b, c, d}};
}

struct rn_addr packet_v6(uint16_t host)
{
	return (struct rn_addr){{0xfd, 0, 0, 5, [14] = host >> 8, host & 0xff}};
}

static bool is_v4(const struct packet *p)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	return !memcmp(p->source.b, mapped, 12) && !memcmp(p->destination.b, mapped, 12);
}

static uint8_t wire_protocol(const struct packet *p)
{
	return p->protocol == IPPROTO_ICMP && !is_v4(p) ? IPPROTO_ICMPV6 : p->protocol;
}

static size_t transport_size(const struct packet *p)
{
	if (p->protocol == IPPROTO_TCP)
		return p->mss ? 20 + (p->nops + 7u) / 4 * 4 : 20;
	return 8;
}

static void put_v4(struct packet *p)
{
	uint8_t *ip = p->data;

	p->transport = 20;
	p->size = p->transport + transport_size(p) + p->payload;
	ip[0] = 0x45;
	put16(ip + 2, p->size);
	ip[8] = p->hops ? p->hops : 64;
	ip[9] = p->protocol;
	memcpy(ip + 12, p->source.b + 12, 4);
	memcpy(ip + 16, p->destination.b + 12, 4);
	put16(ip + 10, packet_checksum(ip, 20, 0));
}

static void put_v6(struct packet *p)
{
	uint8_t *ip = p->data;

	p->transport = 40 + 8u * p->extensions;
	p->size = p->transport + transport_size(p) + p->payload;
	ip[0] = 0x60;
	put16(ip + 4, p->size - 40);
	ip[6] = p->extensions ? IPPROTO_DSTOPTS : wire_protocol(p);
	ip[7] = p->hops ? p->hops : 64;
	memcpy(ip + 8, p->source.b, 16);
	memcpy(ip + 24, p->destination.b, 16);
	for (unsigned i = 0; i < p->extensions; i++) {
		ip[40 + 8 * i] = i + 1 < p->extensions ? IPPROTO_DSTOPTS : wire_protocol(p);
		ip[42 + 8 * i] = 1; /* PadN */
		ip[43 + 8 * i] = 4;
	}
}

static void put_transport(struct packet *p)
{
	uint8_t *at = p->data + p->transport;

	put16(at, p->source_port);
	put16(at + 2, p->destination_port);
	if (p->protocol == IPPROTO_TCP) {
		at[12] = (uint8_t)(transport_size(p) << 2);
		if (p->mss) {
			memset(at + 20, 1, p->nops);
			put16(at + 20 + p->nops, 0x0204);
			put16(at + 22 + p->nops, p->mss);
		}
		at[13] = p->flags;
		put16(at + 14, 0xffff);
	} else if (p->protocol == IPPROTO_UDP) {
		put16(at + 4, 8 + p->payload);
	} else {
		at[0] = is_v4(p) ? (p->reply ? 0 : 8) : (p->reply ? 129 : 128);
		at[1] = 0;
		put16(at + 2, 0);
		put16(at + 4, p->source_port);
	}
}

static void put_checksum(struct packet *p)
{
	uint8_t *at = p->data + p->transport;
	size_t size = p->size - p->transport;
	size_t where = p->protocol == IPPROTO_TCP ? 16 : p->protocol == IPPROTO_UDP ? 6 : 2;
	uint32_t pseudo = wire_protocol(p) + size;

	for (size_t i = is_v4(p) ? 12 : 0; i < 16; i += 2)
		pseudo +=
		    (p->source.b[i] << 8) + p->source.b[i + 1] + (p->destination.b[i] << 8) + p->destination.b[i + 1];
	if (is_v4(p) && p->protocol == IPPROTO_ICMP)
		pseudo = 0;
	put16(at + where, packet_checksum(at, size, pseudo));
}

void packet_build(struct packet *p)
{
	memset(p->data, 0, sizeof(p->data));
	if (is_v4(p))
		put_v4(p);
	else
		put_v6(p);
	put_transport(p);
	put_checksum(p);
}

static unsigned word(const uint8_t *at, bool turned)
{
	return turned ? at[1] * 256u + at[0] : at[0] * 256u + at[1];
}

void packet_clamp(uint8_t *data, size_t size, uint16_t mss)
{
	bool v6 = data[0] >> 4 == 6;
	size_t at = v6 ? 40 : 20, option, end;
	uint8_t next = v6 ? data[6] : data[9];
	unsigned sum;
	bool odd;

	for (; v6 && (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS); at += 8u + data[at + 1] * 8u)
		next = data[at];
	if (next != IPPROTO_TCP)
		return;
	end = at + (data[at + 12] >> 4) * 4u;
	for (option = at + 20; option + 4 <= end && option + 4 <= size; option += data[option] == 1 ? 1 : data[option + 1]) {
		if (data[option] == 0 || (data[option] != 1 && data[option + 1] < 2))
			return;
		if (data[option] != 2 || data[option + 1] != 4)
			continue;
		odd = (option - at) % 2;
		if (word(data + option + 2, false) <= mss)
			return;
		sum = 0xffffu - (data[at + 16] * 256u + data[at + 17]); /* RFC 1624 */
		sum += 0xffffu - word(data + option + 2, odd) + word((const uint8_t[]){mss >> 8, mss & 0xff}, odd);
		sum = sum % 0x10000 + sum / 0x10000;
		put16(data + at + 16, (uint16_t)(0xffff - (sum % 0x10000 + sum / 0x10000)));
		put16(data + option + 2, mss);
		return;
	}
}

struct packet packet_fragment(const struct packet *whole, uint32_t id, size_t from, size_t size, bool more)
{
	struct packet p = *whole;
	uint8_t *ip = p.data, *h = p.data + p.transport;
	size_t there = whole->size - whole->transport > from ? whole->size - whole->transport - from : 0;

	memset(h, 0, sizeof(p.data) - p.transport);
	if (!is_v4(whole)) {
		h[0] = wire_protocol(whole);
		put16(h + 2, (uint16_t)(from | more));
		put16(h + 4, (uint16_t)(id >> 16));
		put16(h + 6, (uint16_t)id);
		*(p.extensions ? h - 8 : ip + 6) = IPPROTO_FRAGMENT;
		p.transport += 8;
		h += 8;
	}
	memcpy(h, whole->data + whole->transport + from, there < size ? there : size);
	p.size = p.transport + size;
	if (is_v4(whole)) {
		put16(ip + 2, p.size);
		put16(ip + 4, (uint16_t)id);
		put16(ip + 6, (uint16_t)(from / 8 | (more ? 0x2000 : 0)));
		put16(ip + 10, 0);
		put16(ip + 10, packet_checksum(ip, 20, 0));
	} else {
		put16(ip + 4, p.size - 40);
	}
	return p;
}

struct packet packet_answer(const struct packet *p)
{
	struct packet a = *p;

	a.source = p->destination;
	a.destination = p->source;
	if (p->protocol == IPPROTO_ICMP) {
		a.reply = !p->reply;
	} else {
		a.source_port = p->destination_port;
		a.destination_port = p->source_port;
	}
	packet_build(&a);
	return a;
}

struct rn_flow_key packet_key(const struct packet *p)
{
	bool hi = memcmp(&p->source, &p->destination, 16) > 0, echo = p->protocol == IPPROTO_ICMP;
	uint16_t source = echo && p->reply ? 0 : p->source_port;
	uint16_t destination = !echo ? p->destination_port : p->reply ? p->source_port : 0;
	struct rn_flow_key key = {.protocol = wire_protocol(p), .echo_from_hi = echo && hi != p->reply};

	key.lo = hi ? p->destination : p->source;
	key.hi = hi ? p->source : p->destination;
	key.lo_port = htons(hi ? destination : source);
	key.hi_port = htons(hi ? source : destination);
	return key;
}
