/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ca_issue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/issuance.h"
#include "proto/message.h"
#include "sys/files.h"
#include "sys/journal.h"
#include "sys/owner.h"

struct rn_ca {
	uint8_t seed[RN_KEY_SIZE];
	struct rn_issuer *issuer;
	struct rn_issuance *issuance;
	struct rn_journal *journal;
	struct rn_rate rate;
	uint8_t leaf[RN_CERT_MAX];
	size_t leaf_size;
};

static int replay(void *context, const uint8_t *record)
{
	struct rn_ca *ca = context;
	struct rn_issuance_entry entry;
	int r = rn_issuance_get(record, &entry);

	return r < 0 ? r : rn_issuance_apply(ca->issuance, &entry);
}

static int read_issuer(struct rn_ca *ca, const char *dir, const uint8_t *root_public, int64_t now, struct rn_err *err)
{
	uint8_t der[RN_CERT_MAX], public[RN_KEY_SIZE];
	char path[RN_PATH_SIZE];
	size_t size = 0;
	int r = rn_path_join(path, sizeof(path), dir, "issuing.der");

	if (r == 0)
		r = rn_file_read(path, der, sizeof(der), &size);
	if (r == 0)
		r = rn_issuer_new(der, size, root_public, now, &ca->issuer);
	if (r == -EKEYEXPIRED)
		return rn_fail(err, r, "%s is not valid now: set this host's clock, or make a new issuing certificate",
			       path);
	if (r < 0)
		return rn_fail(err, r, "%s is missing or damaged; restore it from a backup", path);
	rn_ed25519_public(ca->seed, public);
	if (!rn_equal(public, rn_issuer_public(ca->issuer), sizeof(public)))
		return rn_fail(err, -EBADMSG, "issuing.key and issuing.der of %s do not belong together; restore both "
			       "from the same backup", dir);
	return 0;
}

int rn_ca_open(const char *dir, const uint8_t root_public[RN_KEY_SIZE], int64_t now, struct rn_ca **ret,
	       struct rn_err *err)
{
	struct rn_ca *ca = calloc(1, sizeof(*ca));
	char path[RN_PATH_SIZE];
	int r = -ENOMEM;

	if (!ca)
		return rn_fail(err, -ENOMEM, "out of memory");
	ca->rate = (struct rn_rate){.burst = RN_CA_BURST, .per_minute = RN_CA_PER_MINUTE};
	ca->issuance = rn_issuance_new();
	if (!ca->issuance)
		goto out;
	r = rn_secret_read(dir, "issuing.key", ca->seed, sizeof(ca->seed), err);
	if (r == 0)
		r = read_issuer(ca, dir, root_public, now, err);
	if (r == 0)
		r = rn_path_join(path, sizeof(path), dir, "journal");
	if (r == 0)
		r = rn_journal_open(path, RN_ISSUANCE_ENTRY_SIZE, replay, ca, &ca->journal, err);
out:
	if (r < 0)
		rn_ca_free(ca);
	else
		*ret = ca;
	return r;
}

void rn_ca_free(struct rn_ca *ca)
{
	if (!ca)
		return;
	rn_journal_close(ca->journal);
	rn_issuance_free(ca->issuance);
	rn_issuer_free(ca->issuer);
	rn_wipe(ca->seed, sizeof(ca->seed));
	free(ca);
}

/* On the disk first, then in memory. -EIO (fatal) where memory will not follow. */
static int commit(struct rn_ca *ca, const struct rn_issuance_entry *entry, struct rn_err *err)
{
	uint8_t record[RN_ISSUANCE_ENTRY_SIZE];
	int r;

	rn_issuance_put(entry, record);
	r = rn_journal_append(ca->journal, record);
	if (r == -ENOSPC)
		return rn_fail(err, r, "the CA's disk is full: make room on the gateway, then try again");
	if (r < 0)
		return rn_fail(err, r == -EIO ? -EREMOTEIO : r, "the CA cannot write its journal: %s", strerror(-r));
	return rn_issuance_apply(ca->issuance, entry) < 0 ? rn_fail(err, -EIO, "the CA is out of memory") : 0;
}

static int make_leaf(struct rn_ca *ca, const struct rn_issuance_entry *entry, struct rn_err *err)
{
	struct rn_leaf leaf = {.not_before = entry->time};
	int size;

	memcpy(leaf.serial, entry->serial, sizeof(leaf.serial));
	memcpy(leaf.key, entry->key, sizeof(leaf.key));
	snprintf(leaf.kind, sizeof(leaf.kind), "%s", rn_kind_name(entry->kind));
	snprintf(leaf.name, sizeof(leaf.name), "%s", entry->name);
	size = rn_x509_leaf(ca->issuer, ca->seed, &leaf, ca->leaf);
	if (size < 0)
		return rn_fail(err, size == -EINVAL ? -EINVAL : -EREMOTEIO, "the CA cannot make this certificate");
	ca->leaf_size = (size_t)size;
	return 0;
}

/* The leaf is made before it is journaled, so that nothing is in the journal that could not be made. */
static int issue(struct rn_ca *ca, struct rn_issuance_entry *want, int64_t now, int64_t now_ms, struct rn_err *err)
{
	int r;

	if (rn_rate_take(&ca->rate, now_ms) < 0)
		return rn_fail(err, -EAGAIN, "the CA signs at most %d certificates a minute: try again in a minute",
			       RN_CA_PER_MINUTE);
	rn_x509_serial(want->serial);
	want->time = now;
	r = make_leaf(ca, want, err);
	return r < 0 ? r : commit(ca, want, err);
}

