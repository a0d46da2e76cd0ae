/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_COMMAND_H
#define RN_SYS_COMMAND_H

#include <stddef.h>

/*
 * Runs a program of the host and takes what it prints on standard output. No shell; looked for in the system's own
 * directories only; an empty standard input, the language C, standard error thrown away.
 *
 * 0 and *ret_status (its exit status, -1 where a signal ended it) and *ret (heap text that the caller frees). -ENOENT:
 * no such program; -EFBIG: it printed more than max bytes; -ETIMEDOUT; other -errno. It has ended in every case.
 */
int rn_command(const char *const *argv, size_t max, int timeout_ms, char **ret, size_t *ret_size, int *ret_status);

#endif
