/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <string.h>

#include "packet.h"

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* RFC 792, 1191, 1812 4.3.2. */
static size_t about_v4(const struct rn_addr *by, int mtu, const uint8_t *packet, size_t size, uint8_t *ret)
{
	size_t quoted = least(size, 576 - 28);

	ret[0] = 0x45;
	ret[1] = 0xc0;
	put16(ret + 2, (unsigned)(28 + quoted));
	ret[6] = 0x40;
	ret[8] = 64;
	ret[9] = 1;
	memcpy(ret + 12, by->b + 12, 4);
	memcpy(ret + 16, packet + 12, 4);
	put16(ret + 10, packet_checksum(ret, 20, 0));
	ret[20] = mtu < 0 ? 11 : 3;
	ret[21] = mtu < 0 ? 0 : 4;
	if (mtu >= 0)
		put16(ret + 26, (unsigned)mtu);
	memcpy(ret + 28, packet, quoted);
	put16(ret + 22, packet_checksum(ret + 20, 8 + quoted, 0));
	return 28 + quoted;
}

/* RFC 4443 3.2, 3.3. */
static size_t about_v6(const struct rn_addr *by, int mtu, const uint8_t *packet, size_t size, uint8_t *ret)
{
	size_t quoted = least(size, 1280 - 48);
	uint32_t pseudo = 58 + 8 + (uint32_t)quoted;

	ret[0] = 0x6c;
	put16(ret + 4, (unsigned)(8 + quoted));
	ret[6] = 58;
	ret[7] = 64;
	memcpy(ret + 8, by->b, 16);
	memcpy(ret + 24, packet + 8, 16);
	for (int i = 8; i < 40; i += 2)
		pseudo += (uint32_t)ret[i] * 256 + ret[i + 1];
	ret[40] = mtu < 0 ? 3 : 2;
	if (mtu >= 0) {
		put16(ret + 44, (unsigned)mtu >> 16);
		put16(ret + 46, (unsigned)mtu);
	}
	memcpy(ret + 48, packet, quoted);
	put16(ret + 42, packet_checksum(ret + 40, 8 + quoted, pseudo));
	return 48 + quoted;
}

size_t error_about(const struct rn_addr *by, int mtu, const uint8_t *packet, size_t size, uint8_t *ret)
{
	memset(ret, 0, ERROR_MAX);
	return packet[0] >> 4 == 6 ? about_v6(by, mtu, packet, size, ret) : about_v4(by, mtu, packet, size, ret);
}
