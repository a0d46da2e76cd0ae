/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hello.h"

#include <errno.h>

#include "base/buf.h"
#include "proto/session.h"

int rn_hello_encode(const struct rn_hello *in, uint8_t *out, size_t out_size)
{
	struct rn_writer w = rn_writer(out, out_size < RN_HELLO_MAX ? out_size : RN_HELLO_MAX);

	if (!in->issuer != !in->anchor || (in->issuer && !in->leaf))
		return -EINVAL;
	if (in->leaf)
		rn_write_block(&w, in->leaf, in->leaf_size);
	if (in->issuer) {
		rn_write_block(&w, in->issuer, in->issuer_size);
		rn_write_block(&w, in->anchor, in->anchor_size);
	}
	return w.failed ? -EMSGSIZE : (int)w.at;
}

int rn_hello_decode(const uint8_t *data, size_t size, struct rn_hello *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_hello hello = {0};

	if (size > RN_HELLO_MAX)
		return -EBADMSG;
	if (size) {
		hello.leaf = rn_read_block(&r, RN_HELLO_MAX, &hello.leaf_size);
		if (!hello.leaf_size)
			return -EBADMSG;
	}
	if (rn_reader_left(&r)) {
		hello.issuer = rn_read_block(&r, RN_HELLO_MAX, &hello.issuer_size);
		hello.anchor = rn_read_block(&r, RN_HELLO_MAX, &hello.anchor_size);
		if (!hello.issuer_size || !hello.anchor_size)
			return -EBADMSG;
	}
	if (!rn_reader_done(&r))
		return -EBADMSG;
	*ret = hello;
	return 0;
}
