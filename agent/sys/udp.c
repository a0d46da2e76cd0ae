/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * A host with several addresses must answer from the one that it was spoken to at, or no NAT lets the answer in. Where
 * each peer last spoke to us is remembered in a small table that forgets by overwriting, and after some silence, since a
 * host that has moved must follow its routes: a miss leaves the choice to them. IPv6 sockets alone do this, for both
 * families.
 */
#define BATCH 64
#define HOMES 4096 /* a power of two */
#define HOME_MS 15000
#define RECEIVE_BUFFER (4 * 1024 * 1024) /* as far as the host's net.core.rmem_max goes */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct home {
	struct rn_endpoint peer, ours;
	int64_t until_ms;
};

struct slot {
	union address address;
	struct iovec part;
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct sockaddr_in6))]; /* the largest of those used */
	} control;
	uint8_t data[RN_UDP_DATAGRAM_MAX];
};

struct rn_udp {
	int fd;
	uint16_t port;
	bool v4_only;
	unsigned queued, sent; /* of `out`, sent <= queued */
	struct slot in[BATCH], out[BATCH];
	struct mmsghdr in_headers[BATCH], out_headers[BATCH];
	struct home homes[HOMES];
};

static int to_socket(const struct rn_udp *udp, const struct rn_endpoint *e, union address *ret, socklen_t *ret_size)
{
	memset(ret, 0, sizeof(*ret));
	if (!udp->v4_only) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(e->port);
		memcpy(&ret->v6.sin6_addr, &e->addr, sizeof(ret->v6.sin6_addr));
		*ret_size = sizeof(ret->v6);
		return 0;
	}
	if (!rn_addr_is_v4(&e->addr))
		return -ENETUNREACH;
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(e->port);
	ret->v4.sin_addr.s_addr = htonl(rn_addr_to_v4(&e->addr));
	*ret_size = sizeof(ret->v4);
	return 0;
}

static struct rn_endpoint from_socket(const union address *a)
{
	struct rn_endpoint e = {0};

	if (a->any.sa_family == AF_INET) {
		e.addr = rn_addr_from_v4(ntohl(a->v4.sin_addr.s_addr));
		e.port = ntohs(a->v4.sin_port);
	} else {
		memcpy(&e.addr, &a->v6.sin6_addr, sizeof(e.addr));
		e.port = ntohs(a->v6.sin6_port);
	}
	return e;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct home *home_of(struct rn_udp *udp, const struct rn_endpoint *peer)
{
	uint32_t hash = 2166136261u ^ peer->port;

	for (size_t i = 0; i < sizeof(peer->addr.b); i++)
		hash = (hash ^ peer->addr.b[i]) * 16777619u;
	return &udp->homes[(hash ^ hash >> 15) % HOMES];
}

static bool same_endpoint(const struct rn_endpoint *a, const struct rn_endpoint *b)
{
	return a->port == b->port && rn_addr_compare(&a->addr, &b->addr) == 0;
}

static bool is_destination(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR &&
		c->cmsg_len >= CMSG_LEN(sizeof(struct sockaddr_in))) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR &&
		c->cmsg_len >= CMSG_LEN(sizeof(struct sockaddr_in6)));
}

/* What the kernel says of a datagram that has come: which of our addresses, and which port, was on the wire. */
static void remember(struct rn_udp *udp, struct msghdr *header, const struct rn_endpoint *peer)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		struct home *home = home_of(udp, peer);
		union address a = {0};

		if (!is_destination(c))
			continue;
		memcpy(&a, CMSG_DATA(c), c->cmsg_level == IPPROTO_IP ? sizeof(a.v4) : sizeof(a.v6));
		home->peer = *peer;
		home->ours = from_socket(&a);
		home->until_ms = now_ms() + HOME_MS;
	}
}

bool rn_udp_home(struct rn_udp *udp, const struct rn_endpoint *peer, struct rn_endpoint *ret)
{
	const struct home *home = home_of(udp, peer);

	if (!same_endpoint(&home->peer, peer) || now_ms() > home->until_ms)
		return false;
	*ret = home->ours;
	return true;
}

void rn_udp_forget_homes(struct rn_udp *udp)
{
	memset(udp->homes, 0, sizeof(udp->homes));
}

/* Asks the kernel to send from where this peer knows us. */
static void answer_from(struct rn_udp *udp, struct slot *slot, struct msghdr *header, const struct rn_endpoint *peer)
{
	struct in6_pktinfo info = {.ipi6_ifindex = 0};
	struct cmsghdr *c = &slot->control.align;
	struct rn_endpoint home;

	header->msg_control = NULL;
	header->msg_controllen = 0;
	if (udp->v4_only || !rn_udp_home(udp, peer, &home))
		return;
	memset(&slot->control, 0, sizeof(slot->control));
	memcpy(&info.ipi6_addr, &home.addr, sizeof(info.ipi6_addr));
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	header->msg_control = slot->control.bytes;
	header->msg_controllen = CMSG_SPACE(sizeof(info));
}

/* The address may be ours no longer: the next datagram to this peer goes where the routes say. */
static void forget(struct rn_udp *udp, const union address *address)
{
	const struct rn_endpoint peer = from_socket(address);
	struct home *home = home_of(udp, &peer);

	if (same_endpoint(&home->peer, &peer))
		memset(home, 0, sizeof(*home));
}

