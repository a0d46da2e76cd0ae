/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_ERR_H
#define RN_BASE_ERR_H

/*
 * Errors are negative errno values, returned upwards. Where a person must be told, the function also fills a
 * struct rn_err with one sentence that says what is wrong and what to do.
 */
struct rn_err {
	char text[400]; /* no trailing newline; "" where nothing was said */
};

/*
 * Writes the sentence, unless err is NULL, and returns code, so that a caller can say
 * `return rn_fail(err, -EINVAL, "...")`. Text that does not fit is cut, and a piece of a UTF-8 character becomes '?'.
 */
int rn_fail(struct rn_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
