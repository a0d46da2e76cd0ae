/* SPDX-License-Identifier: Apache-2.0 */
/* What the steering programs take from WireGuard's port, and that everything else goes on untouched. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "packet.h"
#include "sys/steering.h"

#define WIREGUARD 51820
#define CONTROL 51821
#define DIR "/run/rn-test-bpf"
#define L2 14
#define MAGIC "RN1\5"

static struct rn_steering *steering;
static int program, tun, sockets[2]; /* WireGuard's stand-in, the control socket */

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd, path);
	must((int)write(fd, value, strlen(value)), path);
	close(fd);
}

static int bound(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, off = 0;

	must(fd, "socket");
	must(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), "IPV6_V6ONLY");
	must(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &on, sizeof(on)), "IPV6_RECVORIGDSTADDR");
	must(setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on)), "IP_RECVORIGDSTADDR");
	must(bind(fd, (struct sockaddr *)&any, sizeof(any)), "bind");
	return fd;
}

static void up(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	must(ioctl(fd, SIOCSIFFLAGS, &request), name);
	close(fd);
}

/* A host of its own: lo, and an interface without link layer whose other end is us. */
static void make_host(void)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "tun0"};

	must(unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare (are you root?)");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	must(mkdir(DIR, 0700) < 0 && errno != EEXIST ? -1 : 0, DIR);
	must(mount("bpf", DIR, "bpf", 0, NULL), "mount bpf");
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	must(tun, "/dev/net/tun");
	must(ioctl(tun, TUNSETIFF, &request), "TUNSETIFF");
	set("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
	set("/proc/sys/net/ipv6/conf/tun0/accept_dad", "0");
	must(system("ip addr add 10.9.0.1/24 dev tun0; ip addr add 223.9.0.1/24 dev tun0; "
		    "ip -6 addr add fd00:5::1/64 dev tun0 nodad"),
	     "ip addr");
	up("lo");
	up("tun0");
	set("/proc/sys/net/ipv4/ip_forward", "1");
	set("/proc/sys/net/ipv6/conf/all/forwarding", "1");
}

static int setup(void **state)
{
	char path[64];
	struct rn_err err = {""};

	(void)state;
	make_host();
	sockets[0] = bound(WIREGUARD);
	sockets[1] = bound(CONTROL);
	if (rn_steering_open(DIR, &steering, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	must(rn_steering_set(steering, WIREGUARD, CONTROL), "rn_steering_set");
	snprintf(path, sizeof(path), "%s/rn_steer", DIR);
	program = bpf_obj_get(path);
	must(program, path);
	return 0;
}

static struct packet sample(bool v6, const char *content, uint16_t payload)
{
	struct packet p = {.source = v6 ? packet_v6(0x77) : packet_v4(10, 9, 0, 77),
			   .destination = v6 ? packet_v6(1) : packet_v4(10, 9, 0, 1),
			   .source_port = 7,
			   .destination_port = WIREGUARD,
			   .protocol = IPPROTO_UDP,
			   .payload = payload};

	packet_build(&p);
	memcpy(p.data + p.transport + 8, content, payload < 4 ? payload : 4);
	memset(p.data + p.transport + 6, 0, 2);
	if (v6) { /* its checksum is not optional: made over the new content */
		uint32_t pseudo = (uint32_t)(p.size - p.transport) + IPPROTO_UDP;
		uint16_t sum = htons(packet_checksum(p.data + 8, p.size - 8, pseudo));

		memcpy(p.data + p.transport + 6, &sum, 2);
	}
	return p;
}

static uint8_t to_mac; /* the first byte of the frame's destination; 0: this host's in test runs */

/* One test run: was it recognised as ours? Its verdict and its bytes stay as they were. */
static bool taken(const void *packet, size_t size, bool v6, uint32_t gso_size)
{
	uint8_t in[L2 + PACKET_MAX] = {0}, out[L2 + PACKET_MAX];
	struct __sk_buff context = {.gso_size = gso_size, .gso_segs = gso_size ? (uint32_t)size / gso_size : 0};
	uint64_t before[RN_PORT_COUNTERS], after[RN_PORT_COUNTERS];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in, .data_size_in = (uint32_t)(L2 + size), .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = gso_size ? &context : NULL,
		    .ctx_size_in = gso_size ? sizeof(context) : 0);

	int result;

	in[0] = to_mac;
	in[12] = v6 ? 0x86 : 0x08;
	in[13] = v6 ? 0xdd : 0x00;
	memcpy(in + L2, packet, size);
	assert_int_equal(rn_steering_counters(steering, before), 0);
	result = bpf_prog_test_run_opts(program, &run);
	if (result == -EINVAL && size < (v6 ? 40 : 20)) /* newer kernels do not make such a packet */
		return false;
	assert_int_equal(result, 0);
	assert_int_equal(rn_steering_counters(steering, after), 0);
	assert_int_equal((int)run.retval, -1); /* TC_ACT_UNSPEC: others' filters go on */
	assert_int_equal(run.data_size_out, L2 + size);
	assert_memory_equal(out, in, L2 + size);
	return after[RN_PORT_OURS] == before[RN_PORT_OURS] + 1;
}

static void test_takes_ours(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (int payload = 0; payload < 1240; payload++) {
			const struct packet p = sample(v6, MAGIC, (uint16_t)payload);

			assert_int_equal(taken(p.data, p.size, v6, 0), payload >= 3 && payload <= 1232);
		}
	}
}

static void test_every_truncation_passes(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct packet p = sample(v6, MAGIC, 100);

		for (size_t size = 1; size <= p.size; size++) /* test runs want a byte */
			assert_int_equal(taken(p.data, size, v6, 0), size == p.size);
	}
}

