/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/reach.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_MS 500
#define ANSWER_MAX 2048

/* A UDP socket that speaks to this endpoint alone, so that errors on the way come back to it. */
static int connected(const struct rn_endpoint *to, bool *ret_v4)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(to->port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(to->port)};
	bool is_v4 = rn_addr_is_v4(&to->addr);
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), code;

	if (fd < 0)
		return -errno;
	if (is_v4)
		v4.sin_addr.s_addr = htonl(rn_addr_to_v4(&to->addr));
	else
		memcpy(&v6.sin6_addr, &to->addr, sizeof(v6.sin6_addr));
	code =
	    is_v4 ? connect(fd, (struct sockaddr *)&v4, sizeof(v4)) : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	if (code == 0) {
		*ret_v4 = is_v4;
		return fd;
	}
	code = -errno;
	close(fd);
	return code;
}

int rn_reach_mtu(const struct rn_endpoint *to, uint32_t *ret)
{
	bool v4 = false;
	int mtu = 0, code = 0, fd = connected(to, &v4);
	socklen_t size = sizeof(mtu);

	if (fd < 0)
		return fd;
	if (getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &size) < 0)
		code = -errno;
	close(fd);
	if (code == 0)
		*ret = (uint32_t)mtu;
	return code;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 1 where an answer came before `until`; 0; or what the network said. */
static int await(int fd, int64_t until, bool (*answers)(const void *context, const uint8_t *data, size_t size),
		 const void *context)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	uint8_t answer[ANSWER_MAX];
	int64_t left;

	while ((left = until - now_ms()) > 0) {
		ssize_t got;

		if (poll(&one, 1, (int)left) <= 0)
			continue;
		got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got > 0 && answers(context, answer, (size_t)got))
			return 1;
	}
	return 0;
}

int rn_reach_ask(const struct rn_endpoint *to, const void *data, size_t size, int timeout_ms,
		 bool (*answers)(const void *context, const uint8_t *data, size_t size), const void *context,
		 int *ret_ms)
{
	bool v4 = false;
	int fd = connected(to, &v4), code = 0;
	int64_t began = now_ms(), sent;

	if (fd < 0)
		return fd;
	do {
		sent = now_ms();
		if (send(fd, data, size, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
			code = -errno;
		else
			code = await(fd, sent + AGAIN_MS, answers, context);
		/* A restarting peer refuses for a moment. */
		if (code == -ECONNREFUSED)
			code = await(fd, sent + AGAIN_MS, answers, context) == 1 ? 1 : -ECONNREFUSED;
	} while ((code == 0 || code == -ECONNREFUSED) && now_ms() - began < timeout_ms);
	close(fd);
	if (code != 1)
		return code ? code : -ETIMEDOUT;
	*ret_ms = (int)(now_ms() - sent);
	return 0;
}

int rn_reach_port_free(uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), off = 0, code;

	if (fd >= 0) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		code = bind(fd, (struct sockaddr *)&v6, sizeof(v6)) < 0 ? -errno : 0;
	} else {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		code = fd < 0 || bind(fd, (struct sockaddr *)&v4, sizeof(v4)) < 0 ? -errno : 0;
	}
	if (fd >= 0)
		close(fd);
	return code;
}
