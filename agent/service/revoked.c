/* SPDX-License-Identifier: Apache-2.0 */
#include "service/revoked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/numbers.h"
#include "sys/files.h"

#define REVOKED_NAME "revoked.bin"
static const char magic[4] = "RNV1";

struct rn_revoked {
	uint32_t epoch;
	struct rn_numbers *places; /* number -> place in the list, from 1 */
	uint32_t *list;		   /* in the order they came */
	uint32_t count, room;
	bool due;
	char path[RN_PATH_SIZE];
};

struct rn_revoked *rn_revoked_new(void)
{
	struct rn_revoked *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->places = rn_numbers_new();
	if (!v->places) {
		free(v);
		return NULL;
	}
	return v;
}

void rn_revoked_free(struct rn_revoked *v)
{
	if (!v)
		return;
	rn_numbers_free(v->places);
	free(v->list);
	free(v);
}

size_t rn_revoked_size(const struct rn_revoked *v)
{
	return RN_REVOKED_HEAD + (size_t)v->count * RN_REVOKED_ENTRY;
}

static void sum_of(const uint8_t *before, const uint8_t *data, size_t size, uint8_t out[RN_REVOKED_SUM])
{
	rn_blake2b(before, before ? RN_REVOKED_SUM : 0, data, size, out, RN_REVOKED_SUM);
}

void rn_revoked_encode(const struct rn_revoked *v, uint8_t *out)
{
	struct rn_writer w = rn_writer(out, rn_revoked_size(v));
	const uint8_t *before = NULL;

	rn_write_bytes(&w, magic, sizeof(magic));
	rn_write_u32(&w, v->epoch);
	for (uint32_t i = 0;; i++) {
		uint8_t *data = before ? out + w.at - 4 : out, *sum = out + w.at;

		sum_of(before, data, w.at - (size_t)(data - out), sum);
		w.at += RN_REVOKED_SUM;
		before = sum;
		if (i == v->count)
			return;
		rn_write_u32(&w, v->list[i]);
	}
}

static int make_room(struct rn_revoked *v)
{
	uint32_t room = v->room ? v->room * 2 : 64;
	uint32_t *more;

	if (v->count < v->room)
		return 0;
	if (v->count >= RN_REVOKED_MAX)
		return -ENOSPC;
	more = realloc(v->list, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	v->list = more;
	v->room = room;
	return 0;
}

static int add(struct rn_revoked *v, uint32_t number)
{
	int r;

	if (!number)
		return -EINVAL;
	if (rn_revoked_has(v, number))
		return 0;
	r = make_room(v);
	if (r == 0)
		r = rn_numbers_set(v->places, number, v->count + 1);
	if (r < 0)
		return r;
	v->list[v->count++] = number;
	return 1;
}

static int decode_head(struct rn_revoked *v, const uint8_t *data, size_t size)
{
	struct rn_reader r = rn_reader(data, size);
	uint8_t found[sizeof(magic)], sum[RN_REVOKED_SUM];

	if (size < RN_REVOKED_HEAD)
		return -EBADMSG;
	sum_of(NULL, data, RN_REVOKED_HEAD - RN_REVOKED_SUM, sum);
	rn_read_bytes(&r, found, sizeof(found));
	v->epoch = rn_read_u32(&r);
	return memcmp(found, magic, sizeof(magic)) || memcmp(sum, data + r.at, sizeof(sum)) ? -EBADMSG : 0;
}

int rn_revoked_decode(struct rn_revoked *v, const uint8_t *data, size_t size)
{
	int r = decode_head(v, data, size);

	for (size_t at = RN_REVOKED_HEAD; r == 0 && size - at >= RN_REVOKED_ENTRY; at += RN_REVOKED_ENTRY) {
		struct rn_reader number = rn_reader(data + at, 4);
		uint8_t sum[RN_REVOKED_SUM];

		sum_of(data + at - RN_REVOKED_SUM, data + at, 4, sum);
		if (memcmp(sum, data + at + 4, sizeof(sum)))
			return size - at == RN_REVOKED_ENTRY ? 0 : -EBADMSG;
		r = add(v, rn_read_u32(&number));
		if (r != -ENOMEM)
			r = r == 1 ? 0 : -EBADMSG;
	}
	return r;
}

static int load(struct rn_revoked *v, struct rn_err *err)
{
	uint8_t *data = malloc(RN_REVOKED_SIZE_MAX);
	size_t size = 0;
	int r = data ? rn_file_read(v->path, data, RN_REVOKED_SIZE_MAX, &size) : -ENOMEM;

	if (r == 0)
		r = rn_revoked_decode(v, data, size);
	free(data);
	if (r == -ENOENT)
		return 0; /* nobody was revoked yet */
	if (r == -EBADMSG || r == -EFBIG)
		return rn_fail(err, r,
			       "%s is damaged; restore it from a backup, or remove it, and devices revoked before stay "
			       "out only if core hands their records on again",
			       v->path);
	if (r < 0)
		return rn_fail(err, r, "cannot read %s: %s", v->path, strerror(-r));
	return 0;
}

int rn_revoked_open(const char *directory, struct rn_revoked **ret, struct rn_err *err)
{
	struct rn_revoked *v = rn_revoked_new();
	int r;

	if (!v)
		return rn_fail(err, -ENOMEM, "out of memory");
	r = rn_path_join(v->path, sizeof(v->path), directory, REVOKED_NAME);
	if (r < 0)
		rn_fail(err, r, "the path of state_dir is too long");
	else
		r = load(v, err);
	if (r < 0) {
		rn_revoked_free(v);
		return r;
	}
	*ret = v;
	return 0;
}

uint32_t rn_revoked_epoch(const struct rn_revoked *v)
{
	return v->epoch;
}

void rn_revoked_begin_epoch(struct rn_revoked *v, uint32_t epoch)
{
	if (epoch <= v->epoch)
		return;
	for (uint32_t i = 0; i < v->count; i++)
		rn_numbers_remove(v->places, v->list[i]);
	v->count = 0;
	v->epoch = epoch;
	v->due = false; /* the file of an epoch that is over says nothing */
}

bool rn_revoked_has(const struct rn_revoked *v, uint32_t number)
{
	return rn_numbers_get(v->places, number) != 0;
}

int rn_revoked_add(struct rn_revoked *v, uint32_t number)
{
	int r = add(v, number);

	if (r == 1)
		v->due = true;
	return r;
}

bool rn_revoked_due(const struct rn_revoked *v)
{
	return v->due;
}

int rn_revoked_save(struct rn_revoked *v)
{
	size_t size = rn_revoked_size(v);
	uint8_t *data;
	int r;

	if (!v->due)
		return 0;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	rn_revoked_encode(v, data);
	r = rn_file_write(v->path, data, size, 0600);
	free(data);
	if (r == 0)
		v->due = false;
	return r;
}