static void expect_passed(int v6, size_t at, uint8_t value)
{
	struct packet p = sample(v6, MAGIC, 100);

	assert_true(taken(p.data, p.size, v6, 0));
	p.data[at] = value;
	if (taken(p.data, p.size, v6, 0))
		fail_msg("IPv%d with byte %zu = %u was taken", v6 ? 6 : 4, at, value);
}

static void test_odd_packets_pass(void **state)
{
	static const struct {
		int v6;
		uint8_t at, value;
	} odd[] = {
	    {0, 0, 0x55},  {0, 0, 0x46},  {0, 0, 0x44}, {0, 0, 0x65},  {0, 6, 0x20}, {0, 7, 1},
	    {0, 9, 6},	   {0, 3, 255},	  {0, 3, 30},	{0, 16, 224},  {0, 16, 255}, {0, 19, 99},
	    {0, 22, 0},	   {0, 23, 0x6d}, {0, 24, 1},	{0, 25, 7},    {0, 25, 255}, {0, 28, 4},
	    {0, 29, 'M'},  {0, 30, '2'},  {1, 0, 0x40}, {1, 5, 255},   {1, 6, 0},    {1, 6, 43},
	    {1, 6, 44},	   {1, 6, 60},	  {1, 6, 6},	{1, 24, 0xff}, {1, 39, 99},  {1, 42, 0},
	    {1, 43, 0x6d}, {1, 45, 255},  {1, 45, 10},	{1, 48, 'r'},  {1, 49, 0},   {1, 50, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		expect_passed(odd[i].v6, odd[i].at, odd[i].value);
}

/* Ours behind options or extension headers is still a packet that nobody of us sends. */
static void test_extensions_pass(void **state)
{
	static const uint8_t headers[] = {0, 43, 44, 60};
	struct packet p = sample(true, MAGIC, 100);
	uint8_t with[PACKET_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(headers); i++) {
		memcpy(with, p.data, 40);
		with[5] = (uint8_t)(with[5] + 8);
		with[6] = headers[i];
		memset(with + 40, 0, 8);
		with[40] = IPPROTO_UDP;
		memcpy(with + 48, p.data + 40, p.size - 40);
		assert_false(taken(with, p.size + 8, true, 0));
	}
	p = sample(false, MAGIC, 100);
	memcpy(with, p.data, 20);
	with[0] = 0x46;
	with[3] = (uint8_t)(with[3] + 4);
	memset(with + 20, 1, 4);
	memcpy(with + 24, p.data + 20, p.size - 20);
	assert_false(taken(with, p.size + 4, false, 0));
}

static void test_wireguard_passes(void **state)
{
	static const char types[][5] = {"\1\0\0\0", "\2\0\0\0", "\3\0\0\0", "\4\0\0\0", "RN\0\0", "rn1\1"};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			const struct packet p = sample(v6, types[i], 148);

			assert_false(taken(p.data, p.size, v6, 0));
		}
	}
}

