/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sys/wireguard_backend.h"

/* The UAPI socket of a userspace implementation: a connection for each request. */

#define TIMEOUT_MS 2000
#define REQUEST_MAX 2048
#define ANSWER_CHUNK 16384

struct answer {
	char *text;
	size_t size, room;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static int connect_to(const char *interface)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;
	int n = snprintf(address.sun_path, sizeof(address.sun_path), RN_WIREGUARD_DIRECTORY "/%s.sock", interface);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = errno == ENOENT || errno == ECONNREFUSED ? -ENODEV : -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = deadline - now_ms();
	int n = left > 0 ? poll(&p, 1, left) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int send_request(int fd, const char *text, size_t size, int64_t deadline)
{
	while (size) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
		int r = 0;

		if (n > 0) {
			text += n;
			size -= n;
		} else if (n < 0 && errno == EAGAIN) {
			r = wait_for(fd, POLLOUT, deadline);
		} else if (n < 0 && errno != EINTR) {
			r = -errno;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_room(struct answer *a)
{
	size_t room = a->room ? a->room * 2 : ANSWER_CHUNK;
	char *more;

	if (a->size < a->room)
		return 0;
	if (room > RN_UAPI_ANSWER_MAX)
		return -EBADMSG;
	more = malloc(room);
	if (!more)
		return -ENOMEM;
	if (a->text) {
		memcpy(more, a->text, a->size);
		rn_wipe(a->text, a->size); /* it begins with the private key */
		free(a->text);
	}
	a->text = more;
	a->room = room;
	return 0;
}

static bool is_whole(const struct answer *a)
{
	return (a->size >= 2 && memcmp(a->text + a->size - 2, "\n\n", 2) == 0);
}

static int receive_answer(int fd, struct answer *a, int64_t deadline)
{
	while (!is_whole(a)) {
		int r = make_room(a);
		ssize_t n;

		if (r < 0)
			return r;
		n = recv(fd, a->text + a->size, a->room - a->size, 0);
		if (n > 0)
			a->size += n;
		else if (n == 0)
			return -EBADMSG;
		else if (errno == EAGAIN)
			r = wait_for(fd, POLLIN, deadline);
		else if (errno != EINTR)
			r = -errno;
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask(const char *interface, const char *request, size_t size, struct rn_wireguard_device *ret,
	       void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context)
{
	const int64_t deadline = now_ms() + TIMEOUT_MS;
	struct answer a = {0};
	int r, fd = connect_to(interface);

	if (fd < 0)
		return fd;
	r = send_request(fd, request, size, deadline);
	if (r == 0)
		r = receive_answer(fd, &a, deadline);
	if (r == 0)
		r = rn_uapi_parse(a.text, a.size, ret, each, context);
	close(fd);
	if (a.text)
		rn_wipe(a.text, a.size);
	free(a.text);
	return r;
}

static int set_device(const char *interface, const uint8_t private_key[RN_KEY_SIZE], uint16_t port)
{
	char request[REQUEST_MAX];
	int r = rn_uapi_set_device(request, sizeof(request), private_key, port);

	if (r > 0)
		r = ask(interface, request, r, NULL, NULL, NULL);
	rn_wipe(request, sizeof(request));
	return r;
}

static int set_peer(const char *interface, const struct rn_wireguard_peer *peer)
{
	char request[REQUEST_MAX];
	int r = rn_uapi_set_peer(request, sizeof(request), peer);

	return r < 0 ? r : ask(interface, request, r, NULL, NULL, NULL);
}

static int remove_peer(const char *interface, const uint8_t key[RN_KEY_SIZE])
{
	char request[REQUEST_MAX];
	int r = rn_uapi_remove_peer(request, sizeof(request), key);

	return r < 0 ? r : ask(interface, request, r, NULL, NULL, NULL);
}

static int dump(const char *interface, struct rn_wireguard_device *ret,
		void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context)
{
	static const char request[] = "get=1\n\n";

	return ask(interface, request, sizeof(request) - 1, ret, each, context);
}

const struct rn_wireguard_ops rn_wireguard_userspace = {set_device, set_peer, remove_peer, dump};
