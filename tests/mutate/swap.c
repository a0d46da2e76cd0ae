/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded (mutate.py): where a skeleton is opened, the object of its name in $RN_SWAP takes its own's place. */
#define _GNU_SOURCE
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Mapped for as long as the test lives, so that no leak is seen. */
static void swap(struct bpf_object_skeleton *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	void *data = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	if (data == MAP_FAILED)
		return;
	s->data = data;
	s->data_sz = (size_t)size;
}

int bpf_object__open_skeleton(struct bpf_object_skeleton *s, const struct bpf_object_open_opts *options)
{
	int (*real)(struct bpf_object_skeleton *, const struct bpf_object_open_opts *) =
	    (int (*)(struct bpf_object_skeleton *, const struct bpf_object_open_opts *))dlsym(
		RTLD_NEXT, "bpf_object__open_skeleton");
	const char *directory = getenv("RN_SWAP");
	char path[4096];

	if (directory) {
		snprintf(path, sizeof(path), "%s/%s.bpf.o", directory, s->name);
		swap(s, path);
	}
	return real(s, options);
}
