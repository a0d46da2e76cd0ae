/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_SANDBOX_CALLS_H
#define RN_SYS_SANDBOX_CALLS_H

#include "sys/sandbox.h"

/* The system calls of each process, NULL-ended; what is not listed kills it. sandbox.h has the public door. */
#define RN_SANDBOX_CALLS_MAX 60
extern const char *const *const rn_sandbox_lists[RN_PROCESS_CLI + 1];
/* What the sanitizers' runtimes call; added to each list in builds with them, and only there. */
extern const char *const rn_sandbox_sanitizer_calls[];

#endif
