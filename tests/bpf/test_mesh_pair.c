/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP from hub to hub through the programs of bpf/tc_mesh.bpf.c on real devices, with the kernel's GSO and GRO.
 *
 *    a: TCP ─ rn0 ─ rn_mesh_out ─ rnm0 ══ this test ══ rnm0 ─ rn_mesh_in ─ rn0 ─ b: TCP, or forwarded ─ rn1 ══ c: TCP
 *
 * a's and b's devices are TUN devices, which have no link-layer header as WireGuard devices have none; b's and c's put
 * packets together (GRO). This test carries what they send and judges every frame as tests/bpf/frame.c has it. Then the
 * same through a veth pair, which has one, and carries GSO frames uncut.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "frame.h"
#include "hubs.h"
#include "packet.h"

#define BYTES (3u << 20) /* each way */
#define PORT 5000
#define PATIENCE_S 60

/* The byte at a place of the stream. */
static uint8_t stream_byte(uint32_t at)
{
	return (uint8_t)((at * 2654435761u) >> 24);
}

static bool send_stream(int fd)
{
	static _Thread_local uint8_t bytes[65536];

	for (uint32_t at = 0; at < BYTES;) {
		size_t size = BYTES - at < sizeof(bytes) ? BYTES - at : sizeof(bytes);

		for (size_t i = 0; i < size; i++)
			bytes[i] = stream_byte(at + (uint32_t)i);
		for (size_t sent = 0; sent < size;) {
			ssize_t n = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);

			if (n <= 0)
				return false;
			sent += (size_t)n;
		}
		at += (uint32_t)size;
	}
	return true;
}

static bool receive_stream(int fd)
{
	static _Thread_local uint8_t bytes[65536];

	for (uint32_t at = 0; at < BYTES;) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n <= 0 || (uint32_t)n > BYTES - at)
			return false;
		for (ssize_t i = 0; i < n; i++, at++) {
			if (bytes[i] != stream_byte(at))
				return false;
		}
	}
	return true;
}

struct server {
	int host, listener;
	bool good;
};

static void patience(int fd)
{
	struct timeval t = {.tv_sec = PATIENCE_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static void *serve(void *context)
{
	struct server *s = context;
	int fd = accept(s->listener, NULL, NULL);

	if (fd < 0)
		return NULL;
	patience(fd);
	s->good = receive_stream(fd) && send_stream(fd);
	shutdown(fd, SHUT_WR);
	close(fd);
	return NULL;
}

static int tcp(int host)
{
	int fd, off = 0, on = 1;

	hubs_enter(host);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	hubs_must(fd, "socket");
	hubs_must(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), "IPV6_V6ONLY");
	hubs_must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "SO_REUSEADDR");
	patience(fd);
	return fd;
}

/* A stream from a to the server and one back; both must come as they were sent. */
static void exchange(int host, const char *server_address)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)}, to = any;
	struct server s = {.host = host, .listener = tcp(host)};
	pthread_t thread;
	int fd;

	hubs_must(bind(s.listener, (struct sockaddr *)&any, sizeof(any)), "bind");
	hubs_must(listen(s.listener, 1), "listen");
	hubs_must(-pthread_create(&thread, NULL, serve, &s), "thread");
	fd = tcp(A);
	assert_int_equal(inet_pton(AF_INET6, server_address, &to.sin6_addr), 1);
	hubs_must(connect(fd, (struct sockaddr *)&to, sizeof(to)), server_address);
	assert_true(send_stream(fd));
	assert_true(receive_stream(fd));
	pthread_join(thread, NULL);
	assert_true(s.good);
	close(fd);
	close(s.listener);
}

static const char *server_of(int host, bool v6)
{
	static const char *const addresses[HOSTS][2] = {
	    [B] = {"::ffff:10.5.0.2", "fd00:5::2"}, [C] = {"::ffff:10.6.0.3", "fd00:6::3"}};

	return addresses[host][v6];
}

