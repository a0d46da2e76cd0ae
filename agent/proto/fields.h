/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_FIELDS_H
#define RN_PROTO_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A message described as a list of struct members; what codecs of messages share. */
enum rn_field_kind {
	RN_FIELD_U8,
	RN_FIELD_U16,
	RN_FIELD_U32,
	RN_FIELD_U64,
	RN_FIELD_BYTES,	   /* `max` bytes */
	RN_FIELD_TEXT,	   /* u8 length, text; `max` is the member's size */
	RN_FIELD_ENDPOINT, /* 16 bytes, u16 */
	RN_FIELD_BLOCK,	   /* u16 length, at most `max` bytes; a pointer, and a size_t at `size_at` */
	RN_FIELD_BIG,	   /* the same with u32 length */
};

struct rn_field {
	uint8_t kind;
	uint16_t at, size_at; /* offsets */
	uint32_t max;
};

#define RN_FIELD_AT(type, kind, member)                                                 \
	{                                                                               \
		RN_FIELD_##kind, offsetof(type, member), 0, sizeof(((type *)0)->member) \
	}
#define RN_FIELD_VIEW(type, kind, member, limit)                                              \
	{                                                                                     \
		RN_FIELD_##kind, offsetof(type, member), offsetof(type, member##_size), limit \
	}

/* base is the struct that the offsets count in. Both leave failure in the reader or writer. */
void rn_fields_write(struct rn_writer *w, const void *base, const struct rn_field *fields, size_t count);
void rn_fields_read(struct rn_reader *r, void *base, const struct rn_field *fields, size_t count);

#endif
