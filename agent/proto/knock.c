/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/knock.h"

#include <string.h>

#include "base/buf.h"
#include "proto/cookie.h"

static void write_head(struct rn_writer *w, enum rn_wire_type type)
{
	const uint8_t head[RN_WIRE_HEAD] = {RN_WIRE_MAGIC_0, RN_WIRE_MAGIC_1, RN_WIRE_MAGIC_2, (uint8_t)type};

	rn_write_bytes(w, head, sizeof(head));
}

void rn_knock_make(const uint8_t peer[RN_KEY_SIZE], struct rn_knock *ret)
{
	struct rn_writer w = rn_writer(ret->datagram, sizeof(ret->datagram));
	uint8_t unique[RN_COOKIE_REQUEST_RANDOM];
	struct rn_cookie_keys keys;

	memset(ret, 0, sizeof(*ret));
	rn_cookie_keys(peer, &keys);
	memcpy(ret->cookie_key, keys.cookie, sizeof(ret->cookie_key));
	rn_random(&ret->index, sizeof(ret->index));
	rn_random(unique, sizeof(unique));
	write_head(&w, RN_WIRE_COOKIE_REQUEST);
	rn_write_u32(&w, ret->index);
	rn_write_bytes(&w, unique, sizeof(unique));
	w.at = RN_COOKIE_REQUEST_SIZE - RN_MAC_SIZE; /* no session is asked about, and zeros */
	rn_mac(keys.mac1, RN_KEY_SIZE, ret->datagram, w.at, ret->datagram + w.at);
}

bool rn_knock_answered(const struct rn_knock *knock, const uint8_t *datagram, size_t size)
{
	struct rn_reader r = rn_reader(datagram, size);
	const uint8_t *head = rn_read_view(&r, RN_WIRE_HEAD), *nonce, *sealed;
	uint32_t index = rn_read_u32(&r);
	uint8_t cookie[RN_COOKIE_SIZE];

	nonce = rn_read_view(&r, RN_COOKIE_NONCE);
	sealed = rn_read_view(&r, RN_COOKIE_SIZE + RN_TAG_SIZE);
	if (!rn_reader_done(&r) || index != knock->index || memcmp(head, knock->datagram, RN_WIRE_HEAD - 1) != 0 ||
	    head[RN_WIRE_HEAD - 1] != RN_WIRE_COOKIE)
		return false;
	return rn_xaead_open(knock->cookie_key, nonce, knock->datagram + RN_COOKIE_REQUEST_SIZE - RN_MAC_SIZE,
			     RN_MAC_SIZE, sealed, RN_COOKIE_SIZE + RN_TAG_SIZE, cookie) == 0;
}
