/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/sandbox.h"

int rn_owners_of_host(struct rn_owners *ret, struct rn_err *err)
{
	struct rn_owners owners;
	const struct {
		enum rn_process process;
		struct rn_owner *owner;
	} list[] = {
		{RN_PROCESS_CORE, &owners.core},
		{RN_PROCESS_NET, &owners.net},
		{RN_PROCESS_KERN, &owners.kern},
		{RN_PROCESS_CA, &owners.ca},
		{RN_PROCESS_WEB, &owners.web},
	};

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		int r = rn_process_user(list[i].process, &list[i].owner->uid, &list[i].owner->gid, err);

		if (r < 0)
			return r;
	}
	*ret = owners;
	return 0;
}

static int give(const char *path, const struct rn_owner *owner)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fchown(fd, owner->uid, owner->gid) < 0 || fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

int rn_owned_write(const char *dir, const char *name, const void *data, size_t size, const struct rn_owner *owner,
		   struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int r = rn_path_join(path, sizeof(path), dir, name);

	if (r == 0)
		r = rn_file_write(path, data, size, 0600);
	if (r == 0)
		r = give(path, owner);
	return r < 0 ? rn_fail(err, r, "cannot write %s/%s: %s", dir, name, strerror(-r)) : 0;
}

int rn_owned_directory(const char *dir, const char *name, const struct rn_owner *owner, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int r = rn_path_join(path, sizeof(path), dir, name);

	if (r == 0)
		r = rn_directory_make(path, 0700, owner->uid, owner->gid);
	return r < 0 ? rn_fail(err, r, "cannot make the directory %s/%s: %s", dir, name, strerror(-r)) : 0;
}

int rn_secret_read(const char *dir, const char *name, void *out, size_t size, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	struct stat st;
	int r = rn_path_join(path, sizeof(path), dir, name);

	if (r == 0 && lstat(path, &st) < 0)
		r = -errno;
	if (r < 0)
		return rn_fail(err, r, "cannot read %s/%s: %s; restore the state directory from a backup", dir, name,
			       strerror(-r));
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 077))
		return rn_fail(err, -EPERM, "%s must belong to the user of this process and be closed to all others: "
			       "chmod 600, and chown to uid %u", path, (unsigned)geteuid());
	r = rn_file_read_exact(path, out, size);
	if (r < 0)
		return rn_fail(err, r, "%s is damaged (%s); restore the state directory from a backup", path,
			       strerror(-r));
	return 0;
}
