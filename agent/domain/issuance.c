/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/issuance.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/moment.h"
#include "domain/name.h"

/* Two trees (tsearch): tokens by id, devices by key. A device is a key that got a leaf, or that was revoked. */
struct token {
	uint64_t id;
	struct rn_issuance_entry entry;
	bool used;
	struct rn_issuance_entry issued; /* where used */
};

struct device {
	uint8_t key[RN_KEY_SIZE];
	bool known, revoked; /* known: it has a leaf */
	struct rn_issuance_entry last;
};

struct rn_issuance {
	void *tokens, *devices;
	unsigned waiting; /* tokens that are not used */
};

void rn_issuance_put(const struct rn_issuance_entry *in, uint8_t out[RN_ISSUANCE_ENTRY_SIZE])
{
	struct rn_writer w = rn_writer(out, RN_ISSUANCE_ENTRY_SIZE);
	char name[RN_NAME_MAX + 1] = "";

	memcpy(name, in->name, strnlen(in->name, RN_NAME_MAX));
	rn_write_u8(&w, (uint8_t)in->type);
	rn_write_u8(&w, (uint8_t)in->kind);
	rn_write_u16(&w, 0);
	rn_write_u32(&w, 0);
	rn_write_u64(&w, in->token);
	rn_write_u64(&w, (uint64_t)in->time);
	rn_write_bytes(&w, in->key, sizeof(in->key));
	rn_write_bytes(&w, in->serial, sizeof(in->serial));
	rn_write_bytes(&w, name, sizeof(name));
}

int rn_issuance_get(const uint8_t in[RN_ISSUANCE_ENTRY_SIZE], struct rn_issuance_entry *ret)
{
	struct rn_reader r = rn_reader(in, RN_ISSUANCE_ENTRY_SIZE);
	struct rn_issuance_entry e = {0};
	unsigned type = rn_read_u8(&r);

	e.kind = rn_read_u8(&r);
	if (rn_read_u16(&r) || rn_read_u32(&r))
		return -EBADMSG;
	e.token = rn_read_u64(&r);
	e.time = (int64_t)rn_read_u64(&r);
	rn_read_bytes(&r, e.key, sizeof(e.key));
	rn_read_bytes(&r, e.serial, sizeof(e.serial));
	rn_read_bytes(&r, e.name, sizeof(e.name));
	if (!rn_reader_done(&r) || type < RN_ISSUANCE_TOKEN || type > RN_ISSUANCE_REVOKED || e.name[RN_NAME_MAX] ||
	    e.time < 0 || e.time > RN_MOMENT_MAX)
		return -EBADMSG;
	/* What is not said has one form, and what leaves are made of is sane. */
	if (!rn_is_zero(e.name + strlen(e.name), sizeof(e.name) - strlen(e.name)) ||
	    (type != RN_ISSUANCE_REVOKED && !rn_kind_name(e.kind)))
		return -EBADMSG;
	e.type = type;
	*ret = e;
	return 0;
}

