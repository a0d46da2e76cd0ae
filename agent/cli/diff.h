/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_DIFF_H
#define RN_CLI_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * What one text has that another has not, by lines, as `diff -u` shows it. Shortest where fewer than RN_DIFF_CHANGES_MAX
 * lines differ; beyond that what lies between the first and the last difference is one change.
 */
#define RN_DIFF_CHANGES_MAX 2000u

/* kind: '@' (the head of a hunk), ' ', '-' or '+'; line: not ended with NUL, without its end. */
typedef void rn_diff_line(void *context, char kind, const char *line, size_t size);
/* 0, *ret_same says whether there was nothing to say; or -ENOMEM with a sentence. */
int rn_diff(const char *before, const char *after, rn_diff_line *each, void *context, bool *ret_same,
	    struct rn_err *err);

#endif
