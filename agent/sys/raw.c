/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/route.h"

#define HOPS 64

struct rn_raw {
	uint16_t port;
	int v4, v6; /* v6 is -1 where the kernel has no IPv6 */
	struct rn_route *route;
};

union header { /* before the datagram's content */
	struct {
		struct iphdr ip;
		struct udphdr udp;
	} v4;
	struct {
		struct ip6_hdr ip;
		struct udphdr udp;
	} v6;
};

/* It takes nothing in: a filter that accepts no packet. */
static int open_socket(int family)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = {.len = 1, .filter = &none};
	const int on = 1;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    (family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on))
			       : setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on))) < 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	return fd;
}

int rn_raw_open(uint16_t source_port, struct rn_raw **ret, struct rn_err *err)
{
	struct rn_raw *raw = calloc(1, sizeof(*raw));
	int code = 0;

	if (!raw)
		return rn_fail(err, -ENOMEM, "out of memory");
	raw->port = source_port;
	raw->v6 = -1;
	raw->v4 = open_socket(AF_INET);
	if (raw->v4 >= 0)
		raw->v6 = open_socket(AF_INET6);
	if (raw->v4 < 0)
		code = raw->v4;
	else if (raw->v6 < 0 && raw->v6 != -EAFNOSUPPORT)
		code = raw->v6;
	if (code == 0) {
		raw->route = rn_route_new();
		code = raw->route ? 0 : -errno;
	}
	if (code < 0) {
		rn_raw_close(raw);
		return rn_fail(err, code, "raw sockets cannot be opened (%s): CAP_NET_RAW is needed", strerror(-code));
	}
	*ret = raw;
	return 0;
}

void rn_raw_close(struct rn_raw *raw)
{
	if (!raw)
		return;
	if (raw->v4 >= 0)
		close(raw->v4);
	if (raw->v6 >= 0)
		close(raw->v6);
	rn_route_free(raw->route);
	free(raw);
}

static uint32_t sum(uint32_t before, const void *data, size_t size)
{
	const uint8_t *b = data;

	for (; size > 1; b += 2, size -= 2)
		before += (uint32_t)b[0] << 8 | b[1];
	return size ? before + ((uint32_t)b[0] << 8) : before;
}

/* RFC 768 and RFC 8200 section 8.1: over addresses, length, protocol, header and content; never 0. */
static uint16_t checksum(const void *addresses, size_t addresses_size, const struct udphdr *udp, const uint8_t *data,
			 size_t size)
{
	uint32_t s = sum(IPPROTO_UDP + (uint32_t)(sizeof(*udp) + size), addresses, addresses_size);

	s = sum(sum(s, udp, sizeof(*udp)), data, size);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	s = ~s & 0xffff;
	return htons(s ? s : 0xffff);
}

static struct udphdr udp_header(const struct rn_raw *raw, uint16_t to, size_t size)
{
	return (struct udphdr){
	    .source = htons(raw->port), .dest = htons(to), .len = htons(sizeof(struct udphdr) + size)};
}

/* The kernel fills in the IP header's identification, length and checksum. The size of the header. */
static size_t make_v4(const struct rn_raw *raw, const struct rn_addr *source, const struct rn_endpoint *to,
		      const uint8_t *data, size_t size, union header *h)
{
	h->v4.ip = (struct iphdr){.version = 4,
				  .ihl = 5,
				  .ttl = HOPS,
				  .protocol = IPPROTO_UDP,
				  .saddr = htonl(rn_addr_to_v4(source)),
				  .daddr = htonl(rn_addr_to_v4(&to->addr))};
	h->v4.udp = udp_header(raw, to->port, size);
	h->v4.udp.check = checksum(&h->v4.ip.saddr, 8, &h->v4.udp, data, size);
	return sizeof(h->v4);
}

static size_t make_v6(const struct rn_raw *raw, const struct rn_addr *source, const struct rn_endpoint *to,
		      const uint8_t *data, size_t size, union header *h)
{
	h->v6.ip = (struct ip6_hdr){0};
	h->v6.ip.ip6_flow = htonl(6u << 28);
	h->v6.ip.ip6_plen = htons(sizeof(struct udphdr) + size);
	h->v6.ip.ip6_nxt = IPPROTO_UDP;
	h->v6.ip.ip6_hlim = HOPS;
	memcpy(&h->v6.ip.ip6_src, source, sizeof(h->v6.ip.ip6_src));
	memcpy(&h->v6.ip.ip6_dst, &to->addr, sizeof(h->v6.ip.ip6_dst));
	h->v6.udp = udp_header(raw, to->port, size);
	h->v6.udp.check = checksum(&h->v6.ip.ip6_src, 32, &h->v6.udp, data, size);
	return sizeof(h->v6);
}

union control {
	struct cmsghdr head;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* The header's source is not what is routed by: rules may look at it, so it is said beside too. */
static size_t route_by(const struct rn_addr *source, union control *c)
{
	memset(c, 0, sizeof(*c));
	if (rn_addr_is_v4(source)) {
		const struct in_pktinfo info = {.ipi_spec_dst = {htonl(rn_addr_to_v4(source))}};

		c->head = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(&c->head), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	struct in6_pktinfo info = {.ipi6_ifindex = 0};

	memcpy(&info.ipi6_addr, source, sizeof(info.ipi6_addr));
	c->head = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
	memcpy(CMSG_DATA(&c->head), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

static int send_whole(const struct rn_raw *raw, const struct rn_addr *source, const struct rn_endpoint *to,
		      struct iovec parts[2])
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(rn_addr_to_v4(&to->addr))}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	const bool is_v4 = rn_addr_is_v4(&to->addr);
	union control control;
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control};

	memcpy(&v6.sin6_addr, &to->addr, sizeof(v6.sin6_addr));
	m.msg_name = is_v4 ? (void *)&v4 : (void *)&v6;
	m.msg_namelen = is_v4 ? sizeof(v4) : sizeof(v6);
	m.msg_controllen = route_by(source, &control);
	if (sendmsg(is_v4 ? raw->v4 : raw->v6, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ENOBUFS || errno == EINTR ? -EAGAIN : -errno;
}

/* A host's own address, as far as its bits tell. */
static bool is_host(const struct rn_endpoint *e)
{
	if (e->port == 0 || rn_addr_is_zero(&e->addr))
		return false;
	if (rn_addr_is_v4(&e->addr))
		return e->addr.b[12] != 0 && e->addr.b[12] < 224;
	return e->addr.b[0] != 0xff;
}

int rn_raw_send(struct rn_raw *raw, const struct rn_addr *from, const struct rn_endpoint *to, const uint8_t *data,
		size_t size)
{
	const bool v4 = rn_addr_is_v4(&to->addr);
	struct rn_addr source;
	union header h;
	struct iovec parts[2] = {{&h, 0}, {(void *)data, size}};
	int r;

	if (size > RN_RAW_DATAGRAM_MAX)
		return -EMSGSIZE;
	if (!is_host(to))
		return -EINVAL;
	if (!v4 && raw->v6 < 0)
		return -ENETUNREACH;
	r = rn_route_source(raw->route, from, raw->port, to, &source);
	if (r < 0)
		return r;
	parts[0].iov_len = v4 ? make_v4(raw, &source, to, data, size, &h) : make_v6(raw, &source, to, data, size, &h);
	return send_whole(raw, &source, to, parts);
}
