/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_ZONES_H
#define RN_BASE_ZONES_H

#include <stddef.h>
#include <stdint.h>

/*
 * A time zone: what its clocks showed and will show. A local time is given in civil seconds: those since 1970-01-01
 * 00:00:00 on a calendar without zone (day number * 86400 + second of day). Nothing here reads files: sys/zone.h does.
 *
 * Times may be any int64_t; beyond RN_ZONE_TIME_MAX either way (36 thousand million years) they count as that bound.
 */
#define RN_ZONE_NAME_MAX 63
#define RN_ZONE_FILE_MAX (64u * 1024u) /* bytes of a TZif file */
#define RN_ZONE_TIME_MAX (INT64_C(1) << 60)

struct rn_zone; /* immutable */

/*
 * A zone from the bytes of a TZif file (RFC 9636, versions 1 to 4), to be freed. 0, -EINVAL (is no such file),
 * -EOPNOTSUPP (counts leap seconds, which Unix time does not), -EMSGSIZE (too large), -ENOMEM.
 */
int rn_zone_parse(const void *bytes, size_t size, struct rn_zone **ret);
void rn_zone_free(struct rn_zone *zone); /* NULL and rn_zone_utc() are fine */
/* UTC, which needs no file. Static. */
const struct rn_zone *rn_zone_utc(void);

/* Around a moment: from <= t < until, and the offset (seconds east of UTC) does not change in between. */
struct rn_zone_span {
	int64_t from, until; /* INT64_MIN, INT64_MAX: it always was, it will always be */
	int32_t offset;
};
struct rn_zone_span rn_zone_span(const struct rn_zone *zone, int64_t unix_seconds);

/* Unix seconds -> civil seconds. */
int64_t rn_zone_local(const struct rn_zone *zone, int64_t unix_seconds);
/*
 * Civil seconds -> Unix seconds. A local time that the zone skips is the first moment after the gap, in both. One that
 * the zone has twice is the first of the two, or the last. Neither ever falls as the local time rises: where the clock is
 * put back past a time and then forward over it, the last is behind that gap.
 */
int64_t rn_zone_first(const struct rn_zone *zone, int64_t civil_seconds);
int64_t rn_zone_last(const struct rn_zone *zone, int64_t civil_seconds);

#endif
