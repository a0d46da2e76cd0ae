/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	rn_log_setup("fuzz", 0);
	return rn_crypto_start();
}

void fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void fuzz_fill(struct fuzz *f, void *out, size_t size)
{
	size_t there = size < f->size ? size : f->size;

	memset(out, 0, size);
	if (there)
		memcpy(out, f->data, there);
	f->data += there;
	f->size -= there;
}

uint8_t fuzz_u8(struct fuzz *f)
{
	uint8_t v;

	fuzz_fill(f, &v, sizeof(v));
	return v;
}

uint16_t fuzz_u16(struct fuzz *f)
{
	uint16_t v;

	fuzz_fill(f, &v, sizeof(v));
	return v;
}

uint32_t fuzz_u32(struct fuzz *f)
{
	uint32_t v;

	fuzz_fill(f, &v, sizeof(v));
	return v;
}

uint64_t fuzz_u64(struct fuzz *f)
{
	uint64_t v;

	fuzz_fill(f, &v, sizeof(v));
	return v;
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

uint8_t *fuzz_copy(const void *data, size_t size)
{
	uint8_t *copy = must(malloc(size ? size : 1));

	if (size)
		memcpy(copy, data, size);
	return copy;
}

uint8_t *fuzz_block(struct fuzz *f, size_t max, size_t *ret_size)
{
	size_t size = fuzz_u16(f);
	uint8_t *copy;

	if (size > max)
		size = max;
	if (size > f->size)
		size = f->size;
	copy = fuzz_copy(f->data, size);
	f->data += size;
	f->size -= size;
	*ret_size = size;
	return copy;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = must(malloc(size + 1));

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static char directory[64];

static void remove_directory(void)
{
	DIR *list = opendir(directory);
	struct dirent *entry;
	char path[512];

	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	if (list)
		closedir(list);
	rmdir(directory);
}

const char *fuzz_directory(void)
{
	if (!directory[0]) {
		snprintf(directory, sizeof(directory), "/dev/shm/rn-fuzz-XXXXXX");
		must(mkdtemp(directory));
		atexit(remove_directory);
	}
	return directory;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_directory(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
		abort();
	return path;
}

uint64_t fuzz_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}
