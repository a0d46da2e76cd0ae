/* SPDX-License-Identifier: Apache-2.0 */
#include "role/kern.h"

/* What kern knew when it ended: of its disk, and of the tables that it left in the kernel. */

/* Both are of the newer of their epochs: one of them may be lost, or was not written when the other was. */
static int open_revoked(struct rn_kern *k, const char *directory, struct rn_err *err)
{
	struct rn_floor *floor = rn_lease_floor(k->lease);
	int r = rn_revoked_open(directory, &k->revoked, err);

	if (r < 0)
		return r;
	rn_revoked_begin_epoch(k->revoked, floor->epoch);
	if (rn_revoked_epoch(k->revoked) > floor->epoch) {
		floor->epoch = rn_revoked_epoch(k->revoked);
		floor->network_version = floor->policy_version = 0;
	}
	return 0;
}

int rn_kern_remember(struct rn_kern *k, const char *directory, struct rn_err *err)
{
	int r = rn_lease_open(directory, &k->lease, err);

	return r < 0 ? r : open_revoked(k, directory, err);
}

/*
 * In the same boot the pinned end of the lease counts; after another, what was left of it. Nothing is pinned yet where
 * the first kern of this boot died before it said so.
 */
static void resume_lease(struct rn_kern *k, bool adopted)
{
	struct rn_config config;
	struct rn_meta meta;

	rn_datapath_config(k->dp, &config);
	rn_datapath_meta(k->dp, &meta);
	if (adopted && config.lease_until_ns)
		rn_lease_set_until(k->lease, config.lease_until_ns);
	else
		rn_datapath_set_lease(k->dp, rn_lease_until(k->lease));
	if (adopted && meta.epoch < rn_lease_floor(k->lease)->epoch)
		rn_enforce_new_epoch(k->enforce, rn_lease_floor(k->lease)->epoch);
}

/* What a disk that was full did not take, the pinned tables may still know. */
static void adopt_revoked(struct rn_kern *k)
{
	struct rn_meta meta;
	struct rn_device device;

	rn_datapath_meta(k->dp, &meta);
	if (meta.epoch != rn_revoked_epoch(k->revoked))
		return;
	for (uint32_t i = 1; i < RN_DEVICES_MAX; i++) {
		if (rn_datapath_device(k->dp, i, &device) == 0 && (device.state & RN_STATE_REVOKED))
			rn_revoked_add(k->revoked, device.number);
	}
}

void rn_kern_resume(struct rn_kern *k, bool adopted)
{
	resume_lease(k, adopted);
	if (adopted)
		adopt_revoked(k);
}
