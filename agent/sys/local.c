/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/local.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/memory.h"

#define BACKLOG 16
#define SEND_BUFFER (1024 * 1024) /* several of the largest messages, where the host's limit allows it */

/* Its size, which is no longer than it must be: the filters of most processes go by it. */
static int make_address(const char *path, struct sockaddr_un *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	*ret = address;
	return (int)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
}

static int new_socket(void)
{
	int size = SEND_BUFFER;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

/* A socket that nobody listens on any more was left by a process that was killed. */
static int remove_stale(const struct sockaddr_un *address, int size)
{
	struct stat st;
	int fd, r;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = new_socket();
	if (fd < 0)
		return fd;
	r = connect(fd, (const struct sockaddr *)address, (socklen_t)size) < 0 ? -errno : 0;
	close(fd);
	if (r == 0 || r == -EAGAIN)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int listen_at(const struct sockaddr_un *address, int size)
{
	int fd = new_socket();
	int r;

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)address, (socklen_t)size) < 0 || chmod(address->sun_path, 0666) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int rn_local_listen(const char *path, struct rn_err *err)
{
	struct sockaddr_un address;
	int size = make_address(path, &address);
	int r = size < 0 ? size : remove_stale(&address, size);

	if (r == 0)
		r = listen_at(&address, size);
	if (r == -EADDRINUSE)
		return rn_fail(err, r, "%s is in use: another process of this kind runs already; stop it first", path);
	if (r < 0)
		return rn_fail(err, r, "cannot listen on %s: %s", path, strerror(-r));
	return r;
}

int rn_local_listen_again(int listener)
{
	return listen(listener, BACKLOG) < 0 ? -errno : 0;
}

static int peer_uid(int fd, uid_t *ret)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*ret = peer.uid;
	return 0;
}

int rn_local_accept(int listener, uid_t *ret_uid)
{
	int size = SEND_BUFFER;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	r = peer_uid(fd, ret_uid);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int rn_local_connect(const char *path, uid_t *ret_uid)
{
	struct sockaddr_un address;
	int fd, r = 0, size = make_address(path, &address);

	if (size < 0)
		return size;
	fd = new_socket();
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, (socklen_t)size) < 0)
		r = -errno;
	else
		r = peer_uid(fd, ret_uid);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int rn_local_enter(const char *directory, struct rn_err *err)
{
	return chdir(directory) < 0
		   ? rn_fail(err, -errno, "cannot go to %s, where the sockets are: %s; start rnautd-core first",
			     directory, strerror(errno))
		   : 0;
}

bool rn_local_moved(const char *directory)
{
	struct stat here, there;

	if (stat(".", &here) < 0 || stat(directory, &there) < 0 ||
	    (here.st_dev == there.st_dev && here.st_ino == there.st_ino))
		return false;
	rn_log(RN_LOG_NOTICE, "%s is another than before: ending, to be started again", directory);
	return true;
}

int rn_local_dial(const char *path, uid_t owner, const char *name, bool *strange)
{
	uid_t uid = (uid_t)-1;
	int fd = rn_local_connect(path, &uid);

	if (fd < 0)
		return fd;
	if (uid == owner) {
		*strange = false;
		return fd;
	}
	close(fd);
	if (uid == 0)
		return -EAGAIN;
	if (!*strange)
		rn_log(RN_LOG_ERROR, "%s is served by uid %u and not by %s; not speaking to it", path, (unsigned)uid,
		       name);
	*strange = true;
	return -EPERM;
}

int rn_local_send_bytes(int fd, const void *data, size_t size)
{
	ssize_t n;

	do {
		n = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == ECONNRESET ? -EPIPE : errno == ENOBUFS ? -EAGAIN : -errno;
}

int rn_local_receive_bytes(int fd, void *buffer, size_t size)
{
	struct iovec part = {buffer, size};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	do {
		n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	return header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG : (int)n;
}

int rn_local_send(int fd, const struct rn_local *message)
{
	RN_UNCLEARED uint8_t data[RN_LOCAL_SIZE_MAX];
	int size = rn_local_encode(message, data, sizeof(data));

	return size < 0 ? size : rn_local_send_bytes(fd, data, (size_t)size);
}

int rn_local_receive(int fd, void *buffer, struct rn_local *ret)
{
	int n = rn_local_receive_bytes(fd, buffer, RN_LOCAL_SIZE_MAX);

	if (n <= 0)
		return n;
	return rn_local_decode(buffer, (size_t)n, ret) < 0 ? -EBADMSG : 1;
}
