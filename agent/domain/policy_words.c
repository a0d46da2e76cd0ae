/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/moment.h"

#define MORE "..."

static void add(char out[RN_CONDITION_WORDS], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char out[RN_CONDITION_WORDS], const char *format, ...)
{
	size_t at = strlen(out);
	va_list args;

	va_start(args, format);
	if (vsnprintf(out + at, RN_CONDITION_WORDS - at, format, args) >= (int)(RN_CONDITION_WORDS - at))
		memcpy(out + RN_CONDITION_WORDS - sizeof(MORE), MORE, sizeof(MORE));
	va_end(args);
}

/* "mon-fri ", "sat,sun "; nothing where it is every day. */
static void add_days(char out[RN_CONDITION_WORDS], uint8_t days)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	const char *between = "";

	for (unsigned first = 0, last; first < 7 && days != 0x7f; first = last + 1) {
		last = first;
		if (!(days >> first & 1))
			continue;
		while (last < 6 && days >> (last + 1) & 1)
			last++;
		if (last < first + 2)
			last = first;
		add(out, "%s%s%s%s", between, names[first], last > first ? "-" : "", last > first ? names[last] : "");
		between = ",";
	}
	if (*between)
		add(out, " ");
}

static void add_second(char out[RN_CONDITION_WORDS], uint32_t second)
{
	add(out, "%02u:%02u", second / 3600, second / 60 % 60);
	if (second % 60)
		add(out, ":%02u", second % 60);
}

static void add_times(char out[RN_CONDITION_WORDS], const struct rn_access_policy *rule)
{
	for (uint32_t i = 0; i < rule->time_count && strlen(out) < RN_CONDITION_WORDS - 1; i++) {
		const struct rn_time_window *window = &rule->times[i];

		add(out, "%s", i ? ", " : "");
		add_days(out, window->days);
		add_second(out, window->from);
		add(out, "-");
		add_second(out, window->to);
		add(out, " %s", window->zone);
	}
}

const char *rn_condition_words(const struct rn_access_policy *rule, enum rn_condition condition,
			       char out[RN_CONDITION_WORDS])
{
	out[0] = '\0';
	if (condition == RN_CONDITION_TIMES)
		add_times(out, rule);
	else if (condition == RN_CONDITION_FROM)
		rn_moment_format(rule->from, out);
	else if (condition == RN_CONDITION_UNTIL)
		rn_moment_format(rule->until, out);
	else if (condition == RN_CONDITION_MINIMUM_TRUST)
		add(out, "%u", rule->source.minimum_trust);
	else if (condition == RN_CONDITION_MINIMUM_DESTINATION_TRUST)
		add(out, "%u", rule->destination.minimum_trust);
	return out;
}