static int handle_token(struct rn_ca *ca, const struct rn_local *in, int64_t now, int64_t now_ms, struct rn_err *err)
{
	struct rn_issuance_entry entry = {
		.type = RN_ISSUANCE_TOKEN, .kind = in->role, .token = in->token, .time = (int64_t)in->expires};
	int r;

	(void)now_ms;
	if (strnlen(in->text, sizeof(in->text)) > RN_NAME_MAX)
		return rn_fail(err, -EINVAL, "a token cannot be for this name");
	memcpy(entry.key, in->key2, sizeof(entry.key));
	snprintf(entry.name, sizeof(entry.name), "%.*s", RN_NAME_MAX, in->text);
	r = rn_issuance_token(ca->issuance, &entry, now, err);
	return r ? (r < 0 ? r : 0) : commit(ca, &entry, err);
}

/* The request's own signature, by the seed that only the token's holder has. */
static int check_signature(struct rn_ca *ca, const struct rn_message_enroll *enroll, struct rn_err *err)
{
	const uint8_t *public = rn_issuance_token_key(ca->issuance, enroll->token);
	uint8_t data[512];
	int size = rn_message_enroll_signed(enroll, data, sizeof(data));

	if (!public)
		return rn_fail(err, -ENOKEY, "the gateway does not know this token; ask for a new one");
	if (size < 0 || !rn_ed25519_verify(public, data, (size_t)size, enroll->signature))
		return rn_fail(err, -EKEYREJECTED, "this request was not signed with the token's secret");
	return 0;
}

static int handle_issue(struct rn_ca *ca, const struct rn_local *in, int64_t now, int64_t now_ms, struct rn_err *err)
{
	struct rn_issuance_entry want = {.type = RN_ISSUANCE_ISSUED};
	const struct rn_issuance_entry *again = NULL;
	const struct rn_message_enroll *enroll;
	struct rn_message message;
	int r;

	if (rn_message_decode(in->block, in->block_size, &message) < 0 || message.type != RN_MESSAGE_ENROLL)
		return rn_fail(err, -EBADMSG, "this is no enrolment request");
	enroll = &message.enroll;
	if (!rn_equal(enroll->noise_key, in->key, RN_KEY_SIZE))
		return rn_fail(err, -EKEYREJECTED, "this request is for another key than its sender's");
	r = check_signature(ca, enroll, err);
	if (r < 0)
		return r;
	want.token = enroll->token;
	want.kind = enroll->role;
	memcpy(want.key, enroll->noise_key, sizeof(want.key));
	snprintf(want.name, sizeof(want.name), "%s", enroll->name);
	r = rn_issuance_issue(ca->issuance, &want, now, &again, err);
	if (r < 0)
		return r;
	return again ? make_leaf(ca, again, err) : issue(ca, &want, now, now_ms, err);
}

static int handle_renew(struct rn_ca *ca, const struct rn_local *in, int64_t now, int64_t now_ms, struct rn_err *err)
{
	struct rn_issuance_entry want = {.type = RN_ISSUANCE_ISSUED};
	const struct rn_issuance_entry *again = NULL;
	struct rn_leaf leaf;
	int r = rn_issuer_verify(ca->issuer, in->block, in->block_size, now, RN_LEAF_EXPIRED_TOO, &leaf);

	if (r < 0 || rn_kind_parse(leaf.kind, &want.kind) < 0)
		return rn_fail(err, r == -EKEYEXPIRED ? r : -EBADMSG,
			       "this certificate cannot be renewed: it is not of this CA, or from the future");
	if (!rn_equal(leaf.key, in->key, RN_KEY_SIZE))
		return rn_fail(err, -EKEYREJECTED, "this certificate is another device's");
	memcpy(want.key, leaf.key, sizeof(want.key));
	snprintf(want.name, sizeof(want.name), "%s", leaf.name);
	r = rn_issuance_renew(ca->issuance, &want, now, &again, err);
	if (r < 0)
		return r;
	return again ? make_leaf(ca, again, err) : issue(ca, &want, now, now_ms, err);
}

static int handle_revoke(struct rn_ca *ca, const struct rn_local *in, int64_t now, int64_t now_ms, struct rn_err *err)
{
	struct rn_issuance_entry entry = {.type = RN_ISSUANCE_REVOKED, .time = now};

	(void)now_ms;
	if (rn_is_zero(in->key, RN_KEY_SIZE))
		return rn_fail(err, -EINVAL, "there is no key to revoke");
	memcpy(entry.key, in->key, sizeof(entry.key));
	return rn_issuance_revoke(ca->issuance, in->key) ? 0 : commit(ca, &entry, err);
}

static const struct {
	enum rn_local_type type;
	int (*handle)(struct rn_ca *ca, const struct rn_local *in, int64_t now, int64_t now_ms, struct rn_err *err);
} handlers[] = {
	{RN_LOCAL_CA_TOKEN, handle_token},
	{RN_LOCAL_CA_ISSUE, handle_issue},
	{RN_LOCAL_CA_RENEW, handle_renew},
	{RN_LOCAL_CA_REVOKE, handle_revoke},
};

int rn_ca_handle(struct rn_ca *ca, const struct rn_local *request, int64_t now, int64_t now_ms, struct rn_local *ret)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		struct rn_err err = {""};
		int r;

		if (handlers[i].type != request->type)
			continue;
		ca->leaf_size = 0;
		r = handlers[i].handle(ca, request, now, now_ms, &err);
		if (r == -EIO)
			return r;
		*ret = (struct rn_local){
			.type = RN_LOCAL_CA_ANSWER, .number = request->number, .code = (uint16_t)-r};
		snprintf(ret->text, sizeof(ret->text), "%.*s", (int)sizeof(ret->text) - 1, err.text);
		if (r == 0 && ca->leaf_size) {
			ret->block = ca->leaf;
			ret->block_size = ca->leaf_size;
		}
		return 0;
	}
	return -EBADMSG;
}
