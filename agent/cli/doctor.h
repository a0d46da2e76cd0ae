/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_DOCTOR_H
#define RN_CLI_DOCTOR_H

#include "cli/cli.h"
#include "sys/conf.h"
#include "sys/x509.h"

/* What `rnaut doctor` knows and asks. The table of checks is in cmd_doctor.c; the checks are in doctor_*.c. */
enum rn_health { RN_HEALTH_PASS, RN_HEALTH_WARN, RN_HEALTH_FAIL };
struct rn_finding {
	enum rn_health health;
	char cause[400]; /* one line: what is so */
	char fix[400];	 /* one line: what to do; "" where nothing is to be done */
};

/* What a child with namespaces of its own found out by doing what rnautd does. */
struct rn_trial {
	bool ran;
	int wireguard; /* 0: the kernel makes WireGuard interfaces; -errno */
	int stage;     /* how far kern's start came: enum rn_trial_stage of what failed, or RN_TRIAL_DONE */
	char error[400];
	char steering[400]; /* why the programs that let control share WireGuard's port cannot be; "" where they can */
};
enum rn_trial_stage {
	RN_TRIAL_NAMESPACES,
	RN_TRIAL_BPFFS,
	RN_TRIAL_USER,
	RN_TRIAL_PROGRAMS,
	RN_TRIAL_ATTACH,
	RN_TRIAL_DONE
};
void rn_trial_run(const struct rn_cli *cli, struct rn_trial *ret);

struct rn_doctor {
	struct rn_cli *cli;
	bool set_up; /* the state loads: self and anchor are there */
	int state;   /* of rn_self_load, with its sentence */
	struct rn_err state_error;
	struct rn_self self;
	struct rn_anchor anchor;
	struct rn_json *status; /* core's answer; NULL: it does not answer */
	struct rn_trial trial;
	bool systemd; /* runs this host */
};

/* Fill a finding; the fix follows by rn_fix. A finding begins as PASS with no words. */
void rn_found(struct rn_finding *f, enum rn_health health, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rn_fix(struct rn_finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* doctor_state.c: the files of this host */
void rn_check_setup(struct rn_doctor *d, struct rn_finding *f);
void rn_check_users(struct rn_doctor *d, struct rn_finding *f);
void rn_check_state(struct rn_doctor *d, struct rn_finding *f);
/* doctor_policy.c: which policy is in the kernel, what is recorded of flows */
void rn_check_policy(struct rn_doctor *d, struct rn_finding *f);
void rn_check_hub_policies(struct rn_doctor *d, struct rn_finding *f);
void rn_check_recorder(struct rn_doctor *d, struct rn_finding *f);
/* doctor_time.c: clocks and what ends by them */
void rn_check_clock(struct rn_doctor *d, struct rn_finding *f);
void rn_check_certificate(struct rn_doctor *d, struct rn_finding *f);
void rn_check_lease(struct rn_doctor *d, struct rn_finding *f);
/* doctor_kernel.c: what the kernel can do */
void rn_check_wireguard(struct rn_doctor *d, struct rn_finding *f);
void rn_check_capabilities(struct rn_doctor *d, struct rn_finding *f);
void rn_check_bpffs(struct rn_doctor *d, struct rn_finding *f);
void rn_check_programs(struct rn_doctor *d, struct rn_finding *f);
void rn_check_jit(struct rn_doctor *d, struct rn_finding *f);
/* doctor_host.c: what runs here beside us */
void rn_check_units(struct rn_doctor *d, struct rn_finding *f);
void rn_check_processes(struct rn_doctor *d, struct rn_finding *f);
void rn_check_managers(struct rn_doctor *d, struct rn_finding *f);
void rn_check_firewall(struct rn_doctor *d, struct rn_finding *f);
void rn_check_firewall_ports(struct rn_doctor *d, struct rn_finding *f);
/* doctor_network.c: the way to others */
void rn_check_ports(struct rn_doctor *d, struct rn_finding *f);
void rn_check_routes(struct rn_doctor *d, struct rn_finding *f);
void rn_check_rp_filter(struct rn_doctor *d, struct rn_finding *f);
void rn_check_mtu(struct rn_doctor *d, struct rn_finding *f);
void rn_check_udp(struct rn_doctor *d, struct rn_finding *f);
void rn_check_upstream(struct rn_doctor *d, struct rn_finding *f);
void rn_check_hubs(struct rn_doctor *d, struct rn_finding *f);

/* A hub's other hubs come in by one more UDP port; 0: this host is none. */
uint16_t rn_doctor_mesh_port(const struct rn_doctor *d);
/* This host's certificate, its end of validity not looked at: 0, -EKEYEXPIRED before its beginning, other -errno. */
int rn_doctor_leaf(const struct rn_doctor *d, struct rn_leaf *ret);
/* The first line of a small file of the kernel's, without its newline: 0 or -errno. */
int rn_doctor_line(const char *path, char *out, size_t size);

#endif
