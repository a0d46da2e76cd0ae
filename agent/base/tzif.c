/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tzif.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEADER_SIZE 44
#define INFO_SIZE 6
#define OFFSET_MIN (-(25 * 3600 - 1)) /* RFC 9636 section 3.2: outside of these no one would read it */
#define OFFSET_MAX (26 * 3600 - 1)

struct header {
	uint8_t version; /* 1.. */
	uint32_t is_ut, is_standard, leaps, transitions, types, letters;
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t get_time(const uint8_t *p, uint8_t size)
{
	return size == 4 ? (int32_t)get32(p) : (int64_t)((uint64_t)get32(p) << 32 | get32(p + 4));
}

static bool read_header(const uint8_t *p, size_t size, struct header *ret)
{
	if (size < HEADER_SIZE || memcmp(p, "TZif", 4) != 0 || (p[4] != 0 && p[4] < '2'))
		return false;
	/* Versions to come keep what these have (section 4). */
	ret->version = p[4] == 0 ? 1 : (uint8_t)(p[4] - '0');
	ret->is_ut = get32(p + 20);
	ret->is_standard = get32(p + 24);
	ret->leaps = get32(p + 28);
	ret->transitions = get32(p + 32);
	ret->types = get32(p + 36);
	ret->letters = get32(p + 40);
	return ret->types > 0 && ret->types <= 256 && ret->letters > 0 &&
	       (ret->is_ut == 0 || ret->is_ut == ret->types) &&
	       (ret->is_standard == 0 || ret->is_standard == ret->types);
}

/* Bytes of the block behind its header; the counts are of 32 bits, so that it does not overflow. */
static uint64_t block_size(const struct header *h, uint8_t time_size)
{
	return (uint64_t)h->transitions * (time_size + 1u) + (uint64_t)h->types * INFO_SIZE + h->letters +
	       (uint64_t)h->leaps * (time_size + 4u) + h->is_standard + h->is_ut;
}

static bool types_sane(const struct header *h, const uint8_t *infos)
{
	for (uint32_t i = 0; i < h->types; i++) {
		const uint8_t *info = infos + (size_t)i * INFO_SIZE;
		int32_t offset = (int32_t)get32(info);

		if (offset < OFFSET_MIN || offset > OFFSET_MAX || info[4] > 1 || info[5] >= h->letters)
			return false;
	}
	return true;
}

static bool transitions_sane(const struct header *h, const struct rn_tzif *file)
{
	for (uint32_t i = 0; i < h->transitions; i++) {
		if (file->types[i] >= h->types || (i > 0 && rn_tzif_time(file, i - 1) >= rn_tzif_time(file, i)))
			return false;
	}
	return true;
}

static bool read_block(const struct header *h, const uint8_t *block, size_t size, uint8_t time_size,
		       struct rn_tzif *ret)
{
	if (block_size(h, time_size) > size)
		return false;
	ret->time_size = time_size;
	ret->transitions = h->transitions;
	ret->leaps = h->leaps;
	ret->times = block;
	ret->types = ret->times + (size_t)h->transitions * time_size;
	ret->infos = ret->types + h->transitions;
	return types_sane(h, ret->infos) && transitions_sane(h, ret);
}

/* What stands behind the 64-bit block: a line. */
static bool read_footer(const uint8_t *p, size_t size, struct rn_tzif *ret)
{
	const uint8_t *end = size < 2 || p[0] != '\n' ? NULL : memchr(p + 1, '\n', size - 1);

	if (!end)
		return false;
	ret->footer = (const char *)p + 1;
	ret->footer_size = (size_t)(end - (p + 1));
	return true;
}

int rn_tzif_read(const uint8_t *bytes, size_t size, struct rn_tzif *ret)
{
	struct header h;
	size_t used;

	*ret = (struct rn_tzif){0};
	if (!read_header(bytes, size, &h))
		return -EINVAL;
	if (h.version == 1)
		return read_block(&h, bytes + HEADER_SIZE, size - HEADER_SIZE, 4, ret) ? 0 : -EINVAL;
	/* The 32-bit block before it is only passed over: writers may leave it empty. */
	if (block_size(&h, 4) > size - HEADER_SIZE)
		return -EINVAL;
	used = HEADER_SIZE + (size_t)block_size(&h, 4);
	if (!read_header(bytes + used, size - used, &h) || h.version == 1)
		return -EINVAL;
	used += HEADER_SIZE;
	if (!read_block(&h, bytes + used, size - used, 8, ret))
		return -EINVAL;
	used += (size_t)block_size(&h, 8);
	return read_footer(bytes + used, size - used, ret) ? 0 : -EINVAL;
}

int64_t rn_tzif_time(const struct rn_tzif *file, uint32_t i)
{
	return get_time(file->times + (size_t)i * file->time_size, file->time_size);
}

int32_t rn_tzif_offset(const struct rn_tzif *file, int64_t i)
{
	size_t type = i < 0 ? 0 : file->types[i];

	return (int32_t)get32(file->infos + type * INFO_SIZE);
}
