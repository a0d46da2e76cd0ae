/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_SANDBOX_H
#define RN_SYS_SANDBOX_H

#include <sys/types.h>

#include "base/err.h"

/* Users, capabilities, seccomp: how a process becomes less than root. libcap-ng and libseccomp are included only here. */
enum rn_process {
	RN_PROCESS_CORE,
	RN_PROCESS_NET,
	RN_PROCESS_KERN,
	RN_PROCESS_CA,
	RN_PROCESS_WEB,
	RN_PROCESS_WIREGUARD,
	RN_PROCESS_CLI
};

/* uid and gid of the process's user (rnaut-core, rnaut-net, rnaut-kern, rnaut-ca, rnaut-web); a sentence where it is missing. */
int rn_process_user(enum rn_process process, uid_t *ret_uid, gid_t *ret_gid, struct rn_err *err);
/*
 * From root: no supplementary groups, the user, capabilities (kern and wireguard keep theirs), no_new_privs,
 * PR_SET_DUMPABLE 0. Then rn_sandbox_seccomp loads the allow-list (at most 60 calls, default kill) into all threads;
 * call it when all files and sockets that need other calls are open, and threads begun.
 */
int rn_sandbox_user(enum rn_process process, struct rn_err *err);
/* Of a forked child, between the two: it ends when its parent does, however that ends. */
int rn_sandbox_end_with_parent(struct rn_err *err);
int rn_sandbox_seccomp(enum rn_process process, struct rn_err *err);
/* The allow-list as names, NULL-ended, for tests and for `rnautd PROCESS --print-seccomp`. */
const char *const *rn_sandbox_calls(enum rn_process process);

#endif
