/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_CONF_H
#define RN_SYS_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/record.h"

struct rn_listen {
	bool on;
	struct rn_endpoint at; /* [::]: IPv4 too */
};
/* /etc/rnaut/rnaut.conf, and where things are. An absent file means the defaults; an unknown key is refused by name. */
struct rn_conf {
	char state_dir[128]; /* "state_dir", /var/lib/rnaut */
	char run_dir[128];   /* "run_dir", /run/rnaut */
	char bpf_dir[128];   /* "bpf_dir", /sys/fs/bpf/rnaut */
	char interface[16];  /* "interface", rn0 */
	uint16_t wireguard_port; /* "wireguard_port", 51820 */
	uint16_t control_port;	 /* "control_port", 51821: control's own, beside WireGuard's, which it shares */
	char mesh_interface[16]; /* "mesh_interface", rnm0: a hub's device to other hubs; other hosts have none */
	uint16_t mesh_port;	 /* "mesh_port", 51822: its UDP port */
	uint32_t mtu;		 /* "mtu" of rn0; "auto" or 0: 1500 - 80 - 48 = 1372; never 0 once loaded */
	char wireguard[16];	 /* "wireguard": "auto", "kernel" or "userspace" */
	struct rn_listen console_listen; /* "console_listen", [::]:8443, HTTPS; or "off" */
	struct rn_listen console_local;	 /* "console_local", 127.0.0.1:8080, HTTP for this host alone; or "off" */
	bool console_files;		 /* "console_tls": "self", a certificate of the console's own CA, or "file": */
	char console_certificate[256];	 /* "console_certificate", PEM, the chain */
	char console_key[256];		 /* "console_key", PEM */
	uint32_t flow_rows; /* "flow_rows": rows of recorded flows that a gateway keeps at most, 2,000,000; 0: none */
	uint32_t flow_days; /* "flow_days": and for so long, 7; 0: none */
	int log_level;		 /* "log_level": error, warning, notice, info, debug */
};
#define RN_CONF_PATH "/etc/rnaut/rnaut.conf"
/*
 * path NULL: $RNAUT_CONF or RN_CONF_PATH, of which only the last may be absent. 0, or -EINVAL with "FILE: line L, column C:
 * ...", -errno where a file that was named cannot be read.
 */
int rn_conf_load(const char *path, struct rn_conf *ret, struct rn_err *err);

/* STATE/state/self.json (sys/self.c): who this host is; written at init or up, public. */
struct rn_self {
	uint32_t device;      /* number */
	uint32_t hub;	      /* number of its hub; its own where it is one */
	enum rn_kind kind;
	bool gateway;
	char name[RN_NAME_MAX + 1];
	uint8_t upstream_key[RN_KEY_SIZE]; /* zero on the gateway */
	struct rn_endpoint upstream;
	uint16_t upstream_shared; /* WireGuard's port there, which control shares and is tried first; 0: it does not */
};
#define RN_STATE_FORMAT 1 /* of STATE/state/ */
/*
 * Checks STATE/state/format and reads self.json and the anchor. -ENOENT: this host has not been set up (the sentence
 * says which command does it); -EPROTONOSUPPORT: the state is of a newer rnaut.
 */
int rn_self_load(const struct rn_conf *conf, struct rn_self *ret, struct rn_anchor *ret_anchor, struct rn_err *err);
int rn_self_write(const char *dir, const struct rn_self *self, const uint8_t anchor[RN_ANCHOR_SIZE],
		  struct rn_err *err); /* files format, self.json, anchor in dir, mode 0644, synced */

#endif