/* Several datagrams of one sender in one packet: all of them are ours, or none is taken. */
static void test_put_together(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = sample(v6, MAGIC, 3 * 200 + 50);
		uint8_t *content = p.data + p.transport + 8;

		assert_false(taken(p.data, p.size, v6, 200));
		for (int i = 1; i < 4; i++) {
			assert_false(taken(p.data, p.size, v6, 200));
			memcpy(content + 200 * i, MAGIC, 4);
		}
		assert_true(taken(p.data, p.size, v6, 200));
		memcpy(content + 400, "\4\0\0", 4);
		assert_false(taken(p.data, p.size, v6, 200));
		memcpy(content + 400, MAGIC, 4);
		assert_false(
		    taken(p.data, p.size, v6, 5)); /* more pieces than may be looked at, and no magic in them */
	}
}

/* Exactly so many pieces of exactly so many bytes, and not one more of either. */
static void test_put_together_at_most(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = sample(v6, MAGIC, 10 * (RN_PORT_SEGMENTS_MAX + 1));
		uint8_t *content = p.data + p.transport + 8;

		for (unsigned i = 0; i <= RN_PORT_SEGMENTS_MAX; i++)
			memcpy(content + 10 * i, MAGIC, 4);
		assert_false(taken(p.data, p.size, v6, 10));
		p.data[v6 ? 5 : 3] -= 10; /* their high bytes stay */
		p.data[p.transport + 5] -= 10;
		assert_true(taken(p.data, p.size - 10, v6, 10));
		p = sample(v6, MAGIC, 2 * RN_PORT_DATAGRAM_MAX);
		memcpy(p.data + p.transport + 8 + RN_PORT_DATAGRAM_MAX, MAGIC, 4);
		assert_true(taken(p.data, p.size, v6, RN_PORT_DATAGRAM_MAX));
		memcpy(p.data + p.transport + 8 + RN_PORT_DATAGRAM_MAX + 1, MAGIC, 4);
		assert_false(taken(p.data, p.size, v6, RN_PORT_DATAGRAM_MAX + 1));
	}
}

/* 223 is the last that is not multicast. */
static void test_last_unicast(void **state)
{
	struct packet p = sample(false, MAGIC, 100);

	(void)state;
	p.data[16] = 223;
	assert_true(taken(p.data, p.size, false, 0));
}

/* A frame for another host, which a promiscuous interface shows, is none of ours. */
static void test_other_hosts_frames_pass(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct packet p = sample(v6, MAGIC, 100);

		to_mac = 2;
		assert_false(taken(p.data, p.size, v6, 0));
		to_mac = 0;
		assert_true(taken(p.data, p.size, v6, 0));
	}
}

/* A host that forwards nothing is told so before it is told that the address is its own. */
static void test_without_forwarding(void **state)
{
	static const char *const files[] = {"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct packet p = sample(v6, MAGIC, 100);

		set(files[v6], "0");
		assert_true(taken(p.data, p.size, v6, 0));
		set(files[v6], "1");
		assert_true(taken(p.data, p.size, v6, 0));
	}
}

static void test_nothing_is_taken_when_off(void **state)
{
	const struct packet p = sample(false, MAGIC, 100);
	struct packet zero = p;

	(void)state;
	assert_int_equal(rn_steering_set(steering, 0, 0), 0);
	assert_false(taken(p.data, p.size, false, 0));
	memset(zero.data + zero.transport + 2, 0, 2); /* to port 0, as WireGuard's is while it is off */
	assert_false(taken(zero.data, zero.size, false, 0));
	assert_int_equal(rn_steering_set(steering, WIREGUARD, CONTROL), 0);
	assert_true(taken(p.data, p.size, false, 0));
}

static bool waits(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 300) == 1;
}

