/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 1024
#define LINE_MAX_BYTES (4 * TEXT_MAX + 128) /* every byte escaped, and the prefix */

static struct {
	const char *component;
	enum rn_log_level most;
	bool journal;
} setup = { "rnaut", RN_LOG_INFO, false };

void rn_log_setup(const char *component, enum rn_log_level most)
{
	setup.component = component;
	setup.most = most;
	setup.journal = getenv("JOURNAL_STREAM") != NULL;
}

/* Only printable ASCII passes: terminals obey C1 controls and bidirectional marks too. */
static size_t escape(const char *text, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c < 0x7f && c != '\\') {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

static size_t prefix(enum rn_log_level level, char *out, size_t out_size)
{
	struct timespec now;
	struct tm utc;
	char stamp[32] = "";

	if (setup.journal)
		return (size_t)snprintf(out, out_size, "<%d>%.32s: ", (int)level, setup.component);
	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	return (size_t)snprintf(out, out_size, "%s.%03ldZ %.32s: ", stamp, now.tv_nsec / 1000000, setup.component);
}

void rn_log(enum rn_log_level level, const char *format, ...)
{
	char text[TEXT_MAX], line[LINE_MAX_BYTES];
	size_t size;
	va_list args;

	if (level > setup.most)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	size = prefix(level, line, 128);
	size += escape(text, line + size);
	line[size++] = '\n';
	/* One write a line, so that processes that share a terminal do not mix; nobody can be told if it fails. */
	if (write(STDERR_FILENO, line, size) < 0)
		return;
}

int rn_log_allowed(struct rn_log_limit *limit, long long now_ms, long long interval_ms)
{
	if (limit->used < limit->burst) {
		limit->used++;
		limit->next_ms = now_ms + interval_ms;
		return 1;
	}
	if (now_ms < limit->next_ms)
		return 0;
	limit->next_ms = now_ms + interval_ms;
	return 1;
}
