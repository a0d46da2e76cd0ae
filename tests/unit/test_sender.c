/* SPDX-License-Identifier: Apache-2.0 */
/* kern's sender with a net that is hostile: what leaves this host, and what does not. Real sockets, in a namespace. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "service/sender.h"
#include "sys/local.h"
#include "sys/udp.h"

#define PORT 51820
#define STRANGER 12345

static char directory[] = "/tmp/rn-sender-XXXXXX";
static char path[64];
static struct rn_sender *sender;

static struct rn_addr address(const char *text)
{
	struct rn_addr a;

	assert_int_equal(rn_addr_parse(text, &a), 0);
	return a;
}

static int setup(void **state)
{
	struct rn_err err = {""};

	(void)state;
	if (geteuid() != 0)
		return 0;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up && ip addr add 192.0.2.7/32 dev lo && "
				"ip -6 addr add 2001:db8::7/128 dev lo nodad"),
			 0);
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chmod(directory, 0755), 0);
	snprintf(path, sizeof(path), "%s/port.sock", directory);
	assert_int_equal(rn_sender_new(path, &sender, &err), 0);
	if (rn_sender_start(sender, 0, PORT, &err) < 0)
		fail_msg("%s", err.text);
	rn_sender_offer(sender, &(struct rn_handoff_state){PORT, true});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rn_sender_free(sender);
	if (path[0])
		unlink(path);
	rmdir(directory);
	return 0;
}

static bool not_root(void)
{
	if (geteuid() == 0)
		return false;
	print_message("raw sockets need root; nothing is shown here\n");
	return true;
}

static int connected(void)
{
	uint8_t data[RN_HANDOFF_STATE_SIZE + 1];
	struct rn_handoff_state told;
	uid_t uid;
	int fd = rn_local_connect(path, &uid);

	assert_true(fd >= 0 && uid == 0);
	rn_sender_accept(sender);
	assert_int_equal(rn_local_receive_bytes(fd, data, sizeof(data)), RN_HANDOFF_STATE_SIZE);
	assert_int_equal(rn_handoff_state_decode(data, RN_HANDOFF_STATE_SIZE, &told), 0);
	assert_true(told.port == PORT && told.complete);
	return fd;
}

static struct rn_sender_counters counters(void)
{
	struct rn_sender_counters c = {0};

	if (sender)
		rn_sender_counters(sender, &c);
	return c;
}

static void hand(int fd, const char *from, const char *to, uint16_t port, const void *datagram, size_t size)
{
	struct rn_handoff h = {.to = {address(to), port}, .datagram = datagram, .size = size};
	uint8_t data[RN_HANDOFF_MAX];
	int n;

	if (from)
		h.from = address(from);
	n = rn_handoff_encode(&h, data);
	assert_true(n > 0);
	assert_int_equal(rn_local_send_bytes(fd, data, (size_t)n), 0);
	rn_sender_receive(sender, 0);
}

struct received {
	unsigned count;
	size_t size;
	struct rn_endpoint from;
	uint8_t data[RN_UDP_DATAGRAM_MAX];
};

static void note(void *context, const struct rn_endpoint *from, const uint8_t *data, size_t size)
{
	struct received *r = context;

	r->count++;
	r->size = size;
	r->from = *from;
	memcpy(r->data, data, size);
}

static struct received arrived(struct rn_udp *udp)
{
	struct pollfd p = {rn_udp_fd(udp), POLLIN, 0};
	struct received r = {0};

	if (poll(&p, 1, 200) == 1)
		rn_udp_receive(udp, note, &r);
	return r;
}

/* Sent as asked: content, source port, source address as asked for where it is ours, checksum (the kernel checks it).
 */
static void test_sends(void **state)
{
	static const struct {
		const char *from, *to, *seen;
	} cases[] = {
	    {NULL, "127.0.0.1", "127.0.0.1"},
	    {"127.0.0.5", "127.0.0.1", "127.0.0.5"},
	    {"192.0.2.7", "127.0.0.1", "192.0.2.7"},
	    {NULL, "192.0.2.7", "192.0.2.7"},
	    {NULL, "::1", "::1"},
	    {"2001:db8::7", "::1", "2001:db8::7"},
	    /* loopback stays on loopback */
	    {"127.0.0.1", "192.0.2.7", "192.0.2.7"},
	    {"::1", "2001:db8::7", "2001:db8::7"},
	    /* not ours, of the other family, nonsense: what the routes choose */
	    {"198.51.100.9", "127.0.0.1", "127.0.0.1"},
	    {"2001:db8::9", "::1", "::1"},
	    {"2001:db8::7", "127.0.0.1", "127.0.0.1"},
	    {"127.255.255.255", "127.0.0.1", "127.0.0.1"},
	    {"224.0.0.1", "127.0.0.1", "127.0.0.1"},
	    {"ff02::1", "::1", "::1"},
	};
	uint8_t datagram[RN_DATAGRAM_MAX] = "RN1\5";
	struct rn_udp *udp;
	int fd;

	(void)state;
	if (not_root())
		return;
	assert_int_equal(rn_udp_open(0, &udp, NULL), 0);
	fd = connected();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rn_addr seen = address(cases[i].seen);
		const size_t size = i % 2 ? RN_DATAGRAM_MAX : 77 + i; /* odd sizes too */
		struct received r;

		datagram[50] = (uint8_t)i;
		hand(fd, cases[i].from, cases[i].to, rn_udp_port(udp), datagram, size);
		r = arrived(udp);
		assert_int_equal(r.count, 1);
		assert_int_equal(r.size, size);
		assert_memory_equal(r.data, datagram, size);
		assert_int_equal(r.from.port, PORT);
		if (rn_addr_compare(&r.from.addr, &seen) != 0)
			fail_msg("case %zu: came from another address", i);
	}
	assert_true(rn_sender_peer(sender) >= 0);
	close(fd);
	rn_udp_close(udp);
}

