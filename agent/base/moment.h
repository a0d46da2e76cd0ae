/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_MOMENT_H
#define RN_BASE_MOMENT_H

#include <stdint.h>

#define RN_MOMENT_MAX 253402300799ll /* the last second of the year 9999: what RFC 3339 can say */

/*
 * A moment as RFC 3339 has it, in UTC and without a fraction: "2027-03-31T18:00:00Z"; or a date, which is its first
 * second. 0, or -EINVAL: not of that form, no such day, before 1970. No leap seconds.
 */
int rn_moment_parse(const char *text, int64_t *ret_unix_seconds);

#define RN_MOMENT_TEXT 24
/* ret as above; for 1970 to 9999, others give "". */
void rn_moment_format(int64_t unix_seconds, char ret[RN_MOMENT_TEXT]);

/* `by` after the moment (before it, where by < 0), both in one unit; no further than the type goes. */
int64_t rn_moment_after(int64_t moment, int64_t by);

#endif