/* The port that was on the wire, as the kernel tells the socket that it gave the datagram. */
static uint16_t port_of(int fd)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control;
	uint8_t data[2048];
	struct iovec part = {data, sizeof(data)};
	struct msghdr m = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	must((int)recvmsg(fd, &m, MSG_DONTWAIT), "recvmsg");
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			return ntohs(v4.sin_port);
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			return ntohs(v6.sin6_port);
		}
	}
	return 0;
}

/* In the stack itself, on an interface without a link-layer header. */
static void arrives(int v6, const char *content, int where)
{
	const struct packet p = sample(v6, content, 100);

	assert_int_equal(write(tun, p.data, p.size), (ssize_t)p.size);
	assert_true(waits(sockets[where]));
	assert_int_equal(port_of(sockets[where]), WIREGUARD);
	if (waits(sockets[!where]))
		fail_msg("IPv%d %.4s: at the other socket too, port %u", v6 ? 6 : 4, content, port_of(sockets[!where]));
}

static void test_attached(void **state)
{
	const unsigned index = if_nametoindex("tun0");
	uint64_t before[RN_PORT_COUNTERS], after[RN_PORT_COUNTERS];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++)
		arrives(v6, MAGIC, 0);
	assert_int_equal(rn_steering_in_place(steering, index, false), 0);
	assert_int_equal(rn_steering_attach(steering, index, false), 0);
	assert_int_equal(rn_steering_in_place(steering, index, false), 1);
	assert_int_equal(rn_steering_in_place(steering, index, true), 0);
	assert_int_equal(rn_steering_attach(steering, index, false), 0);
	rn_steering_counters(steering, before);
	for (int v6 = 0; v6 < 2; v6++) {
		arrives(v6, MAGIC, 1);
		arrives(v6, "\4\0\0", 0);
	}
	rn_steering_counters(steering, after);
	assert_int_equal(after[RN_PORT_GIVEN] - before[RN_PORT_GIVEN], 2);
	/* Nobody there to be given it: it is WireGuard's, as without us. */
	close(sockets[1]);
	sockets[1] = -1;
	arrives(0, MAGIC, 0);
	sockets[1] = bound(CONTROL);
	assert_int_equal(rn_steering_made_qdisc(DIR, index), 1);
	assert_int_equal(rn_steering_detach(index), 0);
	assert_int_equal(rn_steering_detach(index), 0);
	assert_int_equal(rn_steering_in_place(steering, index, false), 0);
	arrives(0, MAGIC, 0);
	assert_int_equal(rn_steering_remove_qdisc(index), 0);
	assert_int_equal(rn_steering_in_place(steering, 4711, true), -ENODEV);
}

/* Another process takes over what is pinned; pins of another shape are replaced. */
static void test_taken_over(void **state)
{
	const unsigned index = if_nametoindex("tun0");
	struct rn_steering *second;
	char path[64];
	int fd;

	(void)state;
	assert_int_equal(rn_steering_attach(steering, index, false), 0);
	assert_int_equal(rn_steering_open(DIR, &second, NULL), 0);
	rn_steering_close(steering);
	arrives(0, MAGIC, 1); /* the filter of the process that has gone */
	steering = second;
	assert_int_equal(rn_steering_in_place(steering, index, false), 0);
	assert_int_equal(rn_steering_attach(steering, index, false), 0);
	arrives(1, MAGIC, 1);
	assert_int_equal(rn_steering_unpin(DIR, NULL), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 64, 3, NULL);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/rn_port", DIR);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	assert_int_equal(rn_steering_open(DIR, &second, NULL), 0);
	assert_int_equal(rn_steering_set(second, WIREGUARD, CONTROL), 0);
	rn_steering_close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_takes_ours),
	    cmocka_unit_test(test_every_truncation_passes),
	    cmocka_unit_test(test_odd_packets_pass),
	    cmocka_unit_test(test_extensions_pass),
	    cmocka_unit_test(test_wireguard_passes),
	    cmocka_unit_test(test_put_together),
	    cmocka_unit_test(test_attached),
	    cmocka_unit_test(test_nothing_is_taken_when_off),
	    cmocka_unit_test(test_put_together_at_most),
	    cmocka_unit_test(test_last_unicast),
	    cmocka_unit_test(test_other_hosts_frames_pass),
	    cmocka_unit_test(test_without_forwarding),
	    cmocka_unit_test(test_taken_over),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
