/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <string.h>

struct rn_reader rn_reader(const void *data, size_t size)
{
	return (struct rn_reader){ .data = data, .size = size };
}

const uint8_t *rn_read_view(struct rn_reader *r, size_t size)
{
	const uint8_t *view;

	if (r->failed || size > r->size - r->at) {
		r->failed = true;
		return NULL;
	}
	view = r->data + r->at;
	r->at += size;
	return view;
}

static uint64_t read_le(struct rn_reader *r, unsigned size)
{
	const uint8_t *p = rn_read_view(r, size);
	uint64_t v = 0;

	while (p && size-- > 0)
		v = v << 8 | p[size];
	return v;
}

uint8_t rn_read_u8(struct rn_reader *r)
{
	return (uint8_t)read_le(r, 1);
}

uint16_t rn_read_u16(struct rn_reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t rn_read_u32(struct rn_reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t rn_read_u64(struct rn_reader *r)
{
	return read_le(r, 8);
}

void rn_read_bytes(struct rn_reader *r, void *out, size_t size)
{
	const uint8_t *p = rn_read_view(r, size);

	if (size == 0)
		return;
	if (p)
		memcpy(out, p, size);
	else
		memset(out, 0, size);
}

const uint8_t *rn_read_block(struct rn_reader *r, size_t max, size_t *ret_size)
{
	size_t size = rn_read_u16(r);
	const uint8_t *view;

	if (size > max)
		r->failed = true;
	view = rn_read_view(r, size);
	*ret_size = view ? size : 0;
	return view;
}

void rn_read_text(struct rn_reader *r, char *out, size_t out_size)
{
	size_t size = rn_read_u8(r);
	const uint8_t *view;

	if (size >= out_size)
		r->failed = true;
	view = rn_read_view(r, size);
	if (view && memchr(view, 0, size))
		r->failed = true;
	if (r->failed)
		size = 0;
	if (size > 0)
		memcpy(out, view, size);
	if (out_size > 0)
		out[size] = 0;
}

size_t rn_reader_left(const struct rn_reader *r)
{
	return r->failed ? 0 : r->size - r->at;
}

bool rn_reader_done(const struct rn_reader *r)
{
	return !r->failed && r->at == r->size;
}

struct rn_writer rn_writer(void *data, size_t size)
{
	return (struct rn_writer){ .data = data, .size = size };
}

void rn_write_bytes(struct rn_writer *w, const void *data, size_t size)
{
	if (w->failed || size > w->size - w->at) {
		w->failed = true;
		return;
	}
	if (size > 0)
		memcpy(w->data + w->at, data, size);
	w->at += size;
}

static void write_le(struct rn_writer *w, uint64_t v, unsigned size)
{
	uint8_t bytes[8];
	unsigned i;

	for (i = 0; i < size; i++)
		bytes[i] = (uint8_t)(v >> 8 * i);
	rn_write_bytes(w, bytes, size);
}

void rn_write_u8(struct rn_writer *w, uint8_t v)
{
	write_le(w, v, 1);
}

void rn_write_u16(struct rn_writer *w, uint16_t v)
{
	write_le(w, v, 2);
}

void rn_write_u32(struct rn_writer *w, uint32_t v)
{
	write_le(w, v, 4);
}

void rn_write_u64(struct rn_writer *w, uint64_t v)
{
	write_le(w, v, 8);
}

void rn_write_block(struct rn_writer *w, const void *data, size_t size)
{
	if (size > UINT16_MAX)
		w->failed = true;
	rn_write_u16(w, (uint16_t)size);
	rn_write_bytes(w, data, size);
}

void rn_write_text(struct rn_writer *w, const char *text)
{
	size_t size = strlen(text);

	if (size > UINT8_MAX)
		w->failed = true;
	rn_write_u8(w, (uint8_t)size);
	rn_write_bytes(w, text, size);
}
