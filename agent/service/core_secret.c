/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that callers show: made of 32 random bytes, kept as SHA-256, which is enough for what nobody can guess. And
 * new accounts and links, which need no core: `rnaut gateway init` makes the first.
 */
#include <errno.h>
#include <stdio.h>

#include "service/core_accounts.h"

void rn_secret_make(char ret_text[RN_SECRET_TEXT], uint8_t ret_hash[RN_SHA256_SIZE])
{
	uint8_t secret[RN_KEY_SIZE];

	rn_random(secret, sizeof(secret));
	rn_base64url(secret, sizeof(secret), ret_text, RN_SECRET_TEXT);
	rn_sha256(secret, sizeof(secret), ret_hash);
	rn_wipe(secret, sizeof(secret));
}

static int decode(const char *text, uint8_t ret[RN_KEY_SIZE])
{
	size_t size = 0;

	return rn_base64url_decode(text, ret, RN_KEY_SIZE, &size) || size != RN_KEY_SIZE ? -EACCES : 0;
}

int rn_secret_hash(const char *text, uint8_t ret_hash[RN_SHA256_SIZE])
{
	uint8_t secret[RN_KEY_SIZE];
	int rc = decode(text, secret);

	if (!rc)
		rn_sha256(secret, sizeof(secret), ret_hash);
	rn_wipe(secret, sizeof(secret));
	return rc;
}

int rn_secret_csrf(const char *text, char ret_csrf[RN_SECRET_TEXT])
{
	static const char purpose[] = "rnaut csrf 1";
	uint8_t secret[RN_KEY_SIZE], csrf[RN_KEY_SIZE];
	int rc = decode(text, secret);

	if (!rc) {
		rn_blake2b(secret, sizeof(secret), purpose, sizeof(purpose), csrf, sizeof(csrf));
		rn_base64url(csrf, sizeof(csrf), ret_csrf, RN_SECRET_TEXT);
	}
	rn_wipe(secret, sizeof(secret));
	rn_wipe(csrf, sizeof(csrf));
	return rc;
}

int rn_accounts_add(struct rn_store *store, const char *name, enum rn_access role, int64_t now,
		    struct rn_store_account *ret, struct rn_err *err)
{
	uint64_t count = 0;
	int rc = rn_store_count_accounts(store, 0, &count, err);

	*ret = (struct rn_store_account){.role = (unsigned)role, .created = now};
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	if (rc)
		return rc;
	if (count >= RN_ACCOUNTS_MAX)
		return rn_fail(err, -ENOSPC, "there are %u accounts, which is all there can be: delete one",
			       RN_ACCOUNTS_MAX);
	rc = rn_store_add_account(store, ret, err);
	return rc == -EEXIST ? rn_fail(err, rc, "an account named %s exists: choose another name", name) : rc;
}

int rn_accounts_link(struct rn_store *store, uint32_t account, int64_t now, struct rn_core_link *ret,
		     struct rn_err *err)
{
	struct rn_store_entry link = {.created = now, .until = now + RN_LINK_LIFETIME_S};

	link.account.number = account;
	rn_secret_make(ret->link, link.hash);
	ret->expires = link.until;
	return rn_store_put_link(store, &link, err);
}
