/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "sys/datapath_memory.h"

/* The arrays of the datapath in this process's memory: what of them is mapped, and when. */
#define DEVICES_SIZE (RN_DEVICES_MAX * sizeof(struct rn_device))
#define WINDOW_SIZE (RN_WINDOW_DEVICES * sizeof(struct rn_device))
#define LARGEST_PAGE 65536u

_Static_assert(WINDOW_SIZE % LARGEST_PAGE == 0, "mapped by itself");

/* The small arrays, whole. Their members of struct rn_datapath are pointers. */
static const struct {
	enum rn_datapath_fd fd;
	size_t at, size;
} small[] = {
    {RN_FD_CONFIG, offsetof(struct rn_datapath, config), sizeof(struct rn_config)},
    {RN_FD_META, offsetof(struct rn_datapath, meta), sizeof(struct rn_meta)},
    {RN_FD_POLICY, offsetof(struct rn_datapath, policy), 2 * sizeof(struct rn_policy)},
};
#define SMALL (sizeof(small) / sizeof(small[0]))

/* Those of a policy, half of each as it is on a hub. */
#define HALF(fd, name, count)                                                                                          \
	{                                                                                                              \
		fd, offsetof(struct rn_datapath, open.name),                                                           \
		    (count) * sizeof(*((struct rn_datapath *)NULL)->open.name)                                         \
	}
static const struct {
	enum rn_datapath_fd fd;
	size_t at, size;
} halves[] = {
    HALF(RN_FD_IDENTITIES, identities, RN_IDENTITIES_MAX),
    HALF(RN_FD_LISTS, lists, RN_LISTS_MAX),
    HALF(RN_FD_SIDES, sides, RN_SIDES_MAX),
    HALF(RN_FD_PAIRS, pairs, RN_PAIRS_MAX),
    HALF(RN_FD_CANDIDATES, candidates, RN_CANDIDATES_MAX),
    HALF(RN_FD_RULES, rules, RN_RULES_MAX),
    HALF(RN_FD_OPENINGS, openings, RN_OPENINGS_MAX),
};
#define HALVES (sizeof(halves) / sizeof(halves[0]))

static size_t size_of(const struct rn_datapath *dp, unsigned array)
{
	return halves[array].fd == RN_FD_IDENTITIES ? halves[array].size : halves[array].size >> dp->shift;
}

static void **member(struct rn_datapath *dp, size_t at)
{
	return (void **)((char *)dp + at);
}

/* NULL: errno says why. */
static void *map(int fd, size_t size, size_t offset)
{
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	return data == MAP_FAILED ? NULL : data;
}

static void unmap(void *data, size_t size)
{
	if (data)
		munmap(data, size);
}

static void *place_of(const struct rn_datapath *dp, unsigned window)
{
	return (char *)dp->devices + window * WINDOW_SIZE;
}

static int open_window(struct rn_datapath *dp, unsigned window)
{
	void *data = mmap(place_of(dp, window), WINDOW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			  dp->fd[RN_FD_DEVICES], (off_t)(window * WINDOW_SIZE));

	if (data == MAP_FAILED)
		return -errno;
	dp->window[window] = true;
	return 0;
}

/* Keeps the addresses and no memory. */
static int close_window(struct rn_datapath *dp, unsigned window)
{
	void *data = mmap(place_of(dp, window), WINDOW_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (data == MAP_FAILED)
		return -errno;
	dp->window[window] = false;
	return 0;
}

static bool is_empty(const struct rn_datapath *dp, unsigned window)
{
	static const struct rn_device none;

	for (uint32_t i = 0; i < RN_WINDOW_DEVICES; i++) {
		if (memcmp(&dp->devices[window * RN_WINDOW_DEVICES + i], &none, sizeof(none)) != 0)
			return false;
	}
	return true;
}

/* After a restart: the windows in which something is. */
static int map_devices(struct rn_datapath *dp)
{
	void *data = mmap(NULL, DEVICES_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int code = 0;

	if (data == MAP_FAILED)
		return -errno;
	dp->devices = data;
	for (unsigned i = 0; !code && i < RN_WINDOWS; i++) {
		code = open_window(dp, i);
		if (!code && is_empty(dp, i))
			code = close_window(dp, i);
	}
	return code;
}

int rn_datapath_map(struct rn_datapath *dp)
{
	for (unsigned i = 0; i < SMALL; i++) {
		void *data = map(dp->fd[small[i].fd], small[i].size, 0);

		if (!data)
			return -errno;
		*member(dp, small[i].at) = data;
	}
	return map_devices(dp);
}

void rn_datapath_unmap(struct rn_datapath *dp)
{
	for (unsigned i = 0; i < SMALL; i++)
		unmap(*member(dp, small[i].at), small[i].size);
	unmap(dp->devices, DEVICES_SIZE);
	rn_datapath_half_close(dp);
}

int rn_datapath_window(struct rn_datapath *dp, uint32_t index)
{
	unsigned window = index / RN_WINDOW_DEVICES;

	return dp->window[window] ? 0 : open_window(dp, window);
}

int rn_datapath_half_open(struct rn_datapath *dp, unsigned half)
{
	if (dp->open.identities && dp->open_half == half)
		return 0;
	rn_datapath_half_close(dp);
	dp->open_half = half;
	for (unsigned i = 0; i < HALVES; i++) {
		void *data = map(dp->fd[halves[i].fd], size_of(dp, i), half * size_of(dp, i));

		if (!data) {
			int code = -errno;

			rn_datapath_half_close(dp);
			return code;
		}
		*member(dp, halves[i].at) = data;
	}
	return 0;
}

void rn_datapath_half_close(struct rn_datapath *dp)
{
	for (unsigned i = 0; i < HALVES; i++) {
		unmap(*member(dp, halves[i].at), size_of(dp, i));
		*member(dp, halves[i].at) = NULL;
	}
}
