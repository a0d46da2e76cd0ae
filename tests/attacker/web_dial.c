/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening TCP socket that is to dial. It may be made one that does not listen; from there, each way to say where
 * to. The test looks at the other end; here a line says what the kernel answered, where the process lives to hear it.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "web_attacker.h"

#define SHORT 15	    /* what the filter lets through */
#define X32 0x40000000	    /* the call of the same name for programs with short pointers */
#define ABOVE (1ull << 32)  /* the kernel does not look at this half of an int */
#define FASTOPEN_CONNECT 30 /* TCP_FASTOPEN_CONNECT */

union place {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};
struct dial {
	int fd;
	union place to;
	socklen_t size;
};

static ssize_t message(const struct dial *d, socklen_t size, uint64_t flags)
{
	struct iovec part = {"x", 1};
	struct msghdr m = {.msg_name = (void *)&d->to, .msg_namelen = size, .msg_iov = &part, .msg_iovlen = 1};

	return syscall(SYS_sendmsg, d->fd, &m, flags | MSG_NOSIGNAL);
}

/* --- what ends the process --- */

static long by_connect(const struct dial *d)
{
	return connect(d->fd, &d->to.any, d->size);
}

/* The size that it has no need of: one that any family's address has. */
static long by_long_nothing(const struct dial *d)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	return connect(d->fd, &none, sizeof(none)) < 0 ? -1 : connect(d->fd, &d->to.any, d->size);
}

static long by_upper_half(const struct dial *d)
{
	return syscall(SYS_connect, d->fd, &d->to, ABOVE | d->size);
}

static long by_negative(const struct dial *d)
{
	return syscall(SYS_connect, d->fd, &d->to, -1ll);
}

static long by_x32(const struct dial *d)
{
	return syscall(X32 + SYS_connect, d->fd, &d->to, d->size);
}

static long by_sendto(const struct dial *d)
{
	return sendto(d->fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &d->to.any, d->size);
}

static long by_plain_sendto(const struct dial *d)
{
	return sendto(d->fd, "x", 1, MSG_NOSIGNAL, &d->to.any, d->size);
}

static long by_sendmsg(const struct dial *d)
{
	return message(d, d->size, MSG_FASTOPEN);
}

static long by_upper_sendmsg(const struct dial *d)
{
	return message(d, d->size, ABOVE | MSG_FASTOPEN);
}

/* --- what it lives through --- */

static long by_short(const struct dial *d)
{
	long r = -1;

	for (socklen_t size = 0; size <= SHORT && r < 0; size++)
		r = connect(d->fd, &d->to.any, size);
	return r;
}

static long by_short_upper(const struct dial *d)
{
	return syscall(SYS_connect, d->fd, &d->to, ABOVE | SHORT);
}

static long by_sendto_nothing(const struct dial *d)
{
	long r = sendto(d->fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &d->to.any, 0);

	return r < 0 ? sendto(d->fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, NULL, 0) : r;
}

static long by_plain_sendmsg(const struct dial *d)
{
	return message(d, d->size, 0);
}

/* connect() would do nothing, and the first bytes dial. */
static long by_later(const struct dial *d)
{
	int on = 1;

	setsockopt(d->fd, IPPROTO_TCP, FASTOPEN_CONNECT, &on, sizeof(on));
	for (socklen_t size = 0; size <= SHORT; size++)
		if (connect(d->fd, &d->to.any, size) == 0)
			return 0;
	return message(d, d->size, 0);
}

/* A socket under repair is connected without a word to the other end. */
static long by_repair(const struct dial *d)
{
	int on = 1;

	return setsockopt(d->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
}

static const struct {
	const char *name;
	long (*run)(const struct dial *d);
	bool listening; /* as it is */
} ways[] = {
    {"connect", by_connect, false},
    {"listening", by_connect, true},
    {"nothing", by_long_nothing, true},
    {"upper", by_upper_half, false},
    {"negative", by_negative, false},
    {"x32", by_x32, false},
    {"sendto", by_sendto, false},
    {"sendto_plain", by_plain_sendto, false},
    {"sendmsg", by_sendmsg, false},
    {"sendmsg_upper", by_upper_sendmsg, false},
    {"short", by_short, false},
    {"short_upper", by_short_upper, false},
    {"short_listening", by_short, true},
    {"sendto_nothing", by_sendto_nothing, false},
    {"sendmsg_plain", by_plain_sendmsg, false},
    {"later", by_later, false},
    {"repair", by_repair, false},
};

/* The loopback's socket for a loopback IPv4 address, which it has itself; that of both families for all others. */
static bool aim(const struct inside *inside, const char *where, const char *port, struct dial *ret)
{
	uint16_t number = htons((uint16_t)strtoul(port, NULL, 10));
	struct rn_addr address;

	if (rn_addr_parse(where, &address) < 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	if (strncmp(where, "127.", 4) == 0) {
		ret->fd = inside->web->http_fd;
		ret->to.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = number};
		ret->to.v4.sin_addr.s_addr = htonl(rn_addr_to_v4(&address));
		ret->size = sizeof(ret->to.v4);
		return true;
	}
	ret->fd = inside->web->https_fd;
	ret->to.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = number};
	memcpy(&ret->to.v6.sin6_addr, address.b, sizeof(address.b));
	ret->size = sizeof(ret->to.v6);
	return true;
}

static bool went_out(int fd)
{
	struct pollfd p = {fd, POLLOUT, 0};
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	poll(&p, 1, 1000);
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
	       (info.tcpi_state != TCP_CLOSE && info.tcpi_state != TCP_LISTEN);
}

/* Words: the way, an address, a port. */
static void outwards(const struct inside *inside, char **words, int count)
{
	const sa_family_t nowhere = AF_UNSPEC;
	struct dial d;

	if (count < 3 || !aim(inside, words[1], words[2], &d))
		return;
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, words[0]) != 0)
			continue;
		if (!ways[i].listening && connect(d.fd, (const struct sockaddr *)&nowhere, sizeof(nowhere)) < 0)
			said("still listens: %s", strerror(errno));
		errno = 0;
		if (ways[i].run(&d) < 0 && errno != EINPROGRESS)
			said("%s", strerror(errno));
		else
			said("taken");
		if (went_out(d.fd))
			said("went out");
	}
}

const struct attack attack_web_dial[] = {
    {"outwards", outwards},
    {NULL, NULL},
};
