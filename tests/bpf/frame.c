/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <string.h>

size_t frame_overhead(bool v6)
{
	return (v6 ? 40 : 20) + 8;
}

static uint8_t *put16(uint8_t *at, size_t v)
{
	*at++ = (v >> 8) & 0xff;
	*at++ = v & 0xff;
	return at;
}

static unsigned sum16(const uint8_t *bytes, size_t size)
{
	unsigned sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (unsigned)bytes[i] * 256 + bytes[i + 1];
	while (sum > 0xffff)
		sum = sum % 0x10000 + sum / 0x10000;
	return sum;
}

void frame_checksum(uint8_t *frame)
{
	put16(frame + 10, 0);
	put16(frame + 10, 0xffff - sum16(frame, 20));
}

/* RFC 791, RFC 2474, RFC 6864: an atomic datagram. */
static uint8_t *put_ipv4(uint8_t *at, const struct frame *f, size_t size)
{
	uint8_t *begin = at;

	*at++ = 0x45;
	*at++ = f->tos;
	at = put16(at, size);
	at = put16(at, f->id);
	at = put16(at, 0x4000);
	*at++ = 64;
	*at++ = 47;
	at = put16(at, 0);
	memcpy(at, f->from.v4, 4);
	memcpy(at + 4, f->to.v4, 4);
	frame_checksum(begin);
	return begin + 20;
}

/* RFC 8200 */
static uint8_t *put_ipv6(uint8_t *at, const struct frame *f, size_t size)
{
	*at++ = 0x60 | f->tos >> 4;
	*at++ = (f->tos & 15) << 4;
	*at++ = 0;
	*at++ = 0;
	at = put16(at, size - 40);
	*at++ = 47;
	*at++ = 64;
	memcpy(at, f->from.v6, 16);
	memcpy(at + 16, f->to.v6, 16);
	return at + 32;
}

/* RFC 2784 with RFC 2890's key: C 0, K 1, S 0, reserved 0, version 0. */
static uint8_t *put_gre(uint8_t *at, const struct frame *f)
{
	*at++ = 0x20;
	*at++ = 0x00;
	*at++ = f->v6 ? 0x86 : 0x08;
	*at++ = f->v6 ? 0xdd : 0x00;
	*at++ = (f->identity >> 16) & 0xff;
	*at++ = (f->identity >> 8) & 0xff;
	*at++ = f->identity & 0xff;
	*at++ = f->trust;
	return at;
}

size_t frame_encode(const struct frame *f, const uint8_t *inner, size_t size, uint8_t *ret)
{
	size_t whole = frame_overhead(f->v6) + size;
	uint8_t *at = f->v6 ? put_ipv6(ret, f, whole) : put_ipv4(ret, f, whole);

	at = put_gre(at, f);
	memcpy(at, inner, size);
	return whole;
}

uint8_t frame_tos(const uint8_t *inner)
{
	return inner[0] >> 4 == 6 ? ((inner[0] & 15) << 4 | inner[1] >> 4) : inner[1];
}

void frame_set_tos(uint8_t *inner, uint8_t tos)
{
	unsigned sum;

	if (inner[0] >> 4 == 6) {
		inner[0] = 0x60 | tos >> 4;
		inner[1] = (tos & 15) << 4 | (inner[1] & 15);
		return;
	}
	/* RFC 1624: HC' = ~(~HC + ~m + m') */
	sum = 0xffffu - ((unsigned)inner[10] * 256 + inner[11]) + (0xffffu - inner[1]) + tos;
	while (sum > 0xffff)
		sum = sum % 0x10000 + sum / 0x10000;
	put16(inner + 10, 0xffff - sum);
	inner[1] = tos;
}

int frame_ecn(unsigned inner, unsigned outer)
{
	/* 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE */
	static const signed char after[4][4] = {
	    [0] = {[0] = 0, [2] = 0, [1] = 0, [3] = -1},
	    [2] = {[0] = 2, [2] = 2, [1] = 1, [3] = 3},
	    [1] = {[0] = 1, [2] = 1, [1] = 1, [3] = 3},
	    [3] = {[0] = 3, [2] = 3, [1] = 3, [3] = 3},
	};

	return after[inner & 3][outer & 3];
}

/* What a hub says on the outside, taken at its word; frame_judge then sees whether it would come out the same. */
static struct frame read_outside(const uint8_t *b, bool v6)
{
	const uint8_t *key = b + frame_overhead(v6) - 4;
	struct frame f = {.v6 = v6};

	f.identity = (uint32_t)key[0] << 16 | key[1] << 8 | key[2];
	f.trust = key[3];
	f.tos = frame_tos(b);
	if (v6) {
		memcpy(f.from.v6, b + 8, 16);
	} else {
		memcpy(f.from.v4, b + 12, 4);
		f.id = (uint16_t)(b[4] << 8 | b[5]);
	}
	return f;
}

static bool inner_is_sane(const uint8_t *ip, size_t size, bool v6)
{
	if (v6)
		return size >= 40 && ip[0] >> 4 == 6 && 40u + ip[4] * 256u + ip[5] == size && ip[6] != 47;
	return size >= 20 && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5 && (ip[0] & 15) * 4u <= size &&
	       ip[2] * 256u + ip[3] == size && ip[9] != 47;
}

static const struct frame_peer *peer_of(const struct frame_world *w, const struct frame *f)
{
	for (size_t i = 0; i < w->peer_count; i++) {
		const struct frame_hub *hub = &w->peers[i].hub;

		if (w->peers[i].identity == f->identity &&
		    (f->v6 ? !memcmp(hub->v6, f->from.v6, 16) : !memcmp(hub->v4, f->from.v4, 4)))
			return &w->peers[i];
	}
	return NULL;
}

bool frame_judge(const struct frame_world *w, uint16_t ethertype, const uint8_t *bytes, size_t size,
		 struct frame_verdict *ret)
{
	bool v6 = ethertype == 0x86dd;
	size_t before = frame_overhead(v6);
	const struct frame_peer *peer;
	uint8_t again[8192];
	struct frame f;
	int ecn;

	if ((!v6 && ethertype != 0x0800) || size < before + (v6 ? 40 : 20) || size > 4096)
		return false;
	f = read_outside(bytes, v6);
	f.to = w->self;
	peer = peer_of(w, &f);
	if (!peer || f.trust > 100 || !inner_is_sane(bytes + before, size - before, v6))
		return false;
	if (frame_encode(&f, bytes + before, size - before, again) != size || memcmp(again, bytes, size) != 0)
		return false;
	ecn = frame_ecn(frame_tos(bytes + before), f.tos);
	if (ecn < 0)
		return false;
	ret->peer = peer->index;
	ret->identity = f.identity;
	ret->trust = f.trust;
	ret->slot = peer->slot;
	ret->size = size - before;
	memcpy(ret->inner, bytes + before, ret->size);
	if ((frame_tos(ret->inner) & 3) != ecn)
		frame_set_tos(ret->inner, (frame_tos(ret->inner) & 0xfc) | ecn);
	return true;
}
