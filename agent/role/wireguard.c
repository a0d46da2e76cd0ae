/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "role/role.h"
#include "sys/conf.h"
#include "sys/files.h"
#include "sys/netlink.h"
#include "sys/sandbox.h"
#include "sys/wireguard.h"

/*
 * rnautd wireguard: becomes wireguard-go where the kernel has no WireGuard. It is a unit of its own, so the tunnel
 * outlives every process of ours; kern configures it through its socket. With --mesh for a hub's device to other hubs.
 */

#define PROGRAM "/usr/bin/wireguard-go"
#define PROBE "rnprobe0"

/* 1: the kernel makes WireGuard interfaces; 0: not; -errno. */
static int kernel_has_wireguard(const struct rn_conf *conf)
{
	struct rn_netlink *n = rn_netlink_new();
	struct rn_link link;
	int r;

	if (!n)
		return -errno;
	r = rn_netlink_link(n, conf->interface, &link);
	if (r == 0 && strcmp(link.kind, "wireguard") == 0) {
		rn_netlink_free(n);
		return 1;
	}
	r = rn_netlink_wireguard_new(n, PROBE);
	if ((r == 0 || r == -EEXIST) && rn_netlink_link(n, PROBE, &link) == 0)
		rn_netlink_link_delete(n, link.index);
	rn_netlink_free(n);
	return r == -EOPNOTSUPP ? 0 : r == 0 || r == -EEXIST ? 1 : r;
}

static int prepare(struct rn_err *err)
{
	uid_t uid;
	gid_t gid;
	int r = rn_process_user(RN_PROCESS_WIREGUARD, &uid, &gid, err);

	if (r < 0)
		return r;
	if (access(PROGRAM, X_OK) < 0)
		return rn_fail(err, -errno,
			       "this kernel has no WireGuard and " PROGRAM
			       " is not there: apt-get install wireguard-go");
	if (geteuid() != 0)
		return 0;
	r = rn_directory_make(RN_WIREGUARD_DIRECTORY, 0770, geteuid(), gid);
	if (r < 0)
		return rn_fail(err, r, "cannot make " RN_WIREGUARD_DIRECTORY ": %s", strerror(-r));
	return 0;
}

/* The interface is made while we are root still, because not every host lets others open the device. */
static int open_tun(const char *interface, struct rn_err *err)
{
	/* Without IFF_NO_PI: wireguard-go's CreateTUNFromFile expects the packet information header. */
	struct ifreq request = {.ifr_flags = IFF_TUN};
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		return rn_fail(err, -errno, "cannot open /dev/net/tun: %s; load the module tun", strerror(errno));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		int code = -errno;

		close(fd);
		return rn_fail(err, code, "cannot make the interface %s: %s; is another program using it?", interface,
			       strerror(-code));
	}
	return fd;
}

static int become(char *interface, struct rn_err *err)
{
	char tun[32];
	char *const argv[] = {(char[]){"wireguard-go"}, interface, NULL};
	/* Where it finds WG_PROCESS_FOREGROUND it neither forks nor recommends the kernel's WireGuard. */
	char *const envp[] = {(char[]){"PATH=/usr/bin:/bin"},
			      (char[]){"LOG_LEVEL=error"},
			      (char[]){"WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1"},
			      (char[]){"WG_PROCESS_FOREGROUND=1"},
			      tun,
			      NULL};
	int fd, r = prepare(err);

	if (r < 0)
		return r;
	fd = open_tun(interface, err);
	if (fd < 0)
		return fd;
	r = rn_sandbox_user(RN_PROCESS_WIREGUARD, err);
	if (r < 0)
		return r;
	snprintf(tun, sizeof(tun), "WG_TUN_FD=%d", fd);
	umask(0077);
	rn_log(RN_LOG_NOTICE, "this kernel has no WireGuard: becoming " PROGRAM " for %s", interface);
	execve(PROGRAM, argv, envp);
	return rn_fail(err, -errno, "cannot start " PROGRAM ": %s", strerror(errno));
}

/* 1: this host is a hub; 0: not; -errno with a sentence. */
static int is_hub(const struct rn_conf *conf, struct rn_err *err)
{
	struct rn_anchor anchor;
	struct rn_self self;
	int r = rn_self_load(conf, &self, &anchor, err);

	return r < 0 ? r : rn_kind_is_hub(self.kind);
}

int rn_role_wireguard(int argc, char **argv)
{
	bool mesh = argc > 1 && strcmp(argv[1], "--mesh") == 0;
	struct rn_err err = {""};
	struct rn_conf conf;
	int has, hub;

	if (rn_conf_load(NULL, &conf, &err) < 0) {
		rn_log(RN_LOG_ERROR, "%s", err.text);
		return 1;
	}
	rn_log_setup("wireguard", conf.log_level);
	hub = mesh ? is_hub(&conf, &err) : 1;
	if (hub <= 0) {
		rn_log(hub < 0 ? RN_LOG_ERROR : RN_LOG_INFO, "%s",
		       hub < 0 ? err.text : "this host is no hub: it has no device to other hubs");
		return hub < 0;
	}
	has = strcmp(conf.wireguard, "userspace") == 0 ? 0
	      : strcmp(conf.wireguard, "kernel") == 0  ? 1
						       : kernel_has_wireguard(&conf);
	if (has > 0) {
		rn_log(RN_LOG_NOTICE, "the kernel's WireGuard is used; nothing to do here");
		return 0;
	}
	if (has < 0)
		rn_fail(&err, has, "cannot ask the kernel for WireGuard: %s", strerror(-has));
	else
		become(mesh ? conf.mesh_interface : conf.interface, &err);
	rn_log(RN_LOG_ERROR, "%s", err.text);
	return 1;
}
