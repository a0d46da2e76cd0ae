/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "role/web.h"

#define FIRST_FD 3 /* sd_listen_fds(3) */
#define FDS_MAX 8
#define LOW_PORTS 1024
#define BACKLOG 256

/* --- from systemd --- */

static bool is_listener(int fd)
{
	int on = 0, family = 0;
	socklen_t size = sizeof(on);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) < 0 || !on)
		return false;
	size = sizeof(family);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && (family == AF_INET || family == AF_INET6);
}

static int take_one(struct web *web, int fd, const char *name, size_t size, struct rn_err *err)
{
	int *place = size == 5 && strncmp(name, "https", 5) == 0  ? &web->https_fd
		     : size == 4 && strncmp(name, "http", 4) == 0 ? &web->http_fd
								  : NULL;

	if (!place || *place >= 0)
		return rn_fail(
		    err, -EINVAL,
		    "a socket was handed over as \"%.*s\": FileDescriptorName must be https or http, once each",
		    (int)size, name);
	if (!is_listener(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return rn_fail(err, -EINVAL, "the socket that was handed over as \"%.*s\" does not listen on TCP",
			       (int)size, name);
	*place = fd;
	rn_log(RN_LOG_INFO, "%.*s on the socket that was handed over", (int)size, name);
	return 0;
}

static int number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long value = text ? strtol(text, &end, 10) : -1;

	return text && *text && !*end && value > 0 && value <= INT32_MAX ? (int)value : -1;
}

/* How many sockets were handed over to this process, or -errno. */
static int take_handed(struct web *web, struct rn_err *err)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = number("LISTEN_PID") == getpid() ? number("LISTEN_FDS") : 0;

	if (count <= 0)
		return 0;
	if (count > FDS_MAX || !names)
		return rn_fail(err, -EINVAL, "LISTEN_FDS without LISTEN_FDNAMES, or more than %d sockets", FDS_MAX);
	for (int i = 0; i < count; i++) {
		size_t size = strcspn(names, ":");
		int r = take_one(web, FIRST_FD + i, names, size, err);

		if (r < 0)
			return r;
		names += size + (names[size] == ':');
	}
	return count;
}

/* --- our own --- */

static socklen_t address_of(const struct rn_endpoint *at, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (rn_addr_is_v4(&at->addr)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(at->port);
		v4->sin_addr.s_addr = htonl(rn_addr_to_v4(&at->addr));
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(at->port);
	memcpy(&v6->sin6_addr, at->addr.b, sizeof(at->addr.b));
	return sizeof(*v6);
}

static int try_listen(const struct rn_endpoint *at)
{
	struct sockaddr_storage address;
	socklen_t size = address_of(at, &address);
	int on = 1, off = 0, r, fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int listen_at(const struct rn_listen *where, const char *key, int *ret, struct rn_err *err)
{
	struct rn_endpoint any = where->at;
	char text[RN_ENDPOINT_TEXT];
	int fd;

	if (!where->on || *ret >= 0)
		return 0;
	fd = try_listen(&where->at);
	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && rn_addr_is_zero(&where->at.addr)) {
		any.addr = rn_addr_from_v4(0); /* a host without IPv6 */
		fd = try_listen(&any);
	}
	if (fd == -EACCES && where->at.port < LOW_PORTS)
		return rn_fail(err, fd,
			       "cannot listen on %s: a port below %d is to be handed over by rnautd-web.socket; web.md "
			       "beside README.md shows it",
			       rn_endpoint_format(&where->at, text), LOW_PORTS);
	if (fd < 0)
		return rn_fail(err, fd, "cannot listen on %s: %s; set \"%s\" in %s to another, or to \"off\"",
			       rn_endpoint_format(&where->at, text), strerror(-fd), key, RN_CONF_PATH);
	*ret = fd;
	rn_log(RN_LOG_INFO, "%s on %s", key, rn_endpoint_format(&where->at, text));
	return 0;
}

int web_listen(struct web *web, struct rn_err *err)
{
	int r = take_handed(web, err);

	if (r >= 0)
		r = listen_at(&web->conf.console_listen, "console_listen", &web->https_fd, err);
	if (r == 0)
		r = listen_at(&web->conf.console_local, "console_local", &web->http_fd, err);
	return r;
}
