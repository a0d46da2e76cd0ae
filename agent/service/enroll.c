/* SPDX-License-Identifier: Apache-2.0 */
#include "service/enroll.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "domain/name.h"
#include "service/enroll_talk.h"
#include "sys/files.h"
#include "sys/sandbox.h"

#define REPORT_MAX (RN_MESSAGE_MAX + 1024) /* of the child */
#define GRACE_MS 5000			   /* beyond the child's own deadline */

/* The child's report: u16 code (0, or a positive errno), block sentence, block message. */
struct report {
	uint8_t data[REPORT_MAX + 1];
	size_t size;
};

int rn_enroll_confine(struct rn_err *err)
{
	int r = rn_sandbox_user(RN_PROCESS_NET, err);

	if (r == 0)
		r = rn_sandbox_end_with_parent(err);
	return r < 0 ? r : rn_sandbox_seccomp(RN_PROCESS_NET, err);
}

/* A secret of an earlier attempt, or a new one that is on the disk before it is used. */
static int keep_secret(const char *dir, const char *part, const char *name, const struct rn_owner *owner,
		       uint8_t ret_secret[RN_KEY_SIZE], uint8_t ret_public[RN_KEY_SIZE], struct rn_err *err)
{
	const struct rn_owner self = {geteuid(), getegid()};
	char path[RN_PATH_SIZE], file[RN_PATH_SIZE];
	int r = rn_owned_directory(dir, part, &self, err);

	if (r == 0)
		r = rn_path_join(path, sizeof(path), dir, part);
	if (r == 0)
		r = rn_path_join(file, sizeof(file), path, name);
	if (r < 0)
		return r;
	r = rn_file_read_exact(file, ret_secret, RN_KEY_SIZE);
	if (r == 0) {
		rn_x25519_public(ret_secret, ret_public);
		return 0;
	}
	rn_x25519_keypair(ret_public, ret_secret);
	return rn_owned_write(path, name, ret_secret, RN_KEY_SIZE, owner, err);
}

static int keep_keys(const struct rn_enroll *in, struct rn_enroll_keys *keys, struct rn_err *err)
{
	uint8_t wireguard[RN_KEY_SIZE];
	int r = keep_secret(in->dir, "net", "noise.key", &in->owners.net, keys->noise_secret, keys->noise_public, err);

	if (r == 0)
		r = keep_secret(in->dir, "kern", "wireguard.key", &in->owners.kern, wireguard, keys->wireguard_public,
				err);
	rn_wipe(wireguard, sizeof(wireguard));
	return r;
}

