/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine under a process: its clocks, its chance, its disk, and its death between any two things that it does. The
 * linker puts these in place of what they are named after (--wrap).
 */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

struct sim_host *sim_here;
enum sim_process sim_process;

void sim_enter(struct sim_host *h, enum sim_process process)
{
	sim_here = h;
	sim_process = process;
}

bool sim_burn(void)
{
	struct sim_host *h = sim_here;

	if (!h || h->fuse_of != sim_process)
		return false;
	if (h->fuse && --h->fuse == 0)
		h->dead = true;
	return h->dead;
}

/* ---- chance ---- */

static struct rng chance;

static const char *chance_name(void)
{
	return "seeded";
}

static uint32_t chance_u32(void)
{
	return (uint32_t)rng_next(&chance);
}

static void chance_bytes(void *const out, const size_t size)
{
	uint8_t *p = out;

	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)rng_next(&chance);
}

void sim_seed_random(uint64_t seed)
{
	static randombytes_implementation seeded = {
	    .implementation_name = chance_name, .random = chance_u32, .buf = chance_bytes};

	chance.state = seed;
	randombytes_set_implementation(&seeded);
}

/* ---- signatures: each is verified once, and not on every host again ---- */

#define VERIFIED 8192
#define DIGEST_SIZE 32

bool __real_rn_ed25519_verify(const uint8_t *public, const void *data, size_t size, const uint8_t *signature);
bool __wrap_rn_ed25519_verify(const uint8_t *public, const void *data, size_t size, const uint8_t *signature);
bool __wrap_rn_ed25519_verify(const uint8_t *public, const void *data, size_t size, const uint8_t *signature)
{
	static struct {
		uint8_t digest[DIGEST_SIZE];
		bool good;
	} known[VERIFIED];
	uint8_t digest[DIGEST_SIZE];
	crypto_generichash_state state;
	uint32_t at;

	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	crypto_generichash_update(&state, public, RN_KEY_SIZE);
	crypto_generichash_update(&state, signature, RN_SIGNATURE_SIZE);
	crypto_generichash_update(&state, data, size);
	crypto_generichash_final(&state, digest, sizeof(digest));
	memcpy(&at, digest, sizeof(at));
	at %= VERIFIED;
	if (memcmp(known[at].digest, digest, sizeof(digest)) != 0) {
		known[at].good = __real_rn_ed25519_verify(public, data, size, signature);
		memcpy(known[at].digest, digest, sizeof(digest));
	}
	return known[at].good;
}

/* ---- clocks ---- */

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	const struct sim_host *h = sim_here;
	int64_t ms;

	if (!h) /* whoever counts the seeds */
		return __real_clock_gettime(clock, ret);
	ms = h->sim->now_ms - h->booted_ms;
	if (clock == CLOCK_REALTIME)
		ms = h->sim->now_ms + (h->sim->begun + h->wall_off_s) * 1000;
	ret->tv_sec = ms / 1000;
	ret->tv_nsec = ms % 1000 * 1000000;
	return 0;
}

time_t __wrap_time(time_t *ret);
time_t __wrap_time(time_t *ret)
{
	struct timespec t;

	__wrap_clock_gettime(CLOCK_REALTIME, &t);
	if (ret)
		*ret = t.tv_sec;
	return t.tv_sec;
}

/* ---- the log ---- */

void __wrap_rn_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap_rn_log(int level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!sim_here || !sim_here->sim->params.trace)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("%8lld ms  %s %d <%d> %s\n", (long long)sim_here->sim->now_ms, sim_here->name, sim_process, level, text);
}

/* ---- the disk ---- */

#define FRESH_MAX (1024u * 1024u)

int __real_rn_file_read(const char *path, void *out, size_t size, size_t *ret_size);
int __wrap_rn_file_read(const char *path, void *out, size_t size, size_t *ret_size);
int __wrap_rn_file_read(const char *path, void *out, size_t size, size_t *ret_size)
{
	if (strcmp(path, "/proc/sys/kernel/random/boot_id") != 0)
		return __real_rn_file_read(path, out, size, ret_size);
	rn_hex(sim_here->boot_id, RN_BOOT_ID_SIZE, out, size);
	*ret_size = 2 * RN_BOOT_ID_SIZE;
	return 0;
}

