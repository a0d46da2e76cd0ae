/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_TZIF_H
#define RN_BASE_TZIF_H

#include <stddef.h>
#include <stdint.h>

/*
 * The layout of TZif (RFC 9636), read from a buffer that stays the caller's: the 64-bit block where the version has
 * one, else the 32-bit one. Everything was checked: lengths, indices, that transitions ascend, that offsets are in -25
 * to 26 hours. Names of local times are not kept.
 */
struct rn_tzif {
	const uint8_t *times, *types,
	    *infos; /* big-endian as they lie there; rn_tzif_time and rn_tzif_offset read them */
	uint32_t transitions, leaps;
	uint8_t time_size;  /* 4 or 8 */
	const char *footer; /* NULL in version 1; else of footer_size bytes, may be none, no NUL */
	size_t footer_size;
};

/* 0 or -EINVAL. */
int rn_tzif_read(const uint8_t *bytes, size_t size, struct rn_tzif *ret);
/* When transition i < transitions comes, Unix seconds. */
int64_t rn_tzif_time(const struct rn_tzif *file, uint32_t i);
/* Seconds east of UTC from transition i on; of -1: before the first. */
int32_t rn_tzif_offset(const struct rn_tzif *file, int64_t i);

#endif
