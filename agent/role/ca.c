/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "role/role.h"
#include "service/ca_issue.h"
#include "sys/conf.h"
#include "sys/files.h"
#include "sys/local.h"
#include "sys/memory.h"
#include "sys/sandbox.h"

/*
 * The CA process: no loop library, no clock but two, one peer. It dials core, answers what core asks one by one, and
 * dials again when core has gone.
 */
#define RETRY_MS 200

struct ca {
	struct rn_ca *ca;
	char run_dir[RN_PATH_SIZE];
	uid_t core;
	bool strange; /* another listened: said once */
	int signals;  /* signalfd of SIGTERM and SIGINT */
	int peer;     /* -1: core is away */
	uint8_t buffer[RN_LOCAL_SIZE_MAX];
};

static int64_t now_of(clockid_t clock, int64_t per_second)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * per_second + t.tv_nsec / (1000000000 / per_second);
}

static int open_state(struct ca *c, struct rn_err *err)
{
	struct rn_conf conf;
	struct rn_self self;
	struct rn_anchor anchor;
	char dir[RN_PATH_SIZE];
	int r = rn_conf_load(NULL, &conf, err);

	if (r == 0)
		rn_log_setup("ca", conf.log_level);
	if (r == 0)
		r = rn_self_load(&conf, &self, &anchor, err);
	if (r < 0)
		return r;
	if (!self.gateway)
		return rn_fail(err, -ENOTSUP,
			       "this host is no gateway: the CA runs only where `rnaut gateway init` ran");
	r = rn_path_join(dir, sizeof(dir), conf.state_dir, "state/ca");
	if (r < 0)
		return rn_fail(err, r, "the path of state_dir is too long");
	memcpy(c->run_dir, conf.run_dir, sizeof(conf.run_dir));
	r = rn_local_enter(c->run_dir, err);
	if (r < 0)
		return r;
	return rn_ca_open(dir, anchor.root_public, now_of(CLOCK_REALTIME, 1), &c->ca, err);
}

static int open_signals(struct ca *c, struct rn_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return rn_fail(err, -errno, "sigprocmask: %s", strerror(errno));
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return c->signals < 0 ? rn_fail(err, -errno, "signalfd: %s", strerror(errno)) : 0;
}

static int prepare(struct ca *c, struct rn_err *err)
{
	gid_t group;
	int r = rn_process_user(RN_PROCESS_CORE, &c->core, &group, err);

	if (r == 0)
		r = rn_sandbox_user(RN_PROCESS_CA, err);
	if (r == 0)
		r = open_signals(c, err);
	if (r == 0)
		r = open_state(c, err);
	if (r == 0)
		r = rn_sandbox_seccomp(RN_PROCESS_CA, err);
	return r;
}

static void hang_up(struct ca *c, const char *why)
{
	if (c->peer < 0)
		return;
	rn_log(RN_LOG_NOTICE, "core: %s", why);
	close(c->peer);
	c->peer = -1;
}

static void dial(struct ca *c)
{
	const struct rn_local hello = {.type = RN_LOCAL_CA_HELLO};
	int fd = rn_local_dial(RN_LOCAL_CORE, c->core, "core", &c->strange);

	if (fd < 0)
		return;
	c->peer = fd;
	if (rn_local_send(fd, &hello) < 0)
		hang_up(c, "gone again");
	else
		rn_log(RN_LOG_INFO, "core: connected");
}

/* An answer that core does not take is core's loss: it asks again, and gets the same. */
static int answer(struct ca *c, const struct rn_local *request)
{
	struct rn_local reply;
	int r = rn_ca_handle(c->ca, request, now_of(CLOCK_REALTIME, 1), now_of(CLOCK_MONOTONIC, 1000), &reply);

	if (r == -EBADMSG)
		hang_up(c, "sent what is not for the CA");
	if (r == -EBADMSG)
		return 0;
	if (r < 0)
		return r;
	if (reply.code)
		rn_log(RN_LOG_NOTICE, "refused: %s", reply.text);
	if (rn_local_send(c->peer, &reply) < 0)
		hang_up(c, "does not take its answers");
	return 0;
}

static int serve(struct ca *c)
{
	struct rn_local request;
	int r = rn_local_receive(c->peer, c->buffer, &request);

	if (r == 1)
		return answer(c, &request);
	if (r != -EAGAIN)
		hang_up(c, r == 0 ? "gone" : r == -EBADMSG ? "sent what is no message" : strerror(-r));
	return 0;
}

/* Until a signal; -EIO where the CA must start again. */
static int run(struct ca *c)
{
	rn_memory_settle();
	for (;;) {
		struct pollfd fds[] = {{c->signals, POLLIN, 0}, {c->peer, POLLIN, 0}};
		int r = 0;

		if (c->peer < 0)
			dial(c);
		if (c->peer < 0 && rn_local_moved(c->run_dir))
			return 0;
		fds[1].fd = c->peer;
		if (poll(fds, 2, c->peer < 0 ? RETRY_MS : -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			return 0;
		if (c->peer >= 0 && fds[1].revents)
			r = serve(c);
		if (r < 0)
			return r;
	}
}

int rn_role_ca(int argc, char **argv)
{
	struct ca *c = calloc(1, sizeof(*c));
	struct rn_err err = {""};
	int r;

	(void)argc;
	(void)argv;
	if (!c)
		return 1;
	c->peer = c->signals = -1;
	r = rn_crypto_start();
	if (r == 0)
		r = prepare(c, &err);
	if (r < 0) {
		rn_log(RN_LOG_ERROR, "%s", err.text[0] ? err.text : strerror(-r));
	} else {
		r = run(c);
		if (r < 0)
			rn_log(RN_LOG_ERROR, "stopping: %s; it starts again from its journal", strerror(-r));
	}
	hang_up(c, "closing");
	if (c->signals >= 0)
		close(c->signals);
	rn_ca_free(c->ca);
	free(c);
	return r < 0;
}