/* Nothing but frames went over the wire, none larger than its MTU, and GSO packets were cut and put together. */
static void check_wire(const char *what, bool together)
{
	struct hubs_tally out = hubs_tally(A, MESHED_OUT), in = hubs_tally(B, MESHED_IN);
	unsigned frames = hubs_wire.frames[A];

	print_message("%s: a gave %llu packets, %u frames went, b was given %llu; largest %u\n", what,
		      (unsigned long long)out.passed, frames, (unsigned long long)in.passed, hubs_wire.largest);
	assert_int_equal(hubs_wire.bad, 0);
	assert_int_equal(hubs_wire.wrong_sums, 0);
	assert_in_range(hubs_wire.largest, FRAME_MAX - 20, FRAME_MAX);
	assert_int_equal(in.dropped + out.dropped, 0);
	if (!together)
		return;
	assert_true(out.passed < frames);
	assert_true(in.passed < frames);
}

static void play(int host, bool v6, const char *what)
{
	hubs_begin();
	exchange(host, server_of(host, v6));
	check_wire(what, true);
	hubs_end();
}

static void test_tun(void **state)
{
	(void)state;
	play(B, false, "IPv4");
	play(B, true, "IPv6");
}

/* b forwards what it took apart: it is cut again, and says it is in a tunnel that it has left. */
static void test_tun_forwarded(void **state)
{
	(void)state;
	play(C, false, "IPv4 forwarded");
	play(C, true, "IPv6 forwarded");
}

/* One TCP packet of 65,535 bytes, its pieces as long as fit: no field can hold the length of the frame that is cut. */
static size_t largest_packet(bool v6, uint8_t *ret)
{
	static const size_t size = 65535;
	struct packet p = {.source = v6 ? packet_v6(1) : packet_v4(10, 5, 0, 1),
			   .destination = v6 ? packet_v6(2) : packet_v4(10, 5, 0, 2),
			   .protocol = IPPROTO_TCP,
			   .flags = ACK};
	size_t at = v6 ? 40 : 20;
	uint32_t pseudo = (uint32_t)(IPPROTO_TCP + size - at);
	uint16_t sum;

	packet_build(&p);
	memset(ret, 0x5a, size);
	memcpy(ret, p.data, p.size);
	ret[v6 ? 4 : 2] = (uint8_t)((v6 ? size - 40 : size) >> 8);
	ret[v6 ? 5 : 3] = (uint8_t)(v6 ? size - 40 : size);
	for (size_t i = v6 ? 8 : 12; i < at; i += 2)
		pseudo += (uint32_t)(ret[i] << 8 | ret[i + 1]);
	sum = ~packet_checksum(ret, 0, pseudo);
	ret[at + 16] = sum >> 8;
	ret[at + 17] = sum & 0xff;
	if (!v6)
		frame_checksum(ret);
	return size;
}

static void test_largest(void **state)
{
	struct ifreq request = {.ifr_name = "big", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	static uint8_t bytes[sizeof(struct virtio_net_hdr) + 65536];
	int fd;

	(void)state;
	hubs_begin();
	hubs_enter(A);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	hubs_must(fd, "/dev/net/tun");
	hubs_must(ioctl(fd, TUNSETIFF, &request), "TUNSETIFF");
	hubs_sh("ip link set big up");
	hubs_attach(A, "big", BPF_TC_INGRESS, meshed_program(&hubs_mesh[A], MESHED_OUT));
	for (int v6 = 0; v6 < 2; v6++) {
		struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_offset = 16};
		size_t size = largest_packet(v6, bytes + sizeof(header)), headers = v6 ? 60 : 40;
		unsigned pieces;

		header.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		header.hdr_len = headers;
		header.csum_start = headers - 20;
		header.gso_size = INNER_MAX - headers;
		memcpy(bytes, &header, sizeof(header));
		pieces = (unsigned)((size - headers + header.gso_size - 1) / header.gso_size);
		hubs_wire.frames[A] = 0;
		hubs_must(write(fd, bytes, sizeof(header) + size), "write");
		for (int wait = 0; wait < 100 && hubs_wire.frames[A] < pieces; wait++)
			usleep(20000);
		assert_int_equal(hubs_wire.frames[A], pieces);
	}
	assert_int_equal(hubs_wire.bad, 0);
	assert_int_equal(hubs_wire.wrong_sums, 0);
	assert_int_equal(hubs_wire.largest, FRAME_MAX);
	close(fd);
	hubs_end();
}