static void write_report(int fd, int code, const struct rn_err *err, const uint8_t *message, size_t size)
{
	uint8_t data[REPORT_MAX];
	struct rn_writer w = rn_writer(data, sizeof(data));
	size_t at = 0;

	rn_write_u16(&w, (uint16_t)-code);
	rn_write_block(&w, err->text, strlen(err->text));
	rn_write_block(&w, message, size);
	while (!w.failed && at < w.at) {
		ssize_t n = write(fd, data + at, w.at - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += (size_t)n;
	}
}

static void child(const struct rn_enroll *in, const struct rn_enroll_keys *keys, int fd)
{
	uint8_t message[RN_MESSAGE_MAX];
	struct rn_udp *udp = NULL;
	struct rn_err err = {""};
	size_t size = 0;
	int r = rn_udp_open(0, &udp, &err);

	if (r == 0)
		r = in->confine ? in->confine(&err) : rn_enroll_confine(&err);
	if (r == 0)
		r = rn_enroll_talk(in, keys, udp, message, &size, &err);
	rn_udp_close(udp);
	write_report(fd, r, &err, message, r < 0 ? 0 : size);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the child closes its end: 0, -ETIMEDOUT, -EMSGSIZE. */
static int read_report(int fd, int64_t deadline, struct report *report)
{
	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		int64_t left = deadline - now_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, report->data + report->size, sizeof(report->data) - report->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		report->size += (size_t)n;
		if (report->size > REPORT_MAX)
			return -EMSGSIZE;
	}
}

/* The child's sentence, fit for a terminal whoever wrote it. */
static int say(struct rn_err *err, int code, const uint8_t *text, size_t size)
{
	char clean[sizeof(err->text)];

	for (size_t i = 0; i < size; i++)
		clean[i] = text[i] >= 0x20 && text[i] < 0x7f ? (char)text[i] : '?';
	return rn_fail(err, code, "%.*s", (int)size, clean);
}

/* The message within the report, or the error that it carries. */
static int open_report(const struct report *report, const uint8_t **ret, size_t *ret_size, struct rn_err *err)
{
	struct rn_reader r = rn_reader(report->data, report->size);
	unsigned code = rn_read_u16(&r);
	size_t text_size, size;
	const uint8_t *text = rn_read_block(&r, sizeof(err->text) - 1, &text_size);
	const uint8_t *message = rn_read_block(&r, RN_MESSAGE_MAX, &size);

	if (!rn_reader_done(&r) || code > 4095)
		return rn_fail(err, -EINPROGRESS,
			       "the process that speaks to the gateway ended before it had an answer");
	if (code)
		return say(err, -(int)code, text, text_size);
	*ret = message;
	*ret_size = size;
	return 0;
}

/* Runs the child to its end; whatever happens, it is gone afterwards. */
static int ask(const struct rn_enroll *in, const struct rn_enroll_keys *keys, struct report *report, struct rn_err *err)
{
	const int64_t deadline = now_ms() + (in->timeout_ms > 0 ? in->timeout_ms : 15000) + GRACE_MS;
	int fds[2], r;
	pid_t pid;

	if (pipe(fds) < 0)
		return rn_fail(err, -errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(in, keys, fds[1]);
		_exit(0);
	}
	r = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r == 0)
		r = read_report(fds[0], deadline, report);
	close(fds[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return r < 0 ? rn_fail(err, r, "cannot speak to the gateway: %s", strerror(-r)) : 0;
}

static int write_state(const struct rn_enroll *in, const struct rn_enroll_result *result, struct rn_err *err)
{
	char net[RN_PATH_SIZE];
	int r = rn_path_join(net, sizeof(net), in->dir, "net");

	if (r < 0)
		return rn_fail(err, r, "the path %s is too long", in->dir);
	r = rn_owned_write(net, "leaf.der", result->leaf, result->leaf_size, &in->owners.net, err);
	if (r == 0)
		r = rn_owned_write(net, "issuer.der", result->issuer, result->issuer_size, &in->owners.net, err);
	if (r == 0)
		r = rn_self_write(in->dir, &result->self, result->anchor, err);
	/* Last, so that until here an interrupted attempt can be taken up again by its owner. */
	if (r == 0)
		r = rn_owned_directory(in->dir, "core", &in->owners.core, err);
	if (r == 0)
		r = rn_owned_directory(in->dir, "net", &in->owners.net, err);
	if (r == 0)
		r = rn_owned_directory(in->dir, "kern", &in->owners.kern, err);
	return r;
}

static int check_request(const struct rn_enroll *in, struct rn_err *err)
{
	if (!rn_name_valid(in->name))
		return rn_fail(err, -EINVAL,
			       "%s is no device name: 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", in->name);
	if (!rn_kind_name(in->kind) || in->kind == RN_KIND_GATEWAY)
		return rn_fail(err, -EINVAL, "a device cannot be enrolled as this kind");
	return 0;
}

int rn_enroll(const struct rn_enroll *in, struct rn_self *ret, struct rn_err *err)
{
	struct report *report = calloc(1, sizeof(*report));
	struct rn_enroll_result result;
	struct rn_enroll_keys keys = {0};
	const uint8_t *message;
	size_t size;
	int r;

	if (!report)
		return rn_fail(err, -ENOMEM, "out of memory");
	r = check_request(in, err);
	if (r == 0)
		r = keep_keys(in, &keys, err);
	if (r == 0)
		r = ask(in, &keys, report, err);
	if (r == 0)
		r = open_report(report, &message, &size, err);
	if (r == 0)
		r = rn_enroll_check_answer(in, keys.noise_public, message, size, time(NULL), &result, err);
	/* The token is used by now, for these keys: a full disk here must not cost it. */
	if (r == 0 && write_state(in, &result, err) < 0)
		r = -EINPROGRESS;
	if (r == 0)
		*ret = result.self;
	rn_wipe(&keys, sizeof(keys));
	free(report);
	return r;
}
