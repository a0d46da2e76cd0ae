/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_OWNER_H
#define RN_SYS_OWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Files that belong to one process's user, as root makes them while a state directory is being built. */

struct rn_owner {
	uid_t uid;
	gid_t gid;
};
struct rn_owners {
	struct rn_owner core, net, kern, ca, web;
};
/* The users of the five processes (sys/sandbox.h); a sentence where one is missing. */
int rn_owners_of_host(struct rn_owners *ret, struct rn_err *err);

/* DIR/NAME with mode 0600 and that owner, whole (rn_file_write) and synced. 0 or -errno with a sentence. */
int rn_owned_write(const char *dir, const char *name, const void *data, size_t size, const struct rn_owner *owner,
		   struct rn_err *err);
/* The directory DIR/NAME with mode 0700 and that owner; one that exists gets these. */
int rn_owned_directory(const char *dir, const char *name, const struct rn_owner *owner, struct rn_err *err);
/*
 * Reads a secret of exactly size bytes, which must belong to the calling user (or root) and be closed to all others:
 * 0, -ENOENT, -EPERM (owner or mode), -EBADMSG (another size), each with a sentence.
 */
int rn_secret_read(const char *dir, const char *name, void *out, size_t size, struct rn_err *err);

#endif