static int compare_tokens(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_devices(const void *a, const void *b)
{
	return memcmp(a, b, RN_KEY_SIZE);
}

struct rn_issuance *rn_issuance_new(void)
{
	return calloc(1, sizeof(struct rn_issuance));
}

void rn_issuance_free(struct rn_issuance *issuance)
{
	if (!issuance)
		return;
	tdestroy(issuance->tokens, free);
	tdestroy(issuance->devices, free);
	free(issuance);
}

static struct token *find_token(const struct rn_issuance *issuance, uint64_t id)
{
	void *const *node = tfind(&id, &issuance->tokens, compare_tokens);

	return node ? *node : NULL;
}

static struct device *find_device(const struct rn_issuance *issuance, const uint8_t *key)
{
	void *const *node = tfind(key, &issuance->devices, compare_devices);

	return node ? *node : NULL;
}

static struct device *add_device(struct rn_issuance *issuance, const uint8_t *key)
{
	struct device *device = find_device(issuance, key);

	if (device)
		return device;
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	memcpy(device->key, key, RN_KEY_SIZE);
	if (!tsearch(device, &issuance->devices, compare_devices)) {
		free(device);
		return NULL;
	}
	return device;
}

static int apply_token(struct rn_issuance *issuance, const struct rn_issuance_entry *entry)
{
	struct token *token;

	if (find_token(issuance, entry->token))
		return -EBADMSG;
	token = calloc(1, sizeof(*token));
	if (!token)
		return -ENOMEM;
	token->id = entry->token;
	token->entry = *entry;
	if (!tsearch(token, &issuance->tokens, compare_tokens)) {
		free(token);
		return -ENOMEM;
	}
	issuance->waiting++;
	return 0;
}

static int apply_issued(struct rn_issuance *issuance, const struct rn_issuance_entry *entry)
{
	struct token *token = entry->token ? find_token(issuance, entry->token) : NULL;
	struct device *device;

	if (entry->token && (!token || token->used))
		return -EBADMSG;
	device = add_device(issuance, entry->key);
	if (!device)
		return -ENOMEM;
	if (device->revoked || (device->known && strcmp(device->last.name, entry->name)))
		return -EBADMSG;
	device->known = true;
	device->last = *entry;
	if (token) {
		token->used = true;
		token->issued = *entry;
		issuance->waiting--;
	}
	return 0;
}

int rn_issuance_apply(struct rn_issuance *issuance, const struct rn_issuance_entry *entry)
{
	struct device *device;

	switch (entry->type) {
	case RN_ISSUANCE_TOKEN:
		return apply_token(issuance, entry);
	case RN_ISSUANCE_ISSUED:
		return apply_issued(issuance, entry);
	case RN_ISSUANCE_REVOKED:
		device = add_device(issuance, entry->key);
		if (!device)
			return -ENOMEM;
		device->revoked = true;
		return 0;
	}
	return -EBADMSG;
}

struct waiting {
	int64_t now;
	unsigned count;
};

static void count_waiting(const void *node, VISIT visit, void *context)
{
	const struct token *token = *(struct token *const *)node;
	struct waiting *w = context;

	if ((visit == postorder || visit == leaf) && !token->used && token->entry.time > w->now)
		w->count++;
}

static bool same_token(const struct rn_issuance_entry *a, const struct rn_issuance_entry *b)
{
	return rn_equal(a->key, b->key, RN_KEY_SIZE) && a->kind == b->kind && a->time == b->time &&
	       !strcmp(a->name, b->name);
}

int rn_issuance_token(const struct rn_issuance *issuance, const struct rn_issuance_entry *token, int64_t now,
		    struct rn_err *err)
{
	const struct token *old = find_token(issuance, token->token);
	struct waiting waiting = {.now = now};

	if (old)
		return same_token(&old->entry, token) ? 1 : rn_fail(err, -EEXIST, "there is a token with this id");
	if (!token->token || rn_is_zero(token->key, RN_KEY_SIZE))
		return rn_fail(err, -EINVAL, "a token needs an id and a key");
	if (!rn_kind_name(token->kind) || token->kind == RN_KIND_GATEWAY)
		return rn_fail(err, -EINVAL, "a token cannot be for this kind of device");
	if (token->name[0] && !rn_name_valid(token->name))
		return rn_fail(err, -EINVAL, "a token cannot be for this name");
	if (token->time <= now || token->time > rn_moment_after(now, RN_ISSUANCE_TOKEN_SECONDS))
		return rn_fail(err, -EINVAL, "a token must end between now and 31 days from now");
	/* Counting expired ones exactly is only worth it when the plain count looks like too many. */
	if (issuance->waiting >= RN_ISSUANCE_TOKENS_MAX) {
		twalk_r(issuance->tokens, count_waiting, &waiting);
		if (waiting.count >= RN_ISSUANCE_TOKENS_MAX)
			return rn_fail(err, -ENOSPC, "%u tokens wait to be used; no more are made", waiting.count);
	}
	return 0;
}

const uint8_t *rn_issuance_token_key(const struct rn_issuance *issuance, uint64_t token)
{
	const struct token *found = find_token(issuance, token);

	return found ? found->entry.key : NULL;
}

static bool same_device(const struct rn_issuance_entry *a, const struct rn_issuance_entry *b)
{
	return rn_equal(a->key, b->key, RN_KEY_SIZE) && a->kind == b->kind && !strcmp(a->name, b->name);
}

static int check_device(const struct rn_issuance *issuance, const struct rn_issuance_entry *want, struct rn_err *err)
{
	const struct device *device = find_device(issuance, want->key);

	if (device && device->revoked)
		return rn_fail(err, -EKEYREVOKED, "this device's key has been revoked; make a new key with `rnaut up`");
	if (device && device->known && !same_device(&device->last, want))
		return rn_fail(err, -EEXIST, "this key belongs to the device %s already", device->last.name);
	return 0;
}

int rn_issuance_issue(const struct rn_issuance *issuance, const struct rn_issuance_entry *want, int64_t now,
		    const struct rn_issuance_entry **ret_again, struct rn_err *err)
{
	const struct token *token = find_token(issuance, want->token);
	int r;

	if (!token)
		return rn_fail(err, -ENOKEY, "the gateway does not know this token; ask for a new one");
	if (now >= token->entry.time)
		return rn_fail(err, -EKEYEXPIRED, "this token has expired; ask for a new one");
	if (token->used && !same_device(&token->issued, want))
		return rn_fail(err, -EALREADY, "this token has been used already; ask for a new one");
	if (token->entry.kind != want->kind)
		return rn_fail(err, -EACCES, "this token is for a device of kind %s",
			       rn_kind_name(token->entry.kind));
	if (token->entry.name[0] && strcmp(token->entry.name, want->name))
		return rn_fail(err, -EACCES, "this token is for the device %s", token->entry.name);
	if (!rn_name_valid(want->name) || rn_is_zero(want->key, RN_KEY_SIZE))
		return rn_fail(err, -EINVAL, "a device's name is 1 to 63 of a-z 0-9 . _ - and begins with a letter or digit");
	r = check_device(issuance, want, err);
	if (r < 0)
		return r;
	if (token->used)
		*ret_again = &token->issued;
	return token->used;
}

int rn_issuance_renew(const struct rn_issuance *issuance, const struct rn_issuance_entry *want, int64_t now,
		    const struct rn_issuance_entry **ret_again, struct rn_err *err)
{
	const struct device *device = find_device(issuance, want->key);
	int r = check_device(issuance, want, err);

	if (r < 0)
		return r;
	if (!device || !device->known)
		return rn_fail(err, -ENOKEY, "this certificate is not in the CA's journal; enrol the device again");
	if (now >= device->last.time && now - device->last.time < RN_ISSUANCE_RENEW_SECONDS) {
		*ret_again = &device->last;
		return 1;
	}
	return 0;
}

int rn_issuance_revoke(const struct rn_issuance *issuance, const uint8_t key[RN_KEY_SIZE])
{
	const struct device *device = find_device(issuance, key);

	return device && device->revoked;
}

int rn_rate_take(struct rn_rate *rate, int64_t now_ms)
{
	const int64_t each = 60000 / rate->per_minute;

	if (rate->full_ms < now_ms)
		rate->full_ms = now_ms;
	if (rate->full_ms + each > now_ms + each * rate->burst)
		return -EAGAIN;
	rate->full_ms += each;
	return 0;
}
