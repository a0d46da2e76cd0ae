/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/log.h"
#include "role/kern.h"
#include "sys/files.h"
#include "sys/local.h"
#include "sys/netlink.h"
#include "sys/owner.h"
#include "sys/sandbox.h"
#include "sys/wall.h"
#include "sys/steering.h"

#define BPF_MOUNT "/sys/fs/bpf"
#define HERE "." /* bpf_dir: its parent is closed to all but root on most hosts, so kern works from within */

static long type_of(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 ? (long)fs.f_type : 0;
}

/* As root: where nothing is mounted on the usual place, a bpf file system. */
static int mount_bpffs(const struct rn_conf *conf, struct rn_err *err)
{
	char parent[sizeof(conf->bpf_dir)];

	snprintf(parent, sizeof(parent), "%s", conf->bpf_dir);
	*strrchr(parent, '/') = '\0';
	if (strcmp(parent, BPF_MOUNT) == 0 && type_of(BPF_MOUNT) == SYSFS_MAGIC &&
	    mount("bpf", BPF_MOUNT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return rn_fail(err, -errno,
			       "cannot mount the bpf file system on " BPF_MOUNT
			       ": %s; this kernel needs CONFIG_BPF_SYSCALL",
			       strerror(errno));
	if (type_of(parent) != BPF_FS_MAGIC)
		return rn_fail(err, -ENOENT, "%s is not a bpf file system: mount -t bpf bpf " BPF_MOUNT, parent);
	return 0;
}

/* As root: in the bpf file system a directory of kern's own. */
static int make_bpf_directory(const struct rn_conf *conf, struct rn_err *err)
{
	uid_t uid;
	gid_t gid;
	int r = rn_process_user(RN_PROCESS_KERN, &uid, &gid, err);

	if (r < 0 || (r = mount_bpffs(conf, err)) < 0)
		return r;
	r = rn_directory_make(conf->bpf_dir, 0700, uid, gid);
	if (r < 0)
		return rn_fail(err, r, "cannot make %s: %s", conf->bpf_dir, strerror(-r));
	return 0;
}

static int become_kern(struct rn_kern *k, uid_t *ret_net, struct rn_err *err)
{
	gid_t gid;
	int r = rn_process_user(RN_PROCESS_CORE, &k->core_uid, &gid, err);

	if (r == 0)
		r = rn_process_user(RN_PROCESS_NET, ret_net, &gid, err);
	if (r < 0)
		return r;
	if (geteuid() == 0) {
		if ((r = make_bpf_directory(&k->conf, err)) < 0)
			return r;
		rn_kern_port_listen(k);
	}
	if (chdir(k->conf.bpf_dir) < 0)
		return rn_fail(err, -errno, "cannot enter %s: %s; start rnautd kern as root", k->conf.bpf_dir,
			       strerror(errno));
	return rn_sandbox_user(RN_PROCESS_KERN, err);
}

/* kern's own part of the state: WireGuard's key, the floor and who is revoked. */
static int read_state(struct rn_kern *k, struct rn_err *err)
{
	char directory[RN_PATH_SIZE];
	uint8_t key[RN_KEY_SIZE];
	uint32_t hub = rn_kind_is_hub(k->self.kind) ? k->self.device : k->self.hub;
	int r = rn_path_join(directory, sizeof(directory), k->conf.state_dir, "state/kern");

	if (r < 0)
		return rn_fail(err, r, "the path of state_dir is too long");
	r = rn_secret_read(directory, "wireguard.key", key, sizeof(key), err);
	if (r < 0)
		return r;
	rn_x25519_public(key, k->wireguard_public);
	k->peers = rn_peers_new(k->self.device, hub, key, k->conf.wireguard_port);
	rn_wipe(key, sizeof(key));
	if (!k->peers)
		return rn_fail(err, -ENOMEM, "out of memory");
	r = rn_kern_number_start(k, err);
	if (r == 0)
		r = rn_kern_mesh_read(k, directory, err);
	return r < 0 ? r : rn_kern_remember(k, directory, err);
}

/* What is pinned belongs to another device or another rnaut: nothing of it may go on. */
static int start_afresh(const struct rn_conf *conf, struct rn_err *err)
{
	struct rn_netlink *n = rn_netlink_new();
	struct rn_link link;

	if (n && rn_netlink_link(n, conf->interface, &link) == 0)
		rn_netlink_link_up(n, link.index, false);
	if (n && rn_netlink_link(n, conf->mesh_interface, &link) == 0)
		rn_netlink_link_up(n, link.index, false);
	rn_netlink_free(n);
	return rn_datapath_remove(HERE, err);
}

static int open_datapath(struct rn_kern *k, bool *ret_adopted, struct rn_err *err)
{
	bool hub = rn_kind_is_hub(k->self.kind);
	struct rn_part_source parts;
	struct rn_meta want = {
	    .schema = RN_SCHEMA_VERSION,
	    .role = hub ? RN_ROLE_HUB : RN_ROLE_NODE,
	    .self = k->self.device,
	    .epoch = rn_lease_floor(k->lease)->epoch,
	};
	int r = rn_datapath_open(HERE, &want, &k->dp, ret_adopted, err);

	if (r == -ESTALE) {
		rn_log(RN_LOG_WARNING, "what is pinned in %s is of another device, role or rnaut; starting afresh",
		       k->conf.bpf_dir);
		r = start_afresh(&k->conf, err);
		if (r == 0)
			r = rn_datapath_open(HERE, &want, &k->dp, ret_adopted, err);
	}
	if (r < 0)
		return r;
	k->enforce = rn_enforce_new(k->dp, k->self.device, hub);
	if (k->enforce)
		rn_kern_number_attach(k);
	k->telemetry = rn_telemetry_new(k->dp);
	k->endings = rn_endings_new();
	k->parts = rn_parts_new();
	if (!k->enforce || !k->telemetry || !k->endings || !k->parts)
		return rn_fail(err, -ENOMEM, "out of memory, or the pinned tables are unreadable");
	parts = rn_parts_source(k->parts);
	rn_enforce_on_parts(k->enforce, &parts);
	return 0;
}

static int configure(void *context, struct rn_wireguard *wireguard)
{
	struct rn_kern *k = context;

	return rn_peers_attach(k->peers, wireguard);
}

static void gone(void *context)
{
	struct rn_kern *k = context;

	rn_peers_attach(k->peers, NULL);
}

static int attach(void *filters, uint32_t index, struct rn_err *err)
{
	struct rn_kern *k = filters;

	rn_datapath_set_mtu(k->dp, k->conf.mtu);
	return rn_datapath_attach(k->dp, index, err);
}

static int in_place(void *filters, uint32_t index)
{
	struct rn_kern *k = filters;

	return rn_datapath_in_place(k->dp, index);
}

static int start_overlay(struct rn_kern *k, bool adopted, struct rn_err *err)
{
	const struct rn_overlay_calls calls = {k, configure, gone};
	struct rn_overlay_device device = {
	    .interface = k->conf.interface,
	    .wireguard = k->conf.wireguard,
	    .port_key = "wireguard_port",
	    .mtu = k->conf.mtu,
	    .filters = k,
	    .attach = attach,
	    .in_place = in_place,
	};
	struct rn_config config;

	rn_datapath_config(k->dp, &config);
	device.adopted = adopted ? config.ifindex : 0;
	k->link_down = config.link_down;
	return rn_overlay_new(&device, &calls, &k->overlay, err);
}

int rn_kern_start(struct rn_kern *k, struct rn_err *err)
{
	bool adopted = false;
	uid_t net;
	int r;

	if (rn_crypto_start() < 0)
		return rn_fail(err, -EIO, "libsodium does not start");
	if ((r = rn_conf_load(NULL, &k->conf, err)) < 0)
		return r;
	rn_log_setup("kern", k->conf.log_level);
	if ((r = rn_self_load(&k->conf, &k->self, &k->anchor, err)) < 0 || (r = become_kern(k, &net, err)) < 0 ||
	    (r = read_state(k, err)) < 0 || (r = open_datapath(k, &adopted, err)) < 0)
		return r;
	rn_kern_resume(k, adopted);
	r = rn_path_join(k->core_path, sizeof(k->core_path), k->conf.run_dir, RN_LOCAL_CORE);
	if (r < 0)
		return rn_fail(err, r, "the path of run_dir is too long");
	k->wall = rn_wall_watch();
	if ((r = start_overlay(k, adopted, err)) < 0 || (r = rn_kern_mesh_start(k, adopted, err)) < 0 ||
	    (r = rn_kern_port_start(k, net, err)) < 0 || (r = rn_sandbox_seccomp(RN_PROCESS_KERN, err)) < 0)
		return r;
	rn_kern_save(k);
	rn_kern_save_revoked(k);
	rn_log(RN_LOG_NOTICE, "%s, device %u (%s), %u devices %s", rn_kind_name(k->self.kind), k->self.device,
	       k->self.name, rn_enforce_devices(k->enforce), adopted ? "taken over" : "known");
	return 0;
}

void rn_kern_done(struct rn_kern *k)
{
	if (k->core >= 0)
		close(k->core);
	if (k->wall > 0)
		close(k->wall);
	rn_overlay_free(k->overlay);
	rn_kern_mesh_done(k);
	rn_kern_number_done(k);
	rn_endings_free(k->endings);
	rn_parts_free(k->parts);
	rn_underlay_free(k->underlay);
	rn_sender_free(k->sender);
	rn_telemetry_free(k->telemetry);
	rn_enforce_free(k->enforce);
	rn_peers_free(k->peers);
	rn_lease_free(k->lease);
	rn_revoked_free(k->revoked);
	rn_datapath_close(k->dp);
}

int rn_kern_clean(void)
{
	struct rn_err err = {""};
	struct rn_conf conf;
	int r = rn_conf_load(NULL, &conf, &err);

	if (r == 0 && (r = rn_overlay_remove(conf.interface)) < 0)
		rn_fail(&err, r, "cannot remove %s: %s", conf.interface, strerror(-r));
	if (r == 0 && (r = rn_overlay_remove(conf.mesh_interface)) < 0)
		rn_fail(&err, r, "cannot remove %s: %s", conf.mesh_interface, strerror(-r));
	if (r == 0 && (r = rn_underlay_remove(conf.bpf_dir)) < 0)
		rn_fail(&err, r, "cannot take the steering programs off this host's interfaces: %s", strerror(-r));
	if (r == 0 && access(conf.bpf_dir, F_OK) == 0) {
		r = rn_steering_unpin(conf.bpf_dir, &err);
		if (r == 0)
			r = rn_datapath_remove(conf.bpf_dir, &err);
		if (r == 0)
			rmdir(conf.bpf_dir);
	}
	if (r < 0)
		rn_log(RN_LOG_ERROR, "%s", err.text);
	return r < 0;
}
