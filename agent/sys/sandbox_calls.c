/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sandbox_calls.h"

#include <stddef.h>

/* What every process needs: memory, time, its own files, reading and writing, ending. (sysinfo: qsort of the C
 * library.) */
#define COMMON                                                                                                         \
	"read", "write", "close", "openat", "fstat", "newfstatat", "lseek", "fcntl", "mmap", "munmap", "mremap",       \
	    "mprotect", "madvise", "brk", "futex", "clock_gettime", "clock_nanosleep", "gettimeofday", "getrandom",    \
	    "getpid", "sysinfo", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "restart_syscall", "exit",          \
	    "exit_group"

/* Sockets that are there already. */
#define SOCKETS "getsockname", "getsockopt", "setsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg", "poll"

/* Those that are made under the filter, to core and to kern. */
#define DIAL "socket", "connect"

/* Whole-file replacement of sys/files.c. */
#define REPLACE "unlink", "rename", "fchmod", "fsync"

/* libuv's loop. */
#define LOOP "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2", "pipe2", "ioctl"

static const char *const core_calls[] = {COMMON,    SOCKETS,   REPLACE,	   LOOP,	"shutdown",  "accept4",
					 "chmod",   "pread64", "pwrite64", "fdatasync", "ftruncate", "access",
					 "geteuid", "getcwd",  "openat2",  "fstatfs",	NULL};

static const char *const net_calls[] = {COMMON, SOCKETS, DIAL, REPLACE, LOOP, "sendmmsg", "recvmmsg", "geteuid", NULL};

static const char *const kern_calls[] = {COMMON,       SOCKETS,		DIAL,	     "bind",	   REPLACE,    "bpf",
					 "membarrier", "epoll_create1", "epoll_ctl", "epoll_wait", "statfs",   "access",
					 "uname",      "prlimit64",	"getuid",    "geteuid",	   "readlink", "dup",
					 "ioctl",      "accept4",	NULL};

static const char *const ca_calls[] = {COMMON,	    SOCKETS,   DIAL,	 REPLACE, "fdatasync",
				       "ftruncate", "geteuid", "access", NULL};

static const char *const web_calls[] = {COMMON, SOCKETS, DIAL, LOOP, "accept4", "shutdown", "writev", "geteuid", NULL};

/* wireguard-go is not ours, and the command line is the person's own: neither is filtered. */
const char *const *const rn_sandbox_lists[RN_PROCESS_CLI + 1] = {
    [RN_PROCESS_CORE] = core_calls, [RN_PROCESS_NET] = net_calls, [RN_PROCESS_KERN] = kern_calls,
    [RN_PROCESS_CA] = ca_calls,	    [RN_PROCESS_WEB] = web_calls,
};

const char *const rn_sandbox_sanitizer_calls[] = {"sigaltstack",
						  "readlink",
						  "readlinkat",
						  "prctl",
						  "getrlimit",
						  "setrlimit",
						  "prlimit64",
						  "sched_yield",
						  "personality",
						  "process_vm_readv",
						  "sched_getaffinity",
						  "ioctl",
						  "open",
						  "stat",
						  "dup",
						  "pipe2",
						  "uname",
						  NULL};
