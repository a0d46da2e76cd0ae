/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_BUF_H
#define RN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bounded reader and writer of wire bytes, little endian. An overrun sets `failed`, after which reads return zero and
 * writes do nothing: decode everything, then ask once.
 */
struct rn_reader {
	const uint8_t *data;
	size_t size, at;
	bool failed;
};

struct rn_writer {
	uint8_t *data;
	size_t size, at;
	bool failed;
};

struct rn_reader rn_reader(const void *data, size_t size);
uint8_t rn_read_u8(struct rn_reader *r);
uint16_t rn_read_u16(struct rn_reader *r);
uint32_t rn_read_u32(struct rn_reader *r);
uint64_t rn_read_u64(struct rn_reader *r);
/* Copies size bytes; on failure out is zeroed. */
void rn_read_bytes(struct rn_reader *r, void *out, size_t size);
/* Returns a pointer into the data, NULL on failure. */
const uint8_t *rn_read_view(struct rn_reader *r, size_t size);
/* A u16 length and that many bytes, as a view; NULL (and *ret_size 0) on failure or where longer than max. */
const uint8_t *rn_read_block(struct rn_reader *r, size_t max, size_t *ret_size);
/* A u8 length and that many bytes of text without NUL, ended with NUL in out; fails where it does not fit out_size. */
void rn_read_text(struct rn_reader *r, char *out, size_t out_size);
size_t rn_reader_left(const struct rn_reader *r);
/* True where nothing failed and every byte was read. */
bool rn_reader_done(const struct rn_reader *r);

struct rn_writer rn_writer(void *data, size_t size);
void rn_write_u8(struct rn_writer *w, uint8_t v);
void rn_write_u16(struct rn_writer *w, uint16_t v);
void rn_write_u32(struct rn_writer *w, uint32_t v);
void rn_write_u64(struct rn_writer *w, uint64_t v);
void rn_write_bytes(struct rn_writer *w, const void *data, size_t size);
/* The counterparts of rn_read_block and rn_read_text; they fail where the length does not fit its field. */
void rn_write_block(struct rn_writer *w, const void *data, size_t size);
void rn_write_text(struct rn_writer *w, const char *text);

#endif
