/* SPDX-License-Identifier: Apache-2.0 */
/* What code that runs in one of our processes cannot do any more: each attempt in a child under the process's filter.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/loop.h"
#include "sys/sandbox.h"
#include "sys/worker.h"
#include "sys/zone.h"

static void unix_socket(void)
{
	socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static void netlink_socket(void)
{
	socket(AF_NETLINK, SOCK_RAW, 0);
}

static void internet_socket(void)
{
	socket(AF_INET6, SOCK_DGRAM, 0);
}

static void raw_socket(void)
{
	socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
}

static void packet_socket(void)
{
	socket(AF_PACKET, SOCK_RAW, 0);
}

static void dial(const void *address, socklen_t size)
{
	connect(-1, address, size);
}

static void dial_by_name(void)
{
	const struct sockaddr_un core = {AF_UNIX, "ipc.sock"};

	dial(&core, 2 + 8);
}

static void dial_by_path(void)
{
	const struct sockaddr_un core = {AF_UNIX, "/run/rnaut/ipc.sock"};

	dial(&core, 2 + 19);
}

static void dial_v4(void)
{
	const struct sockaddr_in to = {.sin_family = AF_INET};

	dial(&to, sizeof(to));
}

static void dial_v6(void)
{
	const struct sockaddr_in6 to = {.sin6_family = AF_INET6};

	dial(&to, sizeof(to));
}

static void send_plain(void)
{
	struct msghdr m = {0};

	send(-1, "", 1, MSG_NOSIGNAL);
	sendmsg(-1, &m, MSG_NOSIGNAL);
}

static void send_to(void)
{
	const struct sockaddr_in to = {.sin_family = AF_INET};

	sendto(-1, "", 1, 0, (const struct sockaddr *)&to, sizeof(to));
}

static void open_by_send(void)
{
	struct msghdr m = {0};

	sendmsg(-1, &m, MSG_FASTOPEN);
}

static void give_name(void)
{
	const struct sockaddr_un own = {AF_UNIX, "own.sock"};

	bind(-1, (const struct sockaddr *)&own, sizeof(own));
}

static void memory(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page, 4096, PROT_READ);
	munmap(page, 4096);
}

static void code_to_write(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void data_to_run(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void program(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	execve("/bin/true", argv, argv + 1);
}

static void trace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void child(void)
{
	if (fork() == 0)
		_exit(0);
}

static void neighbour(void)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {&byte, 1};

	process_vm_writev(getppid(), &here, 1, &there, 1, 0);
}

static void signal_sent(void)
{
	kill(getppid(), 0);
}

/* A zone's file, and the list of names for one that is not there. */
static void zones(void)
{
	struct rn_zone_cache *cache = rn_zone_cache_new(NULL);
	const struct rn_zone *zone;
	struct rn_err err;

	if (!cache || rn_zone_get(cache, "Europe/Vienna", &zone, &err) != 0 ||
	    rn_zone_get(cache, "Europe/Viena", &zone, &err) != -ENOENT || !strstr(err.text, "did you mean"))
		_exit(99);
	rn_zone_cache_free(cache);
}

static struct rn_loop *loop;

/* What core's worker does: it begins before the filter, allocates, reads zones, and ends. */
static void worked(void *context)
{
	void (*const *attempt)(void) = context;
	void *volatile block = malloc(32u << 20);

	free(block);
	(*attempt)();
}

static void worked_done(void *context, bool ran)
{
	(void)context;
	if (!ran)
		_exit(99);
	rn_loop_stop(loop);
}

/* True where a core whose worker does so is killed, the whole process. */
static bool kills_by_worker(void (*attempt)(void))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		loop = rn_loop_new();
		struct rn_worker *worker = rn_worker_new(loop);

		if (!worker || rn_sandbox_seccomp(RN_PROCESS_CORE, NULL) < 0 ||
		    rn_worker_add(worker, worked, worked_done, &attempt))
			_exit(99);
		rn_loop_run(loop);
		rn_worker_free(worker);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 99);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* True where the call kills the process. */
static bool kills(enum rn_process process, void (*attempt)(void))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (rn_sandbox_seccomp(process, NULL) < 0)
			_exit(99);
		attempt();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 99);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static const enum rn_process processes[] = {RN_PROCESS_CORE, RN_PROCESS_NET, RN_PROCESS_KERN, RN_PROCESS_CA,
					    RN_PROCESS_WEB};
#define PROCESSES (sizeof(processes) / sizeof(processes[0]))

static void test_calls_that_kill(void **state)
{
	static void (*const attempts[])(void) = {packet_socket,	  code_to_write, data_to_run, program,
						 trace,		  child,	 signal_sent, neighbour,
						 internet_socket, raw_socket,	 open_by_send};

	(void)state;
	for (size_t p = 0; p < PROCESSES; p++)
		for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
			assert_true(kills(processes[p], attempts[i]));
}

static void test_calls_that_are_needed(void **state)
{
	(void)state;
	for (size_t p = 0; p < PROCESSES; p++) {
		assert_false(kills(processes[p], memory));
		assert_false(kills(processes[p], send_plain));
		assert_int_equal(kills(processes[p], netlink_socket), processes[p] != RN_PROCESS_KERN);
		/* core is dialled and dials nobody */
		assert_int_equal(kills(processes[p], unix_socket), processes[p] == RN_PROCESS_CORE);
		assert_int_equal(kills(processes[p], dial_by_name), processes[p] == RN_PROCESS_CORE);
		assert_int_equal(kills(processes[p], zones), processes[p] != RN_PROCESS_CORE);
	}
}

/* The thread was there before the filter, and is under it. */
static void test_the_worker_is_under_the_filter(void **state)
{
	static void (*const attempts[])(void) = {packet_socket, code_to_write, program, child, internet_socket};

	(void)state;
	assert_false(kills_by_worker(zones));
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		assert_true(kills_by_worker(attempts[i]));
}

/* The filter goes by an address's size. kern has no socket that could dial. */
static void test_addresses_that_kill(void **state)
{
	(void)state;
	for (size_t p = 0; p < PROCESSES; p++) {
		const bool kern = processes[p] == RN_PROCESS_KERN;

		assert_int_equal(kills(processes[p], dial_by_path), !kern);
		assert_int_equal(kills(processes[p], dial_v4), !kern);
		assert_int_equal(kills(processes[p], dial_v6), !kern);
		assert_int_equal(kills(processes[p], send_to), !kern);
		assert_int_equal(kills(processes[p], give_name), !kern);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calls_that_kill),
	    cmocka_unit_test(test_calls_that_are_needed),
	    cmocka_unit_test(test_the_worker_is_under_the_filter),
	    cmocka_unit_test(test_addresses_that_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
