/* SPDX-License-Identifier: Apache-2.0 */
/* What code that runs in one of our processes cannot do any more: each attempt in a child under the process's filter. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/sandbox.h"

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

static const enum rn_process processes[] = {RN_PROCESS_CORE, RN_PROCESS_NET, RN_PROCESS_KERN, RN_PROCESS_CA};
#define PROCESSES (sizeof(processes) / sizeof(processes[0]))

static void test_calls_that_kill(void **state)
{
	static void (*const attempts[])(void) = {packet_socket, code_to_write, data_to_run,
						 program,	  trace,	 child,		signal_sent,
						 neighbour};

	(void)state;
	for (size_t p = 0; p < PROCESSES; p++)
		for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
			assert_true(kills(processes[p], attempts[i]));
}

static void test_calls_that_are_needed(void **state)
{
	(void)state;
	for (size_t p = 0; p < PROCESSES; p++) {
		assert_false(kills(processes[p], unix_socket));
		assert_false(kills(processes[p], memory));
		assert_int_equal(kills(processes[p], netlink_socket), processes[p] != RN_PROCESS_KERN);
		assert_int_equal(kills(processes[p], internet_socket), processes[p] != RN_PROCESS_NET);
		/* kern has its raw sockets from its start; net would need a capability */
		assert_int_equal(kills(processes[p], raw_socket), processes[p] != RN_PROCESS_NET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_that_kill),
		cmocka_unit_test(test_calls_that_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