/* Packets that b's own IP has received with that mark. */
static unsigned long marked_packets(bool v6)
{
	FILE *file = fopen(v6 ? "/proc/thread-self/net/snmp6" : "/proc/thread-self/net/netstat", "re");
	char names[4096], values[4096], *name, *value, *in_names, *in_values;
	unsigned long found = 0;

	hubs_must(file ? 0 : -1, "/proc/thread-self/net");
	while (v6 && fgets(values, sizeof(values), file)) {
		if (strncmp(values, "Ip6InCEPkts", 11) == 0)
			found = strtoul(values + 11, NULL, 10);
	}
	while (!v6 && fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		name = strtok_r(names, " \n", &in_names);
		value = strtok_r(values, " \n", &in_values);
		for (; name && value;
		     name = strtok_r(NULL, " \n", &in_names), value = strtok_r(NULL, " \n", &in_values)) {
			if (strcmp(name, "InCEPkts") == 0)
				found = strtoul(value, NULL, 10);
		}
	}
	fclose(file);
	return found;
}

/* Congestion between the hubs is told to the ends, who asked for it. */
static void test_congestion(void **state)
{
	(void)state;
	hubs_enter(A);
	hubs_set("/proc/sys/net/ipv4/tcp_ecn", "1");
	hubs_enter(B);
	hubs_set("/proc/sys/net/ipv4/tcp_ecn", "1");
	for (int v6 = 0; v6 < 2; v6++) {
		unsigned long before;

		hubs_enter(B);
		before = marked_packets(v6);
		hubs_wire.marked = 0;
		hubs_wire.mark = true;
		play(B, v6, v6 ? "IPv6 congested" : "IPv4 congested");
		hubs_wire.mark = false;
		hubs_enter(B);
		print_message("%u frames were marked, b received %lu packets so\n", hubs_wire.marked,
			      marked_packets(v6) - before);
		assert_true(marked_packets(v6) - before > 10);
		hubs_enter(-1);
	}
}

/* Datagrams that leave the socket as one packet come out as they were. */
static void test_udp(void **state)
{
	enum { SIZE = 1300, COUNT = 10 };
	struct timeval patience = {.tv_sec = 10};
	struct {
		int in, out;
	} fd;
	static uint8_t sent[SIZE * COUNT], got[2 * SIZE];
	int size = SIZE, off = 0;

	(void)state;
	hubs_begin();
	for (int v6 = 0; v6 < 2; v6++) {
		struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};

		hubs_enter(B);
		fd.in = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		hubs_must(setsockopt(fd.in, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), "IPV6_V6ONLY");
		hubs_must(bind(fd.in, (struct sockaddr *)&to, sizeof(to)), "bind");
		setsockopt(fd.in, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		hubs_enter(A);
		fd.out = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		hubs_must(setsockopt(fd.out, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)), "UDP_SEGMENT");
		assert_int_equal(inet_pton(AF_INET6, server_of(B, v6), &to.sin6_addr), 1);
		for (uint32_t i = 0; i < sizeof(sent); i++)
			sent[i] = stream_byte(i);
		hubs_must(sendto(fd.out, sent, sizeof(sent), 0, (struct sockaddr *)&to, sizeof(to)), "sendto");
		for (int i = 0; i < COUNT; i++) {
			assert_int_equal(recv(fd.in, got, sizeof(got), 0), SIZE);
			assert_memory_equal(got, sent + i * SIZE, SIZE);
		}
		close(fd.in);
		close(fd.out);
	}
	assert_int_equal(hubs_wire.bad, 0);
	assert_in_range(hubs_tally(A, MESHED_OUT).passed, 2, 2 * COUNT - 1);
	hubs_end();
}