/* The socket, IPv6 with IPv4 mapped, or IPv4 where this kernel has no other. */
static int new_socket(bool *ret_v4_only)
{
	int off = 0, on = 1, size = RECEIVE_BUFFER;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*ret_v4_only = fd < 0 && errno == EAFNOSUPPORT;
	if (*ret_v4_only)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!*ret_v4_only && (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
			      setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &on, sizeof(on)) < 0)) {
		int r = -errno;

		close(fd);
		return r;
	}
	setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static int bind_port(struct rn_udp *udp, uint16_t port)
{
	const struct rn_endpoint any_v4 = {rn_addr_from_v4(0), port}, any = {{{0}}, port};
	union address a;
	socklen_t size;
	int r = to_socket(udp, udp->v4_only ? &any_v4 : &any, &a, &size);

	if (r < 0)
		return r;
	if (bind(udp->fd, &a.any, size) < 0)
		return -errno;
	size = sizeof(a);
	if (getsockname(udp->fd, &a.any, &size) < 0)
		return -errno;
	udp->port = from_socket(&a).port;
	return 0;
}

static void prepare(struct slot *slots, struct mmsghdr *headers)
{
	for (unsigned i = 0; i < BATCH; i++) {
		slots[i].part = (struct iovec){slots[i].data, sizeof(slots[i].data)};
		headers[i].msg_hdr = (struct msghdr){.msg_name = &slots[i].address,
						     .msg_namelen = sizeof(slots[i].address),
						     .msg_iov = &slots[i].part,
						     .msg_iovlen = 1};
	}
}

int rn_udp_open(uint16_t port, struct rn_udp **ret, struct rn_err *err)
{
	struct rn_udp *udp = calloc(1, sizeof(*udp));
	int r;

	if (!udp)
		return rn_fail(err, -ENOMEM, "out of memory");
	udp->fd = new_socket(&udp->v4_only);
	r = udp->fd < 0 ? udp->fd : bind_port(udp, port);
	if (r < 0) {
		rn_udp_close(udp);
		if (r == -EADDRINUSE)
			return rn_fail(err, r,
				       "UDP port %u is in use by another program: stop that one, or set control_port in "
				       "rnaut.conf", port);
		return rn_fail(err, r, "cannot open UDP port %u: %s", port, strerror(-r));
	}
	prepare(udp->in, udp->in_headers);
	prepare(udp->out, udp->out_headers);
	*ret = udp;
	return 0;
}

void rn_udp_close(struct rn_udp *udp)
{
	if (!udp)
		return;
	if (udp->fd >= 0)
		close(udp->fd);
	free(udp);
}

int rn_udp_fd(const struct rn_udp *udp)
{
	return udp->fd;
}

uint16_t rn_udp_port(const struct rn_udp *udp)
{
	return udp->port;
}

int rn_udp_receive(struct rn_udp *udp,
		   void (*each)(void *context, const struct rn_endpoint *from, const uint8_t *data, size_t size),
		   void *context)
{
	int n;

	for (unsigned i = 0; i < BATCH; i++) {
		udp->in_headers[i].msg_hdr.msg_namelen = sizeof(udp->in[i].address);
		udp->in_headers[i].msg_hdr.msg_control = udp->in[i].control.bytes;
		udp->in_headers[i].msg_hdr.msg_controllen = sizeof(udp->in[i].control.bytes);
	}
	n = recvmmsg(udp->fd, udp->in_headers, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		const struct rn_endpoint from = from_socket(&udp->in[i].address);

		remember(udp, &udp->in_headers[i].msg_hdr, &from);
		if (!(udp->in_headers[i].msg_hdr.msg_flags & MSG_TRUNC))
			each(context, &from, udp->in[i].data, udp->in_headers[i].msg_len);
	}
	return n;
}

int rn_udp_send(struct rn_udp *udp, const struct rn_endpoint *to, const void *data, size_t size)
{
	struct slot *slot;
	socklen_t length;
	int r;

	if (size > RN_UDP_DATAGRAM_MAX)
		return -EMSGSIZE;
	if (udp->queued == BATCH) {
		r = rn_udp_flush(udp);
		if (r < 0)
			return r;
	}
	slot = &udp->out[udp->queued];
	r = to_socket(udp, to, &slot->address, &length);
	if (r < 0)
		return r;
	memcpy(slot->data, data, size);
	slot->part.iov_len = size;
	answer_from(udp, slot, &udp->out_headers[udp->queued].msg_hdr, to);
	udp->out_headers[udp->queued].msg_hdr.msg_namelen = length;
	udp->queued++;
	return 0;
}

int rn_udp_flush(struct rn_udp *udp)
{
	while (udp->sent < udp->queued) {
		int n = sendmmsg(udp->fd, udp->out_headers + udp->sent, udp->queued - udp->sent, MSG_DONTWAIT);

		if (n > 0)
			udp->sent += (unsigned)n;
		else if (errno == EAGAIN || errno == ENOBUFS)
			return -EAGAIN;
		else if (errno != EINTR) /* no route, refused, forbidden: this one is lost, the next may go elsewhere */
			forget(udp, &udp->out[udp->sent++].address);
	}
	udp->sent = udp->queued = 0;
	return 0;
}
