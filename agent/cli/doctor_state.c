/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cli/doctor.h"
#include "sys/owner.h"

#define SPACE_MIN (64u << 20) /* bytes: the store and its journal */

void rn_check_setup(struct rn_doctor *d, struct rn_finding *f)
{
	if (d->state == -ENOENT) {
		rn_found(f, RN_HEALTH_WARN, "this host is not part of a network yet: what needs one is left out");
		rn_fix(f, "rnaut gateway init makes a network, rnaut up joins one");
	} else if (d->state < 0) {
		rn_found(f, RN_HEALTH_FAIL, "%s", d->state_error.text);
		rn_fix(f, "restore %s/state from a backup, or remove it and set this host up anew",
		       d->cli->conf.state_dir);
	} else {
		rn_found(f, RN_HEALTH_PASS, "%s is a %s%s", d->self.name, rn_kind_name(d->self.kind),
			 d->self.gateway ? " of this network" : "");
	}
}

void rn_check_users(struct rn_doctor *d, struct rn_finding *f)
{
	struct rn_owners owners;
	struct rn_err err = {""};

	(void)d;
	if (rn_owners_of_host(&owners, &err) == 0)
		return rn_found(f, RN_HEALTH_PASS, "each process has its own");
	rn_found(f, RN_HEALTH_FAIL, "%s", err.text);
	rn_fix(f, "systemd-sysusers /usr/local/lib/sysusers.d/rnaut.conf");
}

/* False, with the finding filled, where the part is not its owner's alone. */
static bool part_is_sane(const struct rn_doctor *d, const char *name, const struct rn_owner *owner,
			 struct rn_finding *f)
{
	char path[400];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state/%s", d->cli->conf.state_dir, name);
	if (lstat(path, &st) < 0) {
		rn_found(f, RN_HEALTH_FAIL, "%s: %s", path, strerror(errno));
		rn_fix(f, "restore %s/state from a backup, or remove it and set this host up anew",
		       d->cli->conf.state_dir);
		return false;
	}
	if (S_ISDIR(st.st_mode) && (st.st_mode & 077) == 0 && st.st_uid == owner->uid)
		return true;
	rn_found(f, RN_HEALTH_FAIL, "%s is not a directory of its process alone", path);
	rn_fix(f, "chown -R %u:%u %s && chmod 700 %s", owner->uid, owner->gid, path, path);
	return false;
}

void rn_check_state(struct rn_doctor *d, struct rn_finding *f)
{
	struct rn_owners owners;
	struct statvfs fs;
	struct stat st;
	char root[400];

	if (rn_owners_of_host(&owners, NULL) < 0)
		return rn_found(f, RN_HEALTH_FAIL, "whose the state is cannot be said without the users");
	if (!part_is_sane(d, "core", &owners.core, f) || !part_is_sane(d, "net", &owners.net, f) ||
	    !part_is_sane(d, "kern", &owners.kern, f) || (d->self.gateway && !part_is_sane(d, "ca", &owners.ca, f)))
		return;
	if (statvfs(d->cli->conf.state_dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < SPACE_MIN) {
		rn_found(f, RN_HEALTH_FAIL, "%s has less than 64 MiB left", d->cli->conf.state_dir);
		return rn_fix(f, "make room there: revocations and policies could not be stored");
	}
	snprintf(root, sizeof(root), "%s/state/root", d->cli->conf.state_dir);
	if (d->self.gateway && lstat(root, &st) == 0) {
		rn_found(f, RN_HEALTH_WARN, "the network's root key is still on this host");
		return rn_fix(f, "move %s to a safe place: nothing here needs it", root);
	}
	rn_found(f, RN_HEALTH_PASS, "%s/state: each part belongs to its process alone", d->cli->conf.state_dir);
}