/* A tunnel of the host's own over rn0: its packets are said to be encapsulated before they get here. */
static void test_own_tunnel(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct timeval second = {.tv_sec = 1};
	char line[256], got[16] = "";
	int fd[2];

	(void)state;
	hubs_begin();
	for (int i = 0; i < 2; i++) {
		hubs_enter(i);
		snprintf(line, sizeof(line),
			 "ip link add vx0 type vxlan id 7 local 10.5.0.%d remote 10.5.0.%d dstport 4789 && "
			 "ip addr add 10.8.0.%d/24 dev vx0 && ip link set vx0 up",
			 i + 1, 2 - i, i + 1);
		if (system(line) != 0) { /* a kernel without VXLAN */
			hubs_end();
			skip();
		}
		fd[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		hubs_must(fd[i], "socket");
	}
	hubs_must(bind(fd[B], (struct sockaddr *)&to, sizeof(to)), "bind");
	setsockopt(fd[B], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	assert_int_equal(inet_pton(AF_INET, "10.8.0.2", &to.sin_addr), 1);
	for (int i = 0; i < 20 && !got[0]; i++) {
		hubs_must(sendto(fd[A], "through", 8, 0, (struct sockaddr *)&to, sizeof(to)), "sendto");
		recv(fd[B], got, sizeof(got), 0);
	}
	assert_string_equal(got, "through");
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		hubs_enter(i);
		hubs_sh("ip link del vx0");
	}
	assert_int_equal(hubs_tally(A, MESHED_OUT).dropped, 0);
	assert_int_equal(hubs_wire.bad, 0);
	hubs_end();
}

/* The same with a link-layer header, on a device that takes GSO frames as they are. */
static void test_veth(void **state)
{
	static const char *const up =
	    "ip link set %s mtu 1500 address 02:00:00:00:00:0%d up; ip addr add 10.7.0.%d/24 dev %s;"
	    "ip addr add fd00:7::%d/64 dev %s nodad; ip route change 10.7.0.0/24 dev %s mtu lock 1372;"
	    "ip -6 route add fd00:7::/64 dev %s metric 1 mtu lock 1372; ip neigh add 10.7.0.%d lladdr "
	    "02:00:00:00:00:0%d dev "
	    "%s;"
	    "ip neigh add fd00:7::%d lladdr 02:00:00:00:00:0%d dev %s";
	char line[1024];

	(void)state;
	hubs_enter(A);
	snprintf(line, sizeof(line), "ip link add va type veth peer name vb netns /proc/%d/fd/%d", getpid(),
		 hubs_netns(B));
	hubs_sh(line);
	for (int i = 0; i < 2; i++) {
		const char *device = i ? "vb" : "va";
		int own = i + 1, other = 2 - i;

		hubs_enter(i);
		snprintf(line, sizeof(line), up, device, own, own, device, own, device, device, device, other, other,
			 device, other, other, device);
		hubs_sh(line);
		meshed_open(&hubs_mesh[i], 14);
		hubs_fill(i, false);
		hubs_attach(i, device, BPF_TC_EGRESS, meshed_program(&hubs_mesh[i], MESHED_OUT));
		hubs_attach(i, device, BPF_TC_INGRESS, meshed_program(&hubs_mesh[i], MESHED_IN));
	}
	for (int v6 = 0; v6 < 2; v6++) {
		exchange(B, v6 ? "fd00:7::2" : "::ffff:10.7.0.2");
		struct hubs_tally out = hubs_tally(A, MESHED_OUT), in = hubs_tally(B, MESHED_IN);

		print_message("veth: a gave %llu packets, b was given %llu\n", (unsigned long long)out.passed,
			      (unsigned long long)in.passed);
		assert_int_equal(out.passed, in.passed);
		assert_int_equal(out.dropped, 0);
	}
	for (int i = 0; i < 2; i++)
		meshed_close(&hubs_mesh[i]);
	hubs_enter(A);
	hubs_sh("ip link del va");
	hubs_enter(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tun),	       cmocka_unit_test(test_tun_forwarded), cmocka_unit_test(test_largest),
	    cmocka_unit_test(test_congestion), cmocka_unit_test(test_udp),	     cmocka_unit_test(test_own_tunnel),
	    cmocka_unit_test(test_veth),
	};

	return cmocka_run_group_tests(tests, hubs_setup, hubs_teardown);
}
