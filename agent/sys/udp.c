/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define RECEIVE_BUFFER (4 * 1024 * 1024) /* as far as the host's net.core.rmem_max goes */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct slot {
	union address address;
	struct iovec part;
	uint8_t data[RN_UDP_DATAGRAM_MAX];
};

struct rn_udp {
	int fd;
	uint16_t port;
	bool v4_only;
	unsigned queued, sent; /* of `out`, sent <= queued */
	struct slot in[BATCH], out[BATCH];
	struct mmsghdr in_headers[BATCH], out_headers[BATCH];
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

/* The socket, IPv6 with IPv4 mapped, or IPv4 where this kernel has no other. */
static int new_socket(bool *ret_v4_only)
{
	int off = 0, size = RECEIVE_BUFFER;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*ret_v4_only = fd < 0 && errno == EAFNOSUPPORT;
	if (*ret_v4_only)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!*ret_v4_only && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
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

	for (unsigned i = 0; i < BATCH; i++)
		udp->in_headers[i].msg_hdr.msg_namelen = sizeof(udp->in[i].address);
	n = recvmmsg(udp->fd, udp->in_headers, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		const struct rn_endpoint from = from_socket(&udp->in[i].address);

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
		else if (errno != EINTR)
			udp->sent++; /* no route, refused, forbidden: this one is lost, the next may go elsewhere */
	}
	udp->sent = udp->queued = 0;
	return 0;
}
