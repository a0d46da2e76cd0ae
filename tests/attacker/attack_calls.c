/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that neither net nor web needs. Each ends the process at once; a line "went on" says that it did not. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "attacker.h"

#define TRY(name, ...)                                                                                                 \
	static void try_##name(const struct inside *inside, char **words, int count)                                   \
	{                                                                                                              \
		long r = -1;                                                                                           \
		long pid = count > 0 ? strtol(words[0], NULL, 10) : 1;                                                 \
                                                                                                                       \
		(void)inside;                                                                                          \
		(void)pid;                                                                                             \
		errno = 0;                                                                                             \
		__VA_ARGS__;                                                                                           \
		said("went on: %ld %s", r, strerror(errno));                                                           \
	}

static char byte;
static struct iovec here = {&byte, 1};
static union bpf_attr attr;
static const union {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
} somewhere = {.v6 = {AF_INET6, 9, 0, IN6ADDR_LOOPBACK_INIT, 0}}, api = {.local = {AF_UNIX, "/run/rnaut/api.sock"}};

TRY(ptrace, r = ptrace(PTRACE_ATTACH, (pid_t)pid, NULL, NULL))
TRY(vm_write, r = process_vm_writev((pid_t)pid, &here, 1, &here, 1, 0))
TRY(signal, r = kill((pid_t)pid, SIGKILL))
TRY(tgkill, r = syscall(SYS_tgkill, pid, pid, SIGKILL))
TRY(fork, r = fork())
TRY(exec, r = execl("/bin/true", "true", (char *)NULL))
TRY(bpf, r = syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr)))
TRY(netlink, r = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
TRY(packet, r = socket(AF_PACKET, SOCK_RAW, 0))
TRY(mount, r = mount("none", "/run", "tmpfs", 0, NULL))
TRY(unshare, r = unshare(CLONE_NEWUSER))
TRY(setuid, r = setuid(0))
TRY(chown, r = fchownat(AT_FDCWD, "/run/attack", 0, 0, 0))
TRY(code, r = (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
TRY(pidfd, r = syscall(SYS_pidfd_open, pid, 0))
TRY(uring, r = syscall(SYS_io_uring_setup, 8, &attr))
TRY(keyctl, r = syscall(SYS_keyctl, 0, 0, 0, 0, 0))
TRY(perf, r = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0))
TRY(userfault, r = syscall(SYS_userfaultfd, 0))
TRY(listen, r = listen(inside->socket, 1))
TRY(module, r = syscall(SYS_init_module, &byte, 1, ""))
TRY(list_files, r = syscall(SYS_getdents64, 0, &attr, sizeof(attr)))
TRY(link, r = link("/run/attack", "/run/attack2"))
TRY(hand_over, r = syscall(SYS_sendfile, 1, 0, NULL, 1))

/* No socket of the network, no address of it, no other socket of this host but those beside core's. */
TRY(tcp, r = socket(AF_INET, SOCK_STREAM, 0))
TRY(udp6, r = socket(AF_INET6, SOCK_DGRAM, 0))
TRY(raw, r = socket(AF_INET, SOCK_RAW, IPPROTO_RAW))
TRY(dial, r = connect(inside->socket, &somewhere.any, sizeof(somewhere.v4)))
TRY(dial6, r = connect(inside->socket, &somewhere.any, sizeof(somewhere.v6)))
TRY(send_to, r = sendto(inside->socket, &byte, 1, MSG_NOSIGNAL, &somewhere.any, sizeof(somewhere.v6)))
TRY(long_name, r = connect(socket(AF_UNIX, SOCK_STREAM, 0), &api.any, sizeof(api.local)))
TRY(bind, r = bind(inside->socket, &somewhere.any, sizeof(somewhere.v6)))
TRY(chdir, r = chdir("/run"))
TRY(fchdir, r = fchdir(0))

/* Those that net has and web has not. */
TRY(unlink, r = unlink("/run/attack"))
TRY(rename, r = rename("/run/attack", "/run/attack2"))
TRY(chmod, r = fchmod(2, 0777))
TRY(many, r = sendmmsg(inside->socket, NULL, 0, 0))

#define CALL(name)                                                                                                     \
	{                                                                                                              \
#name, try_##name                                                                                      \
	}
const struct attack attack_calls[] = {
    CALL(ptrace),     CALL(vm_write), CALL(signal),    CALL(tgkill),  CALL(fork),      CALL(exec),    CALL(bpf),
    CALL(netlink),    CALL(packet),   CALL(mount),     CALL(unshare), CALL(setuid),    CALL(chown),   CALL(code),
    CALL(pidfd),      CALL(uring),    CALL(keyctl),    CALL(perf),    CALL(userfault), CALL(listen),  CALL(module),
    CALL(list_files), CALL(link),     CALL(hand_over), CALL(unlink),  CALL(rename),    CALL(chmod),   CALL(many),
    CALL(tcp),	      CALL(udp6),     CALL(raw),       CALL(dial),    CALL(dial6),     CALL(send_to), CALL(long_name),
    CALL(bind),	      CALL(chdir),    CALL(fchdir),    {NULL, NULL},
};
