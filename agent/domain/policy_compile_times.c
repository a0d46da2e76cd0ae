// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_compile.h"

#define TIMES_AHEAD_MIN (INT64_C(28) * RN_DAY_SECONDS) /* windows that come so often are reckoned out less far */

/* Reckons them out, less far where they come so often that they would not fit. */
static int reckon(const struct rn_compile *c, const struct rn_access_policy *rule, struct rn_schedule *out)
{
	const struct rn_times text = {rule->times, rule->time_count};
	int64_t from = c->now > RN_DAY_SECONDS ? c->now - RN_DAY_SECONDS : 0;
	struct rn_window *windows = calloc(RN_WINDOWS_MAX, sizeof(*windows));
	int64_t ahead = RN_SCHEDULE_AHEAD;
	int count;

	if (!windows)
		return rn_compile_no_memory(c);
	count = rn_schedule_openings(&text, c->zones, from, c->now + ahead, windows, RN_WINDOWS_MAX);
	while (count == -EMSGSIZE && ahead > TIMES_AHEAD_MIN) {
		ahead = ahead / 2 > TIMES_AHEAD_MIN ? ahead / 2 : TIMES_AHEAD_MIN;
		count = rn_schedule_openings(&text, c->zones, from, c->now + ahead, windows, RN_WINDOWS_MAX);
	}
	if (count >= 0) {
		*out = (struct rn_schedule){windows, (uint32_t)count};
		return 0;
	}
	free(windows);
	if (count == -EMSGSIZE)
		return rn_fail(c->err, -EMSGSIZE,
			       "rule %u (\"%s\") opens more than %d times in four weeks; write fewer windows",
			       rule->number, rule->id, RN_WINDOWS_MAX);
	return count == -ENOMEM
		   ? rn_compile_no_memory(c)
		   : rn_fail(c->err, -EINVAL, "rule %u (\"%s\"): its times cannot be read", rule->number, rule->id);
}

int rn_compile_times(struct rn_compile *c, const struct rn_access_policy *rule, uint32_t *ret)
{
	struct rn_policy_record *record = c->record;
	int code;

	*ret = 0;
	if (rule->time_count == 0)
		return 0;
	for (uint32_t i = 0; i < record->schedule_count; i++)
		if (c->times[i]->time_count == rule->time_count &&
		    memcmp(c->times[i]->times, rule->times, rule->time_count * sizeof(*rule->times)) == 0) {
			*ret = i + 1;
			return 0;
		}
	if (record->schedule_count == RN_SCHEDULES_MAX)
		return rn_fail(c->err, -EMSGSIZE,
			       "the policy has more than %d different lists of times (rule %u, \"%s\", is the first "
			       "that does not fit); give rules the same ones",
			       RN_SCHEDULES_MAX, rule->number, rule->id);
	code = reckon(c, rule, &record->schedules[record->schedule_count]);
	if (code < 0)
		return code;
	c->times[record->schedule_count] = rule;
	c->size += sizeof(struct rn_window) * record->schedules[record->schedule_count].count + 2;
	*ret = ++record->schedule_count;
	return c->size <= RN_POLICY_SIZE_MAX ? 0 : rn_compile_too_large(c, rule->number, rule->id);
}
