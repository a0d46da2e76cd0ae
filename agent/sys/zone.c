/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/nearest.h"
#include "sys/files.h"

#define DIRECTORY "/usr/share/zoneinfo"
#define NAMES_MAX (1024u * 1024u) /* bytes of tzdata.zi */

struct known {
	char name[RN_ZONE_NAME_MAX + 1];
	struct rn_zone *zone;
};
struct rn_zone_cache {
	char directory[RN_PATH_SIZE];
	void *tree; /* of struct known */
};

struct rn_zone_cache *rn_zone_cache_new(const char *directory)
{
	struct rn_zone_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		snprintf(cache->directory, sizeof(cache->directory), "%s", directory ? directory : DIRECTORY);
	return cache;
}

static void free_known(void *node)
{
	struct known *known = node;

	rn_zone_free(known->zone);
	free(known);
}

void rn_zone_cache_forget(struct rn_zone_cache *cache)
{
	tdestroy(cache->tree, free_known);
	cache->tree = NULL;
}

void rn_zone_cache_free(struct rn_zone_cache *cache)
{
	if (!cache)
		return;
	rn_zone_cache_forget(cache);
	free(cache);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

/* No "." is in it, so no "..", and one name for one file. */
static bool name_valid(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t size = strlen(name);

	return size > 0 && size <= RN_ZONE_NAME_MAX && strspn(name, letters) == size && name[0] != '/' &&
	       name[size - 1] != '/' && !strstr(name, "//");
}

/* The kernel keeps the way below the directory, whatever links there are. */
static int open_below(const char *directory, const char *name)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (top < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, top, name, &how, sizeof(how));
	if (fd < 0)
		fd = -errno;
	close(top);
	return fd;
}

/* A regular file of at most max bytes. */
static int read_open(int fd, uint8_t *out, size_t max, size_t *ret_size)
{
	struct stat st;
	size_t at = 0;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	while (n > 0 && at <= max) {
		n = read(fd, out + at, max + 1 - at);
		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	*ret_size = at;
	return at > max ? -EMSGSIZE : 0;
}

static int read_zone(const char *directory, const char *name, struct rn_zone **ret)
{
	int fd = open_below(directory, name), r;
	size_t size = 0;
	uint8_t *bytes;

	if (fd < 0)
		return fd;
	bytes = malloc(RN_ZONE_FILE_MAX + 1);
	r = bytes ? read_open(fd, bytes, RN_ZONE_FILE_MAX, &size) : -ENOMEM;
	close(fd);
	if (r == 0)
		r = rn_zone_parse(bytes, size, ret);
	free(bytes);
	return r;
}

/* "Vienna" for "Europe/Vienna", "europe/vienna" too. */
static bool is_end_of(const char *word, const char *name)
{
	const char *last = strrchr(name, '/');

	return strcasecmp(word, name) == 0 || (last && strcasecmp(word, last + 1) == 0);
}

/*
 * The name that was meant. tzdata.zi has a line of each: "Z NAME ..." and "L TARGET NAME". It stays below the directory
 * by its name; text is the caller's to free, for what is returned lies in it.
 */
static const char *meant(const char *directory, const char *word, char **ret_text)
{
	struct rn_nearest nearest = rn_nearest(word);
	const char *same = NULL;
	char path[RN_PATH_SIZE], *rest, *save;
	size_t size;

	if (rn_path_join(path, sizeof(path), directory, "tzdata.zi") < 0 ||
	    rn_file_read_text(path, NAMES_MAX, ret_text, &size) < 0)
		return NULL;
	for (char *line = strtok_r(*ret_text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *kind = strtok_r(line, " ", &save), *name = strtok_r(NULL, " ", &save);

		if (kind && strcmp(kind, "L") == 0)
			name = strtok_r(NULL, " ", &save);
		else if (!kind || strcmp(kind, "Z") != 0)
			continue;
		if (!name)
			continue;
		rn_nearest_offer(&nearest, name);
		if (is_end_of(word, name) && !same)
			same = name;
	}
	return same ? same : rn_nearest_name(&nearest);
}

static int say_unknown(const struct rn_zone_cache *cache, const char *name, struct rn_err *err)
{
	const char *better;
	char *text = NULL;

	if (!err)
		return -ENOENT;
	better = meant(cache->directory, name, &text);
	if (better)
		rn_fail(err, 0, "there is no time zone \"%s\"; did you mean \"%s\"?", name, better);
	else if (access(cache->directory, F_OK) < 0)
		rn_fail(err, 0, "there is no time zone \"%s\" on this host: install the package tzdata", name);
	else
		rn_fail(err, 0,
			"there is no time zone \"%s\"; zones are named as in \"Europe/Vienna\", and \"UTC\" is one",
			name);
	free(text);
	return -ENOENT;
}

static int say(const struct rn_zone_cache *cache, const char *name, int r, struct rn_err *err)
{
	if (r == -ENOENT || r == -ENOTDIR)
		return say_unknown(cache, name, err);
	if (r == -EINVAL || r == -EMSGSIZE || r == -EISDIR)
		return rn_fail(err, -EINVAL, "\"%s\" is no time zone: %s/%s is no file of one", name, cache->directory,
			       name);
	if (r == -EOPNOTSUPP)
		return rn_fail(err, -EINVAL,
			       "the time zone \"%s\" counts leap seconds, which no clock here does: "
			       "leave \"right/\" out",
			       name);
	if (r == -EXDEV || r == -ELOOP)
		return rn_fail(err, -EINVAL,
			       "\"%s\" is no time zone: it is a link out of %s; write the name of the zone", name,
			       cache->directory);
	return rn_fail(err, r, "cannot read the time zone %s/%s: %s", cache->directory, name, strerror(-r));
}

static int keep(struct rn_zone_cache *cache, const char *name, struct rn_zone *zone)
{
	struct known *known = calloc(1, sizeof(*known));

	if (known) {
		snprintf(known->name, sizeof(known->name), "%s", name);
		known->zone = zone;
	}
	if (!known || !tsearch(known, &cache->tree, compare)) {
		free(known);
		rn_zone_free(zone);
		return -ENOMEM;
	}
	return 0;
}

int rn_zone_get(struct rn_zone_cache *cache, const char *name, const struct rn_zone **ret, struct rn_err *err)
{
	struct known wanted, **found;
	struct rn_zone *zone = NULL;
	int r;

	if (!name_valid(name))
		return rn_fail(err, -EINVAL,
			       "\"%.64s\" is no name of a time zone; they are written as \"Europe/Vienna\"", name);
	if (strcmp(name, "UTC") == 0) {
		*ret = rn_zone_utc();
		return 0;
	}
	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	found = tfind(&wanted, &cache->tree, compare);
	if (found) {
		*ret = (*found)->zone;
		return 0;
	}
	r = read_zone(cache->directory, name, &zone);
	if (r == 0)
		r = keep(cache, name, zone);
	if (r < 0)
		return say(cache, name, r, err);
	*ret = zone;
	return 0;
}

const struct rn_zone *rn_zone_find(void *cache, const char *name)
{
	const struct rn_zone *zone;

	return rn_zone_get(cache, name, &zone, NULL) == 0 ? zone : NULL;
}
