/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/fields.h"

#include <string.h>

#include "base/addr.h"

static void write_text(struct rn_writer *w, const char *text, size_t max)
{
	if (memchr(text, 0, max))
		rn_write_text(w, text);
	else
		w->failed = true;
}

static void write_endpoint(struct rn_writer *w, const struct rn_endpoint *e)
{
	rn_write_bytes(w, e->addr.b, sizeof(e->addr.b));
	rn_write_u16(w, e->port);
}

static void write_view(struct rn_writer *w, const uint8_t *base, const struct rn_field *f)
{
	const uint8_t *data;
	size_t size;

	memcpy(&data, base + f->at, sizeof(data));
	memcpy(&size, base + f->size_at, sizeof(size));
	if (size > f->max || (!data && size > 0)) {
		w->failed = true;
	} else if (f->kind == RN_FIELD_BLOCK) {
		rn_write_block(w, data, size);
	} else {
		rn_write_u32(w, (uint32_t)size);
		rn_write_bytes(w, data, size);
	}
}

static void write_field(struct rn_writer *w, const uint8_t *base, const struct rn_field *f)
{
	const void *p = base + f->at;

	switch ((enum rn_field_kind)f->kind) {
	case RN_FIELD_U8:
		rn_write_u8(w, *(const uint8_t *)p);
		break;
	case RN_FIELD_U16:
		rn_write_u16(w, *(const uint16_t *)p);
		break;
	case RN_FIELD_U32:
		rn_write_u32(w, *(const uint32_t *)p);
		break;
	case RN_FIELD_U64:
		rn_write_u64(w, *(const uint64_t *)p);
		break;
	case RN_FIELD_BYTES:
		rn_write_bytes(w, p, f->max);
		break;
	case RN_FIELD_TEXT:
		write_text(w, p, f->max);
		break;
	case RN_FIELD_ENDPOINT:
		write_endpoint(w, p);
		break;
	case RN_FIELD_BLOCK:
	case RN_FIELD_BIG:
		write_view(w, base, f);
		break;
	}
}

void rn_fields_write(struct rn_writer *w, const void *base, const struct rn_field *fields, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		write_field(w, base, &fields[i]);
}

static void read_endpoint(struct rn_reader *r, struct rn_endpoint *e)
{
	rn_read_bytes(r, e->addr.b, sizeof(e->addr.b));
	e->port = rn_read_u16(r);
}

static void read_view(struct rn_reader *r, uint8_t *base, const struct rn_field *f)
{
	const uint8_t *data;
	size_t size;

	if (f->kind == RN_FIELD_BLOCK) {
		data = rn_read_block(r, f->max, &size);
	} else {
		size = rn_read_u32(r);
		if (size > f->max)
			r->failed = true;
		data = rn_read_view(r, size);
	}
	if (!data)
		size = 0;
	memcpy(base + f->at, &data, sizeof(data));
	memcpy(base + f->size_at, &size, sizeof(size));
}

static void read_field(struct rn_reader *r, uint8_t *base, const struct rn_field *f)
{
	void *p = base + f->at;

	switch ((enum rn_field_kind)f->kind) {
	case RN_FIELD_U8:
		*(uint8_t *)p = rn_read_u8(r);
		break;
	case RN_FIELD_U16:
		*(uint16_t *)p = rn_read_u16(r);
		break;
	case RN_FIELD_U32:
		*(uint32_t *)p = rn_read_u32(r);
		break;
	case RN_FIELD_U64:
		*(uint64_t *)p = rn_read_u64(r);
		break;
	case RN_FIELD_BYTES:
		rn_read_bytes(r, p, f->max);
		break;
	case RN_FIELD_TEXT:
		rn_read_text(r, p, f->max);
		break;
	case RN_FIELD_ENDPOINT:
		read_endpoint(r, p);
		break;
	case RN_FIELD_BLOCK:
	case RN_FIELD_BIG:
		read_view(r, base, f);
		break;
	}
}

void rn_fields_read(struct rn_reader *r, void *base, const struct rn_field *fields, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		read_field(r, base, &fields[i]);
}
