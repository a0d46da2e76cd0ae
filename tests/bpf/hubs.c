/* SPDX-License-Identifier: Apache-2.0 */
#include "hubs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "frame.h"
#include "packet.h"

#define DIR "/run/rn-test-mesh"

enum { A_MESH, B_MESH, B_LINK, C_LINK, WIRES };

static const struct frame_hub mesh_of[] = {{{0xfd, 0, 0, 9, [15] = 1}, {10, 9, 0, 1}},
					   {{0xfd, 0, 0, 9, [15] = 2}, {10, 9, 0, 2}}};
enum { IDENTITY_A = 0x123456, IDENTITY_B = 0x654321 };

static int home, netns[HOSTS], wire[WIRES];
struct meshed hubs_mesh[2];

struct hubs_wire hubs_wire;

void hubs_must(long result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

void hubs_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	hubs_must(fd, path);
	hubs_must(write(fd, value, strlen(value)), path);
	close(fd);
}

void hubs_sh(const char *command)
{
	hubs_must(system(command) == 0 ? 0 : -1, command);
}

int hubs_netns(int host)
{
	return netns[host];
}

void hubs_enter(int host)
{
	hubs_must(setns(host < 0 ? home : netns[host], CLONE_NEWNET), "setns");
}

static int open_netns(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	hubs_must(fd, "netns");
	return fd;
}

/* A host of its own, without chatter. */
static void make_host(int host)
{
	hubs_must(unshare(CLONE_NEWNET), "unshare (are you root?)");
	netns[host] = open_netns();
	hubs_set("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
	hubs_set("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	hubs_set("/proc/sys/net/ipv6/conf/default/router_solicitations", "0");
	hubs_set("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
	hubs_set("/proc/sys/net/ipv4/ip_forward", "1");
	hubs_set("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	hubs_sh("ip link set lo up");
}

/* NAPI: what is written is put together with what follows it, as on a WireGuard device. */
static int make_tun(int host, const char *name, unsigned mtu, bool napi)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | (napi ? IFF_NAPI : 0)};
	char line[256];
	int fd;

	hubs_enter(host);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	hubs_must(fd, "/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	hubs_must(ioctl(fd, TUNSETIFF, &request), "TUNSETIFF");
	snprintf(line, sizeof(line), "ip link set %s mtu %u txqueuelen 5000 up", name, mtu);
	hubs_sh(line);
	if (!napi) /* else 6.1 takes no UDP to be cut */
		hubs_must(ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM), "TUNSETOFFLOAD");
	if (napi) {
		hubs_must(mount("sysfs", DIR, "sysfs", 0, NULL), "sysfs");
		snprintf(line, sizeof(line), DIR "/class/net/%s/gro_flush_timeout", name);
		hubs_set(line, "2000000");
		hubs_must(umount2(DIR, MNT_DETACH), DIR);
	}
	return fd;
}

void hubs_attach(int host, const char *device, enum bpf_tc_attach_point point, int program)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook), .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	struct bpf_tc_opts opts = {.sz = sizeof(opts), .prog_fd = program};

	hubs_enter(host);
	libbpf_set_print(NULL); /* the second hook of a device is there already */
	hook.ifindex = (int)if_nametoindex(device);
	bpf_tc_hook_create(&hook);
	hook.attach_point = point;
	hubs_must(bpf_tc_attach(&hook, &opts), "bpf_tc_attach");
}

static struct rn_addr address(const struct frame_hub *hub, bool v6)
{
	struct rn_addr a = packet_v4(hub->v4[0], hub->v4[1], hub->v4[2], hub->v4[3]);

	if (v6)
		memcpy(a.b, hub->v6, 16);
	return a;
}

/* Each is the other's only peer: number 5 for a, 6 for b. */
void hubs_fill(int host, bool devices)
{
	const struct frame_hub *self = &mesh_of[host], *peer = &mesh_of[!host];
	struct meshed *m = &hubs_mesh[host];
	uint32_t index = host == A ? 5 : 6;

	hubs_enter(host);
	for (int v6 = 0; v6 < 2; v6++) {
		struct rn_addr source = address(peer, v6);

		meshed_peer(m, &source, index);
	}
	meshed_behind(m, index, host == A ? IDENTITY_B : IDENTITY_A, 1);
	meshed_way(m, index, host == A ? IDENTITY_A : IDENTITY_B, 80);
	m->hubs[index] = (struct rn_mesh_addresses){address(peer, true), address(peer, false)};
	*m->self = (struct rn_mesh_self){.addresses = {address(self, true), address(self, false)}, .mtu = FRAME_MAX};
	if (devices) {
		m->self->rnm0 = if_nametoindex("rnm0");
		m->self->rn0 = if_nametoindex("rn0");
	}
}

static bool inner_sum_is_right(const uint8_t *ip, size_t size)
{
	bool v6 = ip[0] >> 4 == 6;
	size_t at = v6 ? 40 : 20, from = v6 ? 8 : 12;
	uint32_t pseudo = IPPROTO_TCP + (uint32_t)(size - at);

	if (ip[v6 ? 6 : 9] != IPPROTO_TCP)
		return true;
	for (size_t i = from; i < at; i += 2)
		pseudo += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	return packet_checksum(ip + at, size - at, pseudo) == 0;
}

static void look_at(int from, const uint8_t *bytes, size_t size)
{
	const struct frame_world w = {
	    .self = mesh_of[!from],
	    .peers = {{mesh_of[from], 5, from == A ? IDENTITY_A : IDENTITY_B, 1}},
	    .peer_count = 1,
	};
	struct frame_verdict v;

	hubs_wire.frames[from]++;
	if (size > hubs_wire.largest)
		hubs_wire.largest = (unsigned)size;
	if (!frame_judge(&w, bytes[0] >> 4 == 6 ? 0x86dd : 0x0800, bytes, size, &v))
		hubs_wire.bad++;
	else if (!inner_sum_is_right(v.inner, v.size))
		hubs_wire.wrong_sums++;
}

