/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "domain/record_wire.h"

static bool good(const struct rn_part *p)
{
	return p->number && p->size && p->size <= RN_PART_BODY_MAX;
}

static void write_part(struct rn_writer *w, const void *in)
{
	const struct rn_part *p = in;

	rn_write_u32(w, p->number);
	rn_write_bytes(w, p->body, p->size);
}

int rn_record_put_part(const struct rn_record_head *head, const struct rn_part *in, const uint8_t seed[RN_KEY_SIZE],
		       uint8_t *out, size_t out_size)
{
	if (!good(in))
		return -EINVAL;
	return rn_record_seal(head, RN_RECORD_PART, write_part, in, seed, out, out_size);
}

int rn_record_get_part(const uint8_t *data, size_t size, struct rn_part *ret)
{
	struct rn_reader r = rn_record_body(data, size, RN_RECORD_PART);
	struct rn_part p = {.number = rn_read_u32(&r)};

	p.size = rn_reader_left(&r);
	p.body = rn_read_view(&r, p.size);
	if (!rn_reader_done(&r) || !good(&p))
		return -EBADMSG;
	*ret = p;
	return 0;
}
