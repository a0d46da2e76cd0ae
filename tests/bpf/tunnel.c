/* SPDX-License-Identifier: Apache-2.0 */
#include "tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void must(long result, const char *what)
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
	must(write(fd, value, strlen(value)), path);
	close(fd);
}

static void configure(struct tunnel *t)
{
	struct ifreq request = {.ifr_name = "rn0", .ifr_mtu = 9000};
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	must(fd, "socket");
	must(ioctl(fd, SIOCSIFMTU, &request), "mtu");
	inet_pton(AF_INET, TUNNEL_ADDRESS, &addr.sin_addr);
	memcpy(&request.ifr_addr, &addr, sizeof(addr));
	must(ioctl(fd, SIOCSIFADDR, &request), "address");
	inet_pton(AF_INET, "255.255.0.0", &addr.sin_addr);
	memcpy(&request.ifr_netmask, &addr, sizeof(addr));
	must(ioctl(fd, SIOCSIFNETMASK, &request), "netmask");
	request.ifr_flags = IFF_UP | IFF_NOARP;
	must(ioctl(fd, SIOCSIFFLAGS, &request), "up");
	close(fd);
	t->ifindex = if_nametoindex("rn0");
	set("/proc/sys/net/ipv4/ip_forward", "1");
	set("/proc/sys/net/ipv4/conf/all/send_redirects", "0");
	set("/proc/sys/net/ipv4/conf/rn0/send_redirects", "0");
}

static int make_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	must(fd, "/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	must(ioctl(fd, TUNSETIFF, &request), "TUNSETIFF");
	return fd;
}

static void make_mesh(struct tunnel *t)
{
	struct ifreq request = {.ifr_name = "rnm0", .ifr_flags = IFF_UP | IFF_NOARP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	t->mesh_fd = make_tun("rnm0");
	must(ioctl(fd, SIOCSIFFLAGS, &request), "up");
	close(fd);
	t->mesh_ifindex = if_nametoindex("rnm0");
}

static void make_device(struct tunnel *t)
{
	set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"); /* no chatter of its own */
	t->fd = make_tun("rn0");
	configure(t);
	make_mesh(t);
	t->packet_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(t->packet_fd, "packet socket");
}

static void drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	data[0].permitted = data[0].effective = 1u << CAP_NET_ADMIN;
	data[1].permitted = data[1].effective = 1u << (CAP_BPF - 32) | 1u << (CAP_PERFMON - 32);
	must(prctl(PR_SET_KEEPCAPS, 1), "keepcaps");
	must(setgroups(0, NULL), "setgroups");
	must(setresgid(TUNNEL_USER, TUNNEL_USER, TUNNEL_USER), "setresgid");
	must(setresuid(TUNNEL_USER, TUNNEL_USER, TUNNEL_USER), "setresuid");
	must(syscall(SYS_capset, &header, data), "capset");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

void tunnel_enter(struct tunnel *t, const char *dir)
{
	must(unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare (are you root?)");
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	must(mount("bpf", dir, "bpf", 0, NULL), "bpffs");
	snprintf(t->bpf_dir, sizeof(t->bpf_dir), "%s/rnaut", dir);
	must(mkdir(t->bpf_dir, 0700), t->bpf_dir);
	must(chown(t->bpf_dir, TUNNEL_USER, TUNNEL_USER), "chown");
	must(chmod(dir, 0755), dir);
	make_device(t);
	drop();
}

static void write_in(int fd, const struct virtio_net_hdr *header, const void *packet, size_t size)
{
	struct iovec parts[2] = {{(void *)header, sizeof(*header)}, {(void *)packet, size}};

	must(writev(fd, parts, 2), "write to a tunnel");
}

void tunnel_in(struct tunnel *t, const void *packet, size_t size, size_t linear)
{
	struct virtio_net_hdr header = {.hdr_len = linear};

	write_in(t->fd, &header, packet, size);
}

void tunnel_in_gso(struct tunnel *t, const void *packet, size_t size, size_t transport, uint16_t segment)
{
	bool v6 = *(const uint8_t *)packet >> 4 == 6;
	struct virtio_net_hdr header = {
	    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
	    .hdr_len = transport + 20,
	    .gso_size = segment,
	    .csum_start = transport,
	    .csum_offset = 16,
	};

	write_in(t->fd, &header, packet, size);
}

static void send_out(struct tunnel *t, unsigned ifindex, const void *packet, size_t size, uint16_t ethertype)
{
	struct sockaddr_ll to = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(ethertype), .sll_ifindex = (int)ifindex};

	/* ENOBUFS is how a packet socket hears that a filter dropped it */
	if (sendto(t->packet_fd, packet, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != ENOBUFS)
		must(-1, "send through a tunnel");
}

static size_t read_left(int fd, void *packet, size_t size, int wait_ms)
{
	struct virtio_net_hdr header;
	struct iovec parts[2] = {{&header, sizeof(header)}, {packet, size}};
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t got;

	if (poll(&ready, 1, wait_ms) <= 0)
		return 0;
	got = readv(fd, parts, 2);
	must(got, "read from a tunnel");
	return got - sizeof(header);
}

void tunnel_out(struct tunnel *t, const void *packet, size_t size, uint16_t ethertype)
{
	send_out(t, t->ifindex, packet, size, ethertype);
}

size_t tunnel_left(struct tunnel *t, void *packet, size_t size, int wait_ms)
{
	return read_left(t->fd, packet, size, wait_ms);
}

void tunnel_mesh_in(struct tunnel *t, const void *frame, size_t size)
{
	struct virtio_net_hdr header = {0};

	write_in(t->mesh_fd, &header, frame, size);
}

void tunnel_mesh_out(struct tunnel *t, const void *frame, size_t size, uint16_t ethertype)
{
	send_out(t, t->mesh_ifindex, frame, size, ethertype);
}

size_t tunnel_mesh_left(struct tunnel *t, void *frame, size_t size, int wait_ms)
{
	return read_left(t->mesh_fd, frame, size, wait_ms);
}
