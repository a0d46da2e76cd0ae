/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_FILE_H
#define RN_SYS_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Small files that must survive a crash whole. Paths are absolute or relative to the working directory. */

struct rn_owner {
	uid_t uid;
	gid_t gid;
};
struct rn_owners { /* who owns the parts of a state directory; root's parts belong to the caller */
	struct rn_owner core, net, kern, ca;
};
/* The users of the four processes (sys/sandbox.h); a sentence where one is missing. */
int rn_owners_of_host(struct rn_owners *ret, struct rn_err *err);

/*
 * Replaces DIR/NAME by what is given: a new file beside it, mode and owner (NULL: the caller) set before the first
 * byte, fsynced, renamed, directory fsynced. On failure the old file is as it was and nothing is left beside it.
 */
int rn_file_write(const char *dir, const char *name, const void *data, size_t size, mode_t mode,
		  const struct rn_owner *owner, struct rn_err *err);
/*
 * Reads a whole regular file (no symbolic link) of at most max bytes: its size, -ENOENT (nothing said), -EFBIG or
 * another -errno.
 */
int rn_file_read(const char *dir, const char *name, void *out, size_t max, struct rn_err *err);
/*
 * Reads a secret of exactly size bytes: the file must belong to the calling user and be closed to group and others.
 * 0, -ENOENT, -EPERM (owner or mode), -EBADMSG (another size).
 */
int rn_file_read_secret(const char *dir, const char *name, void *out, size_t size, struct rn_err *err);
/* Makes DIR/NAME with mode 0700 and that owner and fsyncs DIR; one that exists gets mode and owner. */
int rn_dir_make(const char *dir, const char *name, const struct rn_owner *owner, struct rn_err *err);

#endif
