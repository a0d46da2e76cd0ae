/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/sandbox_calls.h"

static const char *const users[] = {
    [RN_PROCESS_CORE] = "rnaut-core", [RN_PROCESS_NET] = "rnaut-net", [RN_PROCESS_KERN] = "rnaut-kern",
    [RN_PROCESS_CA] = "rnaut-ca",     [RN_PROCESS_WEB] = "rnaut-web", [RN_PROCESS_WIREGUARD] = "rnaut-kern",
};

static const unsigned kern_capabilities[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON};
static const unsigned wireguard_capabilities[] = {CAP_NET_ADMIN};

struct capabilities {
	const unsigned *list;
	unsigned count;
};

static struct capabilities capabilities_of(enum rn_process process)
{
	if (process == RN_PROCESS_KERN)
		return (struct capabilities){kern_capabilities, 4};
	if (process == RN_PROCESS_WIREGUARD)
		return (struct capabilities){wireguard_capabilities, 1};
	return (struct capabilities){NULL, 0};
}

int rn_process_user(enum rn_process process, uid_t *ret_uid, gid_t *ret_gid, struct rn_err *err)
{
	const char *name = process < RN_PROCESS_CLI ? users[process] : NULL;
	const struct passwd *user;

	if (!name)
		return rn_fail(err, -EINVAL, "this process has no user of its own");
	errno = 0;
	user = getpwnam(name);
	if (!user)
		return rn_fail(err, -ENOENT,
			       "there is no user %s on this host; install the package again or run systemd-sysusers",
			       name);
	if (user->pw_uid == 0 || user->pw_gid == 0)
		return rn_fail(err, -EINVAL, "the user %s must not be root; remove it and run systemd-sysusers", name);
	*ret_uid = user->pw_uid;
	*ret_gid = user->pw_gid;
	return 0;
}

/* What is to be kept after the user changes: in the ambient set too where another program is to have it. */
static int select_capabilities(enum rn_process process)
{
	const struct capabilities keep = capabilities_of(process);
	capng_type_t sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED;

	if (process == RN_PROCESS_WIREGUARD)
		sets |= CAPNG_INHERITABLE | CAPNG_AMBIENT;
	capng_get_caps_process();
	for (unsigned i = 0; i < keep.count; i++) {
		if (!capng_have_capability(CAPNG_PERMITTED, keep.list[i]))
			return -EPERM;
	}
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned i = 0; i < keep.count; i++) {
		if (capng_update(CAPNG_ADD, sets | CAPNG_BOUNDING_SET, keep.list[i]) < 0)
			return -EPERM;
	}
	return 0;
}

/* As root: the user and the bounding set too. As the user already: only less capabilities, where it has any. */
static int apply(uid_t uid, gid_t gid, bool has_any)
{
	if (geteuid() != 0 && !has_any)
		return 0;
	if (geteuid() != 0)
		return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? -EPERM : 0;
	if (capng_change_id(uid, gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) < 0)
		return -EPERM;
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? -EPERM : 0;
}

/* Believes the kernel, not the calls before. */
static int check(enum rn_process process, uid_t uid, gid_t gid)
{
	const struct capabilities keep = capabilities_of(process);
	uid_t real, effective, saved;
	gid_t group, effective_group, saved_group;

	if (getresuid(&real, &effective, &saved) < 0 || getresgid(&group, &effective_group, &saved_group) < 0)
		return -errno;
	if (real != uid || effective != uid || saved != uid || group != gid || effective_group != gid ||
	    saved_group != gid)
		return -EPERM;
	capng_get_caps_process();
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++) {
		bool wanted = false;

		for (unsigned k = 0; k < keep.count; k++)
			wanted |= keep.list[k] == i;
		if (capng_have_capability(CAPNG_PERMITTED, i) != wanted)
			return -EPERM;
	}
	return 0;
}

