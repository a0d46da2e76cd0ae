/* SPDX-License-Identifier: Apache-2.0 */
/* The real net up to the point where its loop would run; the product's own file is included, and contains none of this.
 */
#define rn_role_net rn_role_net_honest
#include "role/net.c"
#undef rn_role_net

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attacker.h"

#define WORDS_MAX 8

static const char *current = "?";

void said(const char *format, ...)
{
	char text[1024], line[1200];
	va_list args;
	int size;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	size = snprintf(line, sizeof(line), "attack %s: %s\n", current, text);
	if (write(STDERR_FILENO, line, (size_t)size) < 0)
		_exit(3);
}

void rest_ms(int ms)
{
	poll(NULL, 0, ms);
}

int dial_core(const struct net *net)
{
	struct rn_local hello = {.type = RN_LOCAL_NET_HELLO};
	uid_t uid;
	int fd = rn_local_connect(net->core.path, &uid);

	if (fd >= 0) {
		memcpy(hello.key, net->public, RN_KEY_SIZE);
		tell(fd, &hello);
	}
	return fd;
}

bool tell(int fd, const struct rn_local *message)
{
	struct pollfd p = {fd, POLLOUT, 0};
	int r;

	for (int i = 0; i < 100; i++) {
		r = rn_local_send(fd, message);
		if (r != -EAGAIN)
			return r == 0;
		poll(&p, 1, 100);
	}
	return false;
}

int hear(int fd, int ms, struct rn_local *ret)
{
	static uint8_t buffer[RN_LOCAL_SIZE_MAX];
	struct pollfd p = {fd, POLLIN, 0};
	int r = rn_local_receive(fd, buffer, ret);

	if (r == -EAGAIN && poll(&p, 1, ms) > 0)
		r = rn_local_receive(fd, buffer, ret);
	return r == 1 || r == -EAGAIN ? r : 0;
}

bool speak(int fd, uint64_t session, const struct rn_message *message)
{
	static uint8_t data[RN_MESSAGE_MAX];
	int size = rn_message_encode(message, data, sizeof(data));
	const struct rn_local local = {
	    .type = RN_LOCAL_NET_MESSAGE, .session = session, .block = data, .block_size = (size_t)size};

	return size > 0 && tell(fd, &local);
}

bool claim(int fd, uint64_t session, const uint8_t key[RN_KEY_SIZE], enum rn_kind kind, uint32_t tag)
{
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN,
				.session = session,
				.role = (uint8_t)kind,
				.number = tag,
				.expires = UINT32_MAX,
				.text = "attacker"};

	memcpy(open.key, key, RN_KEY_SIZE);
	return tell(fd, &open);
}

static int split(char *text, char **words)
{
	int count = 0;

	for (char *word = strtok(text, " \n"); word && count < WORDS_MAX; word = strtok(NULL, " \n"))
		words[count++] = word;
	return count;
}

static void attack(struct net *net)
{
	static const struct attack *const lists[] = {attack_calls, attack_files, attack_core, attack_upstream};
	static char text[4096];
	char *words[WORDS_MAX];
	int fd = open("/run/attack", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int count = size > 0 ? split(text, words) : 0;

	close(fd);
	for (unsigned i = 0; count && i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const struct attack *a = lists[i]; a->name; a++) {
			if (strcmp(a->name, words[0]) != 0)
				continue;
			current = a->name;
			a->run(net, words + 1, count - 1);
			said("done");
			return;
		}
	}
	said("no such attack");
}

int rn_role_net(int argc, char **argv); /* role.h has given its declaration to the honest one */
int rn_role_net(int argc, char **argv)
{
	struct net *net = calloc(1, sizeof(*net));
	struct rn_err err = {""};

	(void)argc;
	(void)argv;
	(void)rn_role_net_honest;
	net->core.fd = -1;
	if (rn_crypto_start() < 0 || prepare(net, &err) < 0) {
		said("could not start: %s", err.text);
		return 1;
	}
	attack(net);
	return 0;
}
