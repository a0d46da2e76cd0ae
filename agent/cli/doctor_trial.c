/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/limits.h"
#include "cli/doctor.h"
#include "sys/datapath.h"
#include "sys/files.h"
#include "sys/netlink.h"
#include "sys/sandbox.h"
#include "sys/steering.h"

/*
 * A child does what rnautd kern does when it starts: in network and mount namespaces of its own, with a bpf file system
 * of its own, so that nothing of this host is touched and all of it goes with the child.
 */
#define MOUNT "/sys/fs/bpf"
#define PLACE MOUNT "/rnaut-doctor"
#define PROBE "rnprobe0"
#define LOOPBACK 1 /* the first interface of every network namespace */

static int say(struct rn_trial *t, enum rn_trial_stage stage, int code, const char *what)
{
	t->stage = stage;
	snprintf(t->error, sizeof(t->error), "%s: %s", what, strerror(-code));
	return code;
}

static int own_namespaces(struct rn_trial *t)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return say(t, RN_TRIAL_NAMESPACES, -errno, "no namespaces to try things in");
	return 0;
}

static int ask_wireguard(void)
{
	struct rn_netlink *n = rn_netlink_new();
	int code = n ? rn_netlink_wireguard_new(n, PROBE) : -errno;

	rn_netlink_free(n);
	return code;
}

static int make_place(struct rn_trial *t)
{
	uid_t uid;
	gid_t gid;
	int code;

	if (mount("bpf", MOUNT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return say(t, RN_TRIAL_BPFFS, -errno, "a bpf file system cannot be mounted on " MOUNT);
	if (rn_process_user(RN_PROCESS_KERN, &uid, &gid, NULL) < 0)
		uid = gid = 0;
	code = rn_directory_make(PLACE, 0700, uid, gid);
	if (code == 0 && chdir(PLACE) < 0)
		code = -errno;
	return code < 0 ? say(t, RN_TRIAL_BPFFS, code, PLACE) : 0;
}

static int load(const struct rn_cli *cli, struct rn_trial *t)
{
	const struct rn_meta want = {.schema = RN_SCHEMA_VERSION, .role = RN_ROLE_HUB, .self = 1};
	struct rn_steering *steering = NULL;
	struct rn_datapath *dp = NULL;
	struct rn_err err = {""};
	bool adopted;
	int code;

	(void)cli;
	if (rn_datapath_open(".", &want, &dp, &adopted, &err) < 0) {
		t->stage = RN_TRIAL_PROGRAMS;
		snprintf(t->error, sizeof(t->error), "%s", err.text);
		return -EINVAL;
	}
	code = rn_datapath_attach(dp, LOOPBACK, &err);
	rn_datapath_close(dp);
	if (code == 0 && rn_steering_open(".", &steering, &err) < 0)
		snprintf(t->steering, sizeof(t->steering), "%s", *err.text ? err.text : "the kernel refuses them");
	rn_steering_close(steering);
	if (code == 0)
		return 0;
	t->stage = RN_TRIAL_ATTACH;
	snprintf(t->error, sizeof(t->error), "%s", err.text);
	return code;
}

static void child(const struct rn_cli *cli, struct rn_trial *t)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rn_err err = {""};
	int code;

	setrlimit(RLIMIT_MEMLOCK, &all); /* as the unit has it */
	t->ran = true;
	if (own_namespaces(t) < 0)
		return;
	t->wireguard = ask_wireguard();
	if (make_place(t) < 0)
		return;
	code = rn_sandbox_user(RN_PROCESS_KERN, &err);
	if (code < 0 && code != -ENOENT) { /* users that are missing are another check's */
		t->stage = RN_TRIAL_USER;
		snprintf(t->error, sizeof(t->error), "%s", err.text);
		return;
	}
	if (load(cli, t) == 0)
		t->stage = RN_TRIAL_DONE;
}

void rn_trial_run(const struct rn_cli *cli, struct rn_trial *ret)
{
	struct rn_trial t = {0};
	int ends[2], status;
	pid_t pid;

	memset(ret, 0, sizeof(*ret));
	if (pipe(ends) < 0)
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child(cli, &t);
		_exit(write(ends[1], &t, sizeof(t)) == (ssize_t)sizeof(t) ? 0 : 1);
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &t, sizeof(t)) == (ssize_t)sizeof(t))
		*ret = t;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	ret->error[sizeof(ret->error) - 1] = '\0';
}
