/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_INPUT_H
#define RN_CLI_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What people hand in and take away. */

/* A whole file, or standard input for "-", as text without NUL bytes; the caller frees (and wipes) it. */
int rn_input_read(const char *path, size_t max, char **ret, struct rn_err *err);
/* "90s", "30m", "12h", "7d" or plain seconds; 0 or -EINVAL. */
int rn_input_duration(const char *text, int64_t *ret_seconds);
/* A date, a moment (base/moment.h), or a duration from now. 0 or -EINVAL. */
int rn_input_moment(const char *text, int64_t *ret_unix_seconds);
/* This host's name as a device name: lower case, without the domain, what does not fit replaced by a dash. */
void rn_input_host_name(char *out, size_t size);

/*
 * A new file for a secret, mode 0600; what exists is never written over. Opened before the secret is made, so that a
 * full or closed disk costs nothing; dropped again with commit(text NULL).
 */
struct rn_output {
	int fd;
	const char *path;
};
int rn_output_open(const char *path, struct rn_output *ret, struct rn_err *err);
int rn_output_commit(struct rn_output *output, const char *text, struct rn_err *err);

#endif
