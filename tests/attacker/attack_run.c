/* SPDX-License-Identifier: Apache-2.0 */
/* What both captured processes do alike: read what is wanted, say what came of it, speak to core. */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attacker.h"
#include "base/crypto.h"
#include "sys/local.h"

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

bool told_to_end(void)
{
	struct stat st;

	return stat("/run/attack-end", &st) == 0;
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

static int split(char *text, char **words)
{
	int count = 0;

	for (char *word = strtok(text, " \n"); word && count < WORDS_MAX; word = strtok(NULL, " \n"))
		words[count++] = word;
	return count;
}

void attack(const struct inside *inside, const struct attack *const lists[])
{
	static char text[4096];
	char *words[WORDS_MAX];
	int fd = open("/run/attack", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int count = size > 0 ? split(text, words) : 0;

	close(fd);
	for (unsigned i = 0; count && lists[i]; i++) {
		for (const struct attack *a = lists[i]; a->name; a++) {
			if (strcmp(a->name, words[0]) != 0)
				continue;
			current = a->name;
			a->run(inside, words + 1, count - 1);
			said("done");
			return;
		}
	}
	said("no such attack");
}

unsigned hung_up_on(int (*dial)(const struct inside *), const struct inside *inside, const enum rn_local_type *types,
		    unsigned count)
{
	unsigned hung_up = 0;

	for (unsigned i = 0; i < count; i++) {
		struct rn_local local = {.type = types[i], .number = 1, .version = UINT64_MAX}, in;
		int fd = dial(inside), r;

		memset(local.key, 0x66, sizeof(local.key));
		tell(fd, &local);
		while ((r = hear(fd, 300, &in)) == 1)
			;
		hung_up += r == 0;
		close(fd);
	}
	return hung_up;
}

void talk_nonsense(int (*dial)(const struct inside *), const struct inside *inside)
{
	static uint8_t block[4096];
	unsigned refused = 0, rounds = 0;
	int fd = -1;

	for (unsigned type = 0; type < 512; type++) {
		struct rn_local local = {.type = type % 256,
					 .session = 1,
					 .number = 1,
					 .version = UINT64_MAX,
					 .code = 1,
					 .role = 1,
					 .block = block,
					 .block_size = 60,
					 .text = "\x1b[2J"};

		rn_random(block, sizeof(block));
		if (fd < 0)
			fd = dial(inside);
		if (fd < 0)
			rest_ms(50);
		else if (type < 256 ? !tell(fd, &local) : send(fd, block, type * 7 % sizeof(block), MSG_NOSIGNAL) < 0)
			refused++;
		rounds++;
		if (fd >= 0 && hear(fd, 2, &local) == 0) {
			refused++;
			close(fd);
			fd = -1;
		}
	}
	close(fd);
	said("%u of %u ended the connection", refused, rounds);
}

void dial_often(int (*dial)(const struct inside *), const struct inside *inside)
{
	unsigned dialled = 0;

	for (unsigned i = 0; i < 2000; i++) {
		int fd = dial(inside);

		dialled += fd >= 0;
		if (fd >= 0)
			close(fd);
		else
			rest_ms(5);
	}
	said("dialled %u times", dialled);
}
