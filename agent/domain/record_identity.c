/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "domain/record_wire.h"

static void write_identity(struct rn_writer *w, const void *in)
{
	const struct rn_identity_record *i = in;

	rn_write_u32(w, i->number);
	rn_write_u8(w, (uint8_t)i->says);
	rn_write_u8(w, (uint8_t)i->selector_count);
	for (uint32_t s = 0; s < i->selector_count; s++)
		rn_write_u32(w, i->selectors[s]);
}

int rn_record_put_identity(const struct rn_record_head *head, const struct rn_identity_record *in,
			   const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size)
{
	if (!rn_identity_record_good(in))
		return -EINVAL;
	return rn_record_seal(head, RN_RECORD_IDENTITY, write_identity, in, seed, out, out_size);
}

int rn_record_get_identity(const uint8_t *data, size_t size, struct rn_identity_record *ret)
{
	struct rn_reader r = rn_record_body(data, size, RN_RECORD_IDENTITY);
	struct rn_identity_record i = {0};

	i.number = rn_read_u32(&r);
	i.says = (enum rn_identity_says)rn_read_u8(&r);
	i.selector_count = rn_read_u8(&r);
	if (i.selector_count > RN_SELECTORS_MAX)
		return -EBADMSG;
	for (uint32_t s = 0; s < i.selector_count; s++)
		i.selectors[s] = rn_read_u32(&r);
	if (!rn_reader_done(&r) || !rn_identity_record_good(&i))
		return -EBADMSG;
	*ret = i;
	return 0;
}
