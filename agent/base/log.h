/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_LOG_H
#define RN_BASE_LOG_H

/*
 * One line an event on standard error: "component: text" with the journal's level prefix (<3> error .. <7> debug,
 * sd-daemon(3)) where JOURNAL_STREAM is set, a UTC time stamp otherwise. Control characters of the text are escaped.
 * Libraries return errors; services and roles log them, once. Never a secret.
 */
enum rn_log_level { RN_LOG_ERROR = 3, RN_LOG_WARNING = 4, RN_LOG_NOTICE = 5, RN_LOG_INFO = 6, RN_LOG_DEBUG = 7 };

void rn_log_setup(const char *component, enum rn_log_level most);
void rn_log(enum rn_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True at most `burst` times and then once every interval_ms: guards a log line that a stranger can cause. */
struct rn_log_limit {
	unsigned burst, used;
	long long next_ms;
};
int rn_log_allowed(struct rn_log_limit *limit, long long now_ms, long long interval_ms);

#endif