/* Destinations that are no host: dropped, and net is kept. */
static void test_nowhere(void **state)
{
	static const char *const to[] = {"224.0.0.1",	  "255.255.255.255", "0.0.0.0", "0.0.0.1",
					 "240.0.0.1",	  "ff02::1",	     "::",	"203.0.113.1",
					 "2001:db8:9::1", "::ffff:0.0.0.0"};
	const uint64_t dropped = counters().dropped, sent = counters().sent;
	unsigned count = sizeof(to) / sizeof(to[0]);
	int fd;

	(void)state;
	if (not_root())
		return;
	fd = connected();
	for (unsigned i = 0; i < count; i++)
		hand(fd, NULL, to[i], 9, "RN1\5....", 8);
	hand(fd, NULL, "127.0.0.1", 0, "RN1\5....", 8);
	assert_int_equal(counters().dropped, dropped + count + 1);
	assert_int_equal(counters().sent, sent);
	assert_true(rn_sender_peer(sender) >= 0);
	close(fd);
}

static void refused(const void *data, size_t size)
{
	const uint64_t before = counters().refused, sent = counters().sent;
	int fd = connected();
	char end;

	assert_int_equal(rn_local_send_bytes(fd, data, size), 0);
	rn_sender_receive(sender, 0);
	assert_int_equal(counters().refused, before + 1);
	assert_int_equal(counters().sent, sent);
	assert_int_equal(rn_sender_peer(sender), -1);
	assert_int_equal(recv(fd, &end, 1, 0), 0);
	close(fd);
}

/* What is not a control datagram ends the connection; nothing of it is sent. */
static void test_hostile(void **state)
{
	uint8_t data[RN_HANDOFF_MAX + 100] = {0};

	(void)state;
	if (not_root())
		return;
	data[10] = data[11] = data[26] = data[27] = 0xff;
	data[28] = 127, data[31] = 1, data[32] = 9;
	refused(data, 1);
	refused(data, RN_HANDOFF_HEAD);
	refused(data, RN_HANDOFF_HEAD + 3);
	refused(data, RN_HANDOFF_HEAD + 148);	       /* zeros */
	memcpy(data + RN_HANDOFF_HEAD, "\1\0\0\0", 4); /* WireGuard's */
	refused(data, RN_HANDOFF_HEAD + 148);
	memcpy(data + RN_HANDOFF_HEAD, "RN1\5", 4);
	refused(data, RN_HANDOFF_MAX + 1);
	refused(data, sizeof(data));
}

/* Another user of this host finds the door shut. */
static void test_stranger(void **state)
{
	const uint64_t before = counters().refused;
	int status;
	pid_t pid;

	(void)state;
	if (not_root())
		return;
	pid = fork();
	if (pid == 0) {
		uid_t uid;
		char byte;
		int fd;

		if (setgid(STRANGER) < 0 || setuid(STRANGER) < 0)
			_exit(3);
		fd = rn_local_connect(path, &uid);
		if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0)
			_exit(4);
		_exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 5);
	}
	struct pollfd p = {rn_sender_listener(sender), POLLIN, 0};

	assert_int_equal(poll(&p, 1, 5000), 1);
	rn_sender_accept(sender);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(counters().refused, before + 1);
	assert_int_equal(rn_sender_peer(sender), -1);
}

/* One that gives more than is sent is told to wait by its own socket; a turn takes 64, so others have theirs. */
static void test_flood(void **state)
{
	struct rn_handoff h = {.to = {{{0}}, 9}, .datagram = (const uint8_t *)"RN1\5....", .size = 8};
	const struct rn_sender_counters before = counters();
	uint8_t data[RN_HANDOFF_MAX];
	unsigned queued = 0;
	int fd, n;

	(void)state;
	if (not_root())
		return;
	h.to.addr = address("127.0.0.1");
	n = rn_handoff_encode(&h, data);
	fd = connected();
	while (queued < 100000 && rn_local_send_bytes(fd, data, (size_t)n) == 0)
		queued++;
	assert_true(queued > 64 && queued < 100000);
	assert_int_equal(rn_local_send_bytes(fd, data, (size_t)n), -EAGAIN);
	rn_sender_receive(sender, 0);
	assert_int_equal(counters().sent + counters().dropped, before.sent + before.dropped + 64);
	close(fd);
	while (rn_sender_peer(sender) >= 0)
		rn_sender_receive(sender, 0);
}

/* A newer net takes the place of an older; nothing is sent while nothing is shared. */
static void test_replaced_and_off(void **state)
{
	const struct rn_handoff_state off = {0, false}, on = {PORT, true};
	struct rn_sender_counters before;
	int first, second;
	char byte;

	(void)state;
	if (not_root())
		return;
	first = connected();
	second = connected();
	assert_int_equal(recv(first, &byte, 1, 0), 0);
	before = counters();
	hand(second, NULL, "127.0.0.1", 9, "RN1\5....", 8);
	assert_int_equal(counters().sent, before.sent + 1);
	rn_sender_offer(sender, &off);
	hand(second, NULL, "127.0.0.1", 9, "RN1\5....", 8);
	assert_int_equal(counters().sent, before.sent + 1);
	rn_sender_offer(sender, &on);
	hand(second, NULL, "127.0.0.1", 9, "RN1\5....", 8);
	assert_int_equal(counters().sent, before.sent + 2);
	close(first);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sends),    cmocka_unit_test(test_nowhere), cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_stranger), cmocka_unit_test(test_flood),   cmocka_unit_test(test_replaced_and_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
