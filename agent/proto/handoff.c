/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/handoff.h"

#include <errno.h>

#include "base/buf.h"
#include "proto/wire.h"

int rn_handoff_encode(const struct rn_handoff *in, uint8_t out[RN_HANDOFF_MAX])
{
	struct rn_writer w = rn_writer(out, RN_HANDOFF_MAX);

	rn_write_bytes(&w, in->from.b, sizeof(in->from.b));
	rn_write_bytes(&w, in->to.addr.b, sizeof(in->to.addr.b));
	rn_write_u16(&w, in->to.port);
	rn_write_bytes(&w, in->datagram, in->size);
	return w.failed ? -EMSGSIZE : (int)w.at;
}

int rn_handoff_decode(const uint8_t *data, size_t size, struct rn_handoff *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_handoff h = {.size = size - RN_HANDOFF_HEAD};

	if (size < RN_HANDOFF_HEAD + RN_WIRE_HEAD || size > RN_HANDOFF_MAX)
		return -EBADMSG;
	rn_read_bytes(&r, h.from.b, sizeof(h.from.b));
	rn_read_bytes(&r, h.to.addr.b, sizeof(h.to.addr.b));
	h.to.port = rn_read_u16(&r);
	h.datagram = rn_read_view(&r, h.size);
	if (!h.datagram || h.datagram[0] != RN_WIRE_MAGIC_0 || h.datagram[1] != RN_WIRE_MAGIC_1 ||
	    h.datagram[2] != RN_WIRE_MAGIC_2 || h.datagram[3] == 0 || h.datagram[3] >= RN_WIRE_TYPE_END)
		return -EBADMSG;
	*ret = h;
	return 0;
}

void rn_handoff_state_encode(const struct rn_handoff_state *in, uint8_t out[RN_HANDOFF_STATE_SIZE])
{
	struct rn_writer w = rn_writer(out, RN_HANDOFF_STATE_SIZE);

	rn_write_u16(&w, in->port);
	rn_write_u8(&w, in->complete);
}

int rn_handoff_state_decode(const uint8_t *data, size_t size, struct rn_handoff_state *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_handoff_state s = {.port = rn_read_u16(&r)};
	uint8_t complete = rn_read_u8(&r);

	if (!rn_reader_done(&r) || complete > 1 || (complete && !s.port))
		return -EBADMSG;
	s.complete = complete;
	*ret = s;
	return 0;
}
