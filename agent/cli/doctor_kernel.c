/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/doctor.h"

#define USERSPACE "/usr/bin/wireguard-go"
#define TUN "/dev/net/tun"

/* Where the kernel has none, wireguard-go needs its program and the device. */
static void check_userspace(const struct rn_doctor *d, struct rn_finding *f)
{
	bool chosen = strcmp(d->cli->conf.wireguard, "userspace") == 0;

	if (access(USERSPACE, X_OK) < 0) {
		rn_found(f, RN_HEALTH_FAIL, "this kernel has no WireGuard, and " USERSPACE " is not there");
		return rn_fix(f, "modprobe wireguard, or apt-get install wireguard-go");
	}
	if (access(TUN, F_OK) < 0) {
		rn_found(f, RN_HEALTH_FAIL, "this kernel has no WireGuard, and wireguard-go has no " TUN);
		return rn_fix(f, "modprobe tun; a container needs the device from its host");
	}
	rn_found(f, RN_HEALTH_PASS, "%s: wireguard-go serves",
		 chosen ? "the configuration says so" : "this kernel has none");
}

void rn_check_wireguard(struct rn_doctor *d, struct rn_finding *f)
{
	const char *wanted = d->cli->conf.wireguard;

	if (strcmp(wanted, "userspace") == 0)
		return check_userspace(d, f);
	if (!d->trial.ran || d->trial.stage == RN_TRIAL_NAMESPACES) {
		rn_found(f, RN_HEALTH_WARN, "not known: %s", d->trial.ran ? d->trial.error : "the trial did not run");
		return rn_fix(f, "a container needs CAP_SYS_ADMIN for this check alone");
	}
	if (d->trial.wireguard == 0)
		return rn_found(f, RN_HEALTH_PASS, "the kernel's");
	if (strcmp(wanted, "kernel") == 0) {
		rn_found(f, RN_HEALTH_FAIL, "the configuration asks for the kernel's, which has none: %s",
			 strerror(-d->trial.wireguard));
		return rn_fix(f, "modprobe wireguard, or set \"wireguard\" to \"auto\" in " RN_CONF_PATH);
	}
	check_userspace(d, f);
}

static uint64_t bounding_set(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[128];
	uint64_t set = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "CapBnd:", 7) == 0)
			set = strtoull(line + 7, NULL, 16);
	if (file)
		fclose(file);
	return set;
}

void rn_check_capabilities(struct rn_doctor *d, struct rn_finding *f)
{
	static const struct {
		unsigned bit;
		const char *name;
	} needed[] = {{12, "NET_ADMIN"}, {13, "NET_RAW"}, {38, "PERFMON"}, {39, "BPF"},
		      {6, "SETGID"},	 {7, "SETUID"},	  {8, "SETPCAP"},  {0, "CHOWN"}};
	uint64_t set = bounding_set();

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (set >> needed[i].bit & 1)
			continue;
		rn_found(f, RN_HEALTH_FAIL, "root here has no CAP_%s, as in a container", needed[i].name);
		return rn_fix(f, "start the container with --cap-add=%s", needed[i].name);
	}
	if (d->trial.ran && d->trial.stage == RN_TRIAL_USER) {
		rn_found(f, RN_HEALTH_FAIL, "%s", d->trial.error);
		return rn_fix(f, "run rnaut doctor as root, outside of any sandbox");
	}
	rn_found(f, RN_HEALTH_PASS, "root can give kern CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_PERFMON");
}

void rn_check_bpffs(struct rn_doctor *d, struct rn_finding *f)
{
	char parent[sizeof(d->cli->conf.bpf_dir)];
	struct statfs fs;

	snprintf(parent, sizeof(parent), "%s", d->cli->conf.bpf_dir);
	*strrchr(parent, '/') = '\0';
	if (statfs(*parent ? parent : "/", &fs) == 0 && fs.f_type == BPF_FS_MAGIC)
		return rn_found(f, RN_HEALTH_PASS, "mounted on %s", parent);
	if (strcmp(parent, "/sys/fs/bpf") == 0 && d->trial.ran && d->trial.stage > RN_TRIAL_BPFFS)
		return rn_found(f, RN_HEALTH_PASS, "not mounted yet: kern mounts it on %s when it starts", parent);
	rn_found(f, RN_HEALTH_FAIL, "%s is not one%s%s", parent, *d->trial.error ? "; " : "", d->trial.error);
	rn_fix(f, "mount -t bpf bpf %s; a container needs it from its host", parent);
}

void rn_check_programs(struct rn_doctor *d, struct rn_finding *f)
{
	struct utsname host;

	uname(&host);
	if (!d->trial.ran || d->trial.stage < RN_TRIAL_PROGRAMS) {
		rn_found(f, RN_HEALTH_WARN, "not tried: %s", d->trial.ran ? d->trial.error : "the trial did not run");
		return rn_fix(f, "see the checks before this one");
	}
	if (d->trial.stage == RN_TRIAL_DONE && *d->trial.steering) {
		rn_found(f, RN_HEALTH_WARN, "control cannot share WireGuard's port: %s", d->trial.steering);
		return rn_fix(f, "let UDP %u through too, beside %u", d->cli->conf.control_port,
			      d->cli->conf.wireguard_port);
	}
	if (d->trial.stage == RN_TRIAL_DONE)
		return rn_found(f, RN_HEALTH_PASS, "this kernel (%s) takes them, maps and traffic control",
				host.release);
	rn_found(f, RN_HEALTH_FAIL, "this kernel (%s) does not take them: %s", host.release, d->trial.error);
	rn_fix(f, d->trial.stage == RN_TRIAL_ATTACH
		      ? "it needs CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS: modprobe sch_ingress cls_bpf"
		      : "run Linux 6.1 or later with CONFIG_BPF_SYSCALL");
}

void rn_check_jit(struct rn_doctor *d, struct rn_finding *f)
{
	char line[16];

	(void)d;
	if (rn_doctor_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line)) < 0)
		return rn_found(f, RN_HEALTH_PASS, "as the kernel has it: there is no setting here");
	if (strcmp(line, "0") != 0)
		return rn_found(f, RN_HEALTH_PASS, "on");
	rn_found(f, RN_HEALTH_WARN, "off: every packet is judged several times slower");
	rn_fix(f, "sysctl -w net.core.bpf_jit_enable=1");
}