int rn_sandbox_user(enum rn_process process, struct rn_err *err)
{
	uid_t uid, me = geteuid();
	bool has_any;
	gid_t gid;
	int r = rn_process_user(process, &uid, &gid, err);

	if (r < 0)
		return r;
	if (me != 0 && me != uid)
		return rn_fail(err, -EPERM, "this process must be started as root or as %s", users[process]);
	capng_get_caps_process();
	has_any = capng_have_capabilities(CAPNG_SELECT_CAPS) > CAPNG_NONE;
	r = select_capabilities(process);
	if (r == 0)
		r = apply(uid, gid, has_any);
	if (r == 0)
		r = check(process, uid, gid);
	if (r < 0)
		return rn_fail(err, r, "cannot become %s with its capabilities alone; start this process as root",
			       users[process]);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return rn_fail(err, -errno, "prctl: %s", strerror(errno));
	return 0;
}

int rn_sandbox_end_with_parent(struct rn_err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return rn_fail(err, -errno, "prctl: %s", strerror(errno));
	return 0;
}

const char *const *rn_sandbox_calls(enum rn_process process)
{
	return rn_sandbox_lists[process];
}

#define OF(process) (1u << RN_PROCESS_##process)
#define OF_ALL UINT32_MAX
/* kern speaks to wireguard-go and to netlink, whose addresses are longer, and has no socket that could dial. */
#define OF_SHORT (OF_ALL & ~OF(KERN))

/*
 * Calls that are allowed with some arguments only; each of its lines is one way. A filter cannot read an address, but
 * it sees its size: below 16 bytes there is none of the network (sockaddr_in has 16, IPv6 needs 24), and of unix
 * sockets those of the run directory, by their names (local.h).
 */
static const struct bound {
	const char *call;
	unsigned argument;
	uint64_t mask, value;
	uint32_t of;
} bounds[] = {
    {"socket", 0, UINT32_MAX, AF_UNIX, OF_ALL},
    {"socket", 0, UINT32_MAX, AF_NETLINK, OF(KERN)},
    {"connect", 2, UINT32_MAX & ~15u, 0, OF_SHORT},
    {"connect", 2, UINT32_MAX & ~127u, 0, OF(KERN)},
    {"sendto", 5, UINT32_MAX, 0, OF_SHORT},
    {"sendto", 3, MSG_FASTOPEN, 0, OF(KERN)},
    /* TCP dials with its first bytes too. */
    {"sendmsg", 2, MSG_FASTOPEN, 0, OF_ALL},
    /* Memory is written or run, never both. */
    {"mprotect", 2, PROT_EXEC, 0, OF_ALL},
    {"mmap", 2, PROT_EXEC, 0, OF_ALL},
    {"mmap", 2, PROT_WRITE, 0, OF_ALL},
};

static int add_call(scmp_filter_ctx filter, enum rn_process process, const char *call)
{
	int number = seccomp_syscall_resolve_name(call), r = 0;
	bool bounded = false;

	if (number == __NR_SCMP_ERROR)
		return -ENOSYS;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]) && r == 0; i++) {
		const struct bound *b = &bounds[i];

		if (strcmp(b->call, call) != 0)
			continue;
		bounded = true;
		if (b->of & 1u << process)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
					     SCMP_CMP64(b->argument, SCMP_CMP_MASKED_EQ, b->mask, b->value));
	}
	if (!bounded)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	return r == -EEXIST ? 0 : r;
}

static int add_calls(scmp_filter_ctx filter, enum rn_process process, const char *const *calls)
{
	for (; *calls; calls++) {
		int r = add_call(filter, process, *calls);

		if (r < 0)
			return r;
	}
	return 0;
}

static int load(enum rn_process process, const char *const *calls)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0) /* core's worker too, which is there already */
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = add_calls(filter, process, calls);
#ifdef __SANITIZE_ADDRESS__
	if (r == 0)
		r = add_calls(filter, process, rn_sandbox_sanitizer_calls);
	rn_log(RN_LOG_WARNING, "built with sanitizers: their system calls are allowed too");
#endif
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int rn_sandbox_seccomp(enum rn_process process, struct rn_err *err)
{
	const char *const *calls = rn_sandbox_calls(process);
	int r;

	if (!calls)
		return rn_fail(err, -EINVAL, "this process has no list of system calls");
	r = load(process, calls);
	if (r < 0)
		return rn_fail(err, r, "cannot load the seccomp filter: %s; this kernel needs CONFIG_SECCOMP_FILTER",
			       strerror(-r));
	return 0;
}
