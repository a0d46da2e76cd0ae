/* SPDX-License-Identifier: Apache-2.0 */
#include "service/lease.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "sys/files.h"

#define NS 1000000000ull
#define SUM_SIZE 16
#define BOOT_ID_TEXT 37
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define FLOOR_NAME "floor.bin"
static const char magic[4] = "RNF1";

struct rn_lease {
	struct rn_floor floor;
	uint8_t boot_id[RN_BOOT_ID_SIZE];
	uint64_t until_ns;
	char path[RN_PATH_SIZE];
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

uint64_t rn_boottime_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

int64_t rn_unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

void rn_floor_encode(const struct rn_floor *in, uint8_t out[RN_FLOOR_SIZE])
{
	struct rn_writer w = rn_writer(out, RN_FLOOR_SIZE);

	rn_write_bytes(&w, magic, sizeof(magic));
	rn_write_u32(&w, in->epoch);
	rn_write_u64(&w, in->network_version);
	rn_write_u64(&w, in->policy_version);
	rn_write_u64(&w, in->until_ns);
	rn_write_u64(&w, in->left_ns);
	rn_write_bytes(&w, in->boot_id, sizeof(in->boot_id));
	rn_blake2b(NULL, 0, out, RN_FLOOR_SIZE - SUM_SIZE, out + RN_FLOOR_SIZE - SUM_SIZE, SUM_SIZE);
}

int rn_floor_decode(const uint8_t *data, size_t size, struct rn_floor *ret)
{
	struct rn_reader r = rn_reader(data, size);
	uint8_t sum[SUM_SIZE], found[sizeof(magic)];
	struct rn_floor floor;

	if (size != RN_FLOOR_SIZE)
		return -EBADMSG;
	rn_blake2b(NULL, 0, data, RN_FLOOR_SIZE - SUM_SIZE, sum, sizeof(sum));
	rn_read_bytes(&r, found, sizeof(found));
	if (memcmp(found, magic, sizeof(magic)) != 0 || memcmp(sum, data + size - SUM_SIZE, SUM_SIZE) != 0)
		return -EBADMSG;
	floor.epoch = rn_read_u32(&r);
	floor.network_version = rn_read_u64(&r);
	floor.policy_version = rn_read_u64(&r);
	floor.until_ns = rn_read_u64(&r);
	floor.left_ns = rn_read_u64(&r);
	rn_read_bytes(&r, floor.boot_id, sizeof(floor.boot_id));
	*ret = floor;
	return 0;
}

uint64_t rn_lease_resume(const struct rn_floor *floor, const uint8_t boot_id[RN_BOOT_ID_SIZE], uint64_t now_ns)
{
	if (memcmp(floor->boot_id, boot_id, RN_BOOT_ID_SIZE) == 0)
		return floor->until_ns;
	return floor->left_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + floor->left_ns;
}

uint64_t rn_lease_grant(uint32_t lease_seconds, uint64_t issued, int64_t unix_now, uint64_t now_ns)
{
	uint64_t now = unix_now > 0 ? unix_now : 0;
	uint64_t age = now > issued ? now - issued : 0;
	uint64_t left = age < lease_seconds ? lease_seconds - age : 0;

	return now_ns + left * NS;
}

uint64_t rn_lease_renew(uint64_t until_ns, uint32_t lease_seconds, uint64_t issued, int64_t unix_now, uint64_t now_ns)
{
	uint64_t granted = rn_lease_grant(lease_seconds, issued, unix_now, now_ns);
	uint64_t whole = now_ns + lease_seconds * NS;
	uint64_t kept = until_ns < whole ? until_ns : whole;

	return granted > kept ? granted : kept;
}

static int read_boot_id(uint8_t out[RN_BOOT_ID_SIZE])
{
	char text[BOOT_ID_TEXT + 1], digits[2 * RN_BOOT_ID_SIZE + 1];
	size_t size = 0, count = 0;

	if (rn_file_read(BOOT_ID_PATH, text, sizeof(text), &size) < 0)
		return -ENOENT;
	for (size_t i = 0; i < size && count < sizeof(digits) - 1; i++) {
		if (text[i] != '-' && text[i] != '\n')
			digits[count++] = text[i];
	}
	digits[count] = '\0';
	return rn_hex_decode(digits, out, RN_BOOT_ID_SIZE, &size) < 0 || size != RN_BOOT_ID_SIZE ? -EBADMSG : 0;
}

static int load(struct rn_lease *l, struct rn_err *err)
{
	uint8_t data[RN_FLOOR_SIZE];
	int r = rn_file_read_exact(l->path, data, sizeof(data));

	if (r == -ENOENT)
		return 0; /* the first start after this host was set up */
	if (r == 0)
		r = rn_floor_decode(data, sizeof(data), &l->floor);
	if (r == -EBADMSG)
		return rn_fail(err, r, "%s is damaged; remove it, and this host asks its gateway anew", l->path);
	if (r < 0)
		return rn_fail(err, r, "cannot read %s: %s", l->path, strerror(-r));
	return 0;
}

int rn_lease_open(const char *directory, struct rn_lease **ret, struct rn_err *err)
{
	struct rn_lease *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return rn_fail(err, -ENOMEM, "out of memory");
	r = rn_path_join(l->path, sizeof(l->path), directory, FLOOR_NAME);
	if (r < 0)
		rn_fail(err, r, "the path of state_dir is too long");
	else if ((r = read_boot_id(l->boot_id)) < 0)
		rn_fail(err, r, "cannot read " BOOT_ID_PATH "; mount /proc");
	else
		r = load(l, err);
	if (r < 0) {
		free(l);
		return r;
	}
	l->until_ns = rn_lease_resume(&l->floor, l->boot_id, rn_boottime_ns());
	*ret = l;
	return 0;
}

void rn_lease_free(struct rn_lease *l)
{
	free(l);
}

struct rn_floor *rn_lease_floor(struct rn_lease *l)
{
	return &l->floor;
}

uint64_t rn_lease_until(const struct rn_lease *l)
{
	return l->until_ns;
}

void rn_lease_set_until(struct rn_lease *l, uint64_t until_ns)
{
	l->until_ns = until_ns;
}

int rn_lease_save(struct rn_lease *l, uint64_t now_ns)
{
	uint8_t data[RN_FLOOR_SIZE];

	l->floor.until_ns = l->until_ns;
	l->floor.left_ns = l->until_ns > now_ns ? l->until_ns - now_ns : 0;
	memcpy(l->floor.boot_id, l->boot_id, sizeof(l->floor.boot_id));
	rn_floor_encode(&l->floor, data);
	return rn_file_write(l->path, data, sizeof(data), 0600);
}