int __real_rn_file_write(const char *path, const void *data, size_t size, mode_t mode);
int __wrap_rn_file_write(const char *path, const void *data, size_t size, mode_t mode);
int __wrap_rn_file_write(const char *path, const void *data, size_t size, mode_t mode)
{
	return sim_burn() ? -EIO : __real_rn_file_write(path, data, size, mode);
}

/* A database that is new is a copy of one that was new: its schema is made once. */
int __real_rn_store_open(const char *path, bool create, struct rn_store **ret, struct rn_err *err);
int __wrap_rn_store_open(const char *path, bool create, struct rn_store **ret, struct rn_err *err);
int __wrap_rn_store_open(const char *path, bool create, struct rn_store **ret, struct rn_err *err)
{
	static uint8_t fresh[FRESH_MAX];
	static size_t size;

	if (create && access(path, F_OK) < 0) {
		if (size)
			return __real_rn_file_write(path, fresh, size, 0600)
				   ? rn_fail(err, -EIO, "no database")
				   : __real_rn_store_open(path, false, ret, err);
		if (__real_rn_store_open(path, true, ret, err))
			return -EIO;
		rn_store_close(*ret);
		if (__real_rn_file_read(path, fresh, sizeof(fresh), &size))
			size = 0;
	}
	return __real_rn_store_open(path, create, ret, err);
}

int __real_rn_store_begin(struct rn_store *store, struct rn_err *err);
int __wrap_rn_store_begin(struct rn_store *store, struct rn_err *err);
int __wrap_rn_store_begin(struct rn_store *store, struct rn_err *err)
{
	return sim_burn() ? rn_fail(err, -EIO, "dead") : __real_rn_store_begin(store, err);
}

/* Dead before it, and dead after it, when nobody has heard of it. */
int __real_rn_store_commit(struct rn_store *store, struct rn_err *err);
int __wrap_rn_store_commit(struct rn_store *store, struct rn_err *err);
int __wrap_rn_store_commit(struct rn_store *store, struct rn_err *err)
{
	int r;

	if (sim_burn()) {
		rn_store_rollback(store);
		return rn_fail(err, -EIO, "dead");
	}
	r = __real_rn_store_commit(store, err);
	sim_burn();
	return r;
}

/* ---- the kernel's memory: kern can die between two stores ---- */

#define STORE(name, arguments, values)                                                                                 \
	void __real_rn_datapath_##name arguments;                                                                      \
	void __wrap_rn_datapath_##name arguments;                                                                      \
	void __wrap_rn_datapath_##name arguments                                                                       \
	{                                                                                                              \
		if (!sim_burn())                                                                                       \
			__real_rn_datapath_##name values;                                                              \
	}
#define STORE_INT(name, arguments, values)                                                                             \
	int __real_rn_datapath_##name arguments;                                                                       \
	int __wrap_rn_datapath_##name arguments;                                                                       \
	int __wrap_rn_datapath_##name arguments                                                                        \
	{                                                                                                              \
		return sim_burn() ? 0 : __real_rn_datapath_##name values;                                              \
	}

STORE(set_meta, (struct rn_datapath * dp, uint32_t epoch, uint64_t version), (dp, epoch, version))
STORE(set_forgotten, (struct rn_datapath * dp, uint64_t version), (dp, version))
STORE(set_generation, (struct rn_datapath * dp, uint64_t generation), (dp, generation))
STORE(set_lease, (struct rn_datapath * dp, uint64_t until), (dp, until))
STORE_INT(device_set, (struct rn_datapath * dp, uint32_t index, const struct rn_device *device), (dp, index, device))
STORE_INT(device_state, (struct rn_datapath * dp, uint32_t index, uint32_t state), (dp, index, state))
STORE_INT(policy_write, (struct rn_datapath * dp, unsigned half, const struct rn_policy_arrays *policy),
	  (dp, half, policy))
STORE_INT(identity_write,
	  (struct rn_datapath * dp, unsigned half, uint32_t slot, const struct rn_identity_lists *lists),
	  (dp, half, slot, lists))