/* Congestion on the way between the hubs, where the packet's ends understand it. */
static void mark_congestion(uint8_t *frame)
{
	if (!hubs_wire.mark || !(frame_tos(frame) & 3))
		return;
	frame_set_tos(frame, frame_tos(frame) | 3);
	hubs_wire.marked++;
}

/* The wire between the hubs, and the one between b and c. */
static void *carry(void *unused)
{
	static const int other[WIRES] = {B_MESH, A_MESH, C_LINK, B_LINK};
	static uint8_t bytes[65536];

	while (!hubs_wire.stop) {
		struct pollfd ready[WIRES];

		for (int i = 0; i < WIRES; i++)
			ready[i] = (struct pollfd){.fd = wire[i], .events = POLLIN};
		if (poll(ready, WIRES, 50) <= 0)
			continue;
		for (int i = 0; i < WIRES; i++) {
			for (int burst = 0; burst < 64; burst++) {
				ssize_t size = read(wire[i], bytes, sizeof(bytes));

				if (size <= 0)
					break;
				if (i == A_MESH || i == B_MESH) {
					look_at(i == A_MESH ? A : B, bytes, (size_t)size);
					mark_congestion(bytes);
				} else if (!inner_sum_is_right(bytes, (size_t)size) || size > INNER_MAX) {
					hubs_wire.wrong_sums++;
				}
				if (write(wire[other[i]], bytes, (size_t)size) < 0) /* TCP repeats it */
					break;
			}
		}
	}
	return unused;
}

/* What is no frame of ours but the kernel's own (it reports its multicast groups on rn0) does not leave, and is left
 * out. */
struct hubs_tally hubs_tally(int host, int direction)
{
	struct hubs_tally t = {meshed_count(&hubs_mesh[host], direction, RN_MESH_PASSED), 0};

	for (unsigned i = 1; i < RN_MESH_REASON_COUNT; i++) {
		uint64_t n = meshed_count(&hubs_mesh[host], direction, i);

		t.dropped += direction == MESHED_OUT && i == RN_MESH_INNER ? 0 : n;
		if (n)
			print_message("  hub %c %s: %llu %s\n", 'a' + host, direction ? "out" : "in",
				      (unsigned long long)n, meshed_reason(i));
	}
	return t;
}

/* The hubs' programs where they are to be. */
void hubs_begin(void)
{
	for (int i = 0; i < 2; i++) {
		meshed_open(&hubs_mesh[i], 0);
		hubs_fill(i, true);
		hubs_attach(i, "rn0", BPF_TC_EGRESS, meshed_program(&hubs_mesh[i], MESHED_OUT));
		hubs_attach(i, "rnm0", BPF_TC_INGRESS, meshed_program(&hubs_mesh[i], MESHED_IN));
	}
	hubs_wire.frames[A] = hubs_wire.frames[B] = hubs_wire.bad = hubs_wire.largest = hubs_wire.wrong_sums = 0;
}

void hubs_end(void)
{
	for (int i = 0; i < 2; i++) {
		hubs_enter(i);
		hubs_sh("tc qdisc del dev rn0 clsact; tc qdisc del dev rnm0 clsact");
		meshed_close(&hubs_mesh[i]);
	}
	hubs_enter(-1);
}

static pthread_t carrier;

int hubs_setup(void **state)
{
	(void)state;
	hubs_must(unshare(CLONE_NEWNS), "unshare (are you root?)");
	hubs_must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	hubs_must(mkdir(DIR, 0700) < 0 && errno != EEXIST ? -1 : 0, DIR);
	home = open_netns();
	for (int i = 0; i < HOSTS; i++)
		make_host(i);
	make_tun(A, "rn0", INNER_MAX, false);
	make_tun(B, "rn0", INNER_MAX, false);
	wire[A_MESH] = make_tun(A, "rnm0", FRAME_MAX, true);
	wire[B_MESH] = make_tun(B, "rnm0", FRAME_MAX, true);
	for (int i = 0; i < 2; i++) {
		hubs_enter(i);
		hubs_set("/proc/sys/net/ipv6/conf/rnm0/disable_ipv6", "1");
	}
	wire[B_LINK] = make_tun(B, "rn1", INNER_MAX, true);
	wire[C_LINK] = make_tun(C, "rn1", INNER_MAX, true);
	hubs_enter(A);
	hubs_sh("ip addr add 10.5.0.1/24 dev rn0; ip -6 addr add fd00:5::1/64 dev rn0 nodad;"
		"ip route add 10.6.0.0/24 dev rn0; ip route add fd00:6::/64 dev rn0");
	hubs_enter(B);
	hubs_sh("ip addr add 10.5.0.2/24 dev rn0; ip -6 addr add fd00:5::2/64 dev rn0 nodad;"
		"ip addr add 10.6.0.2/24 dev rn1; ip -6 addr add fd00:6::2/64 dev rn1 nodad");
	hubs_enter(C);
	hubs_sh("ip addr add 10.6.0.3/24 dev rn1; ip -6 addr add fd00:6::3/64 dev rn1 nodad;"
		"ip route add 10.5.0.0/24 dev rn1; ip route add fd00:5::/64 dev rn1");
	hubs_enter(-1);
	hubs_must(-pthread_create(&carrier, NULL, carry, NULL), "thread");
	return 0;
}

int hubs_teardown(void **state)
{
	(void)state;
	hubs_wire.stop = true;
	pthread_join(carrier, NULL);
	return 0;
}
