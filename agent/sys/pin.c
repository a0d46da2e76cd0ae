/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/pin.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int make_path(char out[PATH_MAX], const char *dir, const char *name, const char *suffix)
{
	int size = snprintf(out, PATH_MAX, "%s/%s%s", dir, name, suffix);

	return size < 0 || size >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int rn_pin_path(char out[PATH_MAX], const char *dir, const char *name)
{
	return make_path(out, dir, name, "");
}

/* Beside it first and then renamed: at no time is nothing there. A dot is not allowed in a bpffs. */
int rn_pin_program(const char *dir, const struct bpf_program *program, uint32_t *ret_id)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	char path[PATH_MAX], beside[PATH_MAX];
	int code = rn_pin_path(path, dir, bpf_program__name(program));

	if (!code)
		code = make_path(beside, dir, bpf_program__name(program), "_new");
	if (code)
		return code;
	if (unlink(beside) && errno != ENOENT)
		return -errno;
	if (bpf_obj_pin(bpf_program__fd(program), beside) || rename(beside, path))
		return -errno;
	code = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
	if (!code)
		*ret_id = info.id;
	return code;
}

int rn_pin_remove(const char *dir, const char *const names[], size_t count, struct rn_err *err)
{
	char path[PATH_MAX];
	int code = 0;

	for (size_t i = 0; i < count && !code; i++) {
		code = rn_pin_path(path, dir, names[i]);
		if (!code && unlink(path) && errno != ENOENT)
			code = -errno;
	}
	return code ? rn_fail(err, code, "%s: what is pinned there cannot be removed: %s", dir, strerror(-code)) : 0;
}
