/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: how an account signs in, what its cookie is good for, and when it ends. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "domain/name.h"
#include "service/core_accounts.h"

#define TOUCH_S 60

/* ---- who calls ---- */

void rn_principal_root(struct rn_principal *ret)
{
	*ret = (struct rn_principal){.access = RN_ACCESS_ROOT, .name = "root", .actor = "root"};
}

bool rn_principal_csrf(const struct rn_principal *who, const char *csrf)
{
	size_t size = strlen(who->csrf);

	return size && strlen(csrf) == size && rn_equal(who->csrf, csrf, size);
}

static bool alive(const struct rn_store_entry *s, int64_t now)
{
	return now >= rn_moment_after(s->created, -RN_CLOCK_SLACK_S) &&
	       now < rn_moment_after(s->created, RN_SESSION_LIFETIME_S) &&
	       now < rn_moment_after(s->until, RN_SESSION_IDLE_S);
}

static void describe(const struct rn_store_entry *s, struct rn_principal *ret)
{
	*ret = (struct rn_principal){.access = (enum rn_access)s->account.role,
				     .session = true,
				     .has_password = s->account.password[0] != 0,
				     .expires = s->created + RN_SESSION_LIFETIME_S};
	snprintf(ret->name, sizeof(ret->name), "%s", s->account.name);
	snprintf(ret->actor, sizeof(ret->actor), "%s", s->account.name);
	memcpy(ret->hash, s->hash, sizeof(ret->hash));
}

static int find(struct rn_core *core, const uint8_t hash[RN_SHA256_SIZE], struct rn_store_entry *ret)
{
	if (rn_store_session(core->books.store, hash, ret, NULL))
		return -EACCES;
	return alive(ret, rn_core_now(core)) && ret->account.role <= RN_ACCESS_ADMIN ? 0 : -EACCES;
}

int rn_sessions_authenticate(struct rn_core *core, const char *cookie, struct rn_principal *ret)
{
	int64_t now = rn_core_now(core);
	uint8_t hash[RN_SHA256_SIZE];
	struct rn_store_entry s;

	if (rn_secret_hash(cookie, hash) || find(core, hash, &s))
		return -EACCES;
	describe(&s, ret);
	rn_wipe(&s.account, sizeof(s.account));
	if (now - s.until >= TOUCH_S || now < s.until)
		(void)rn_store_touch_session(core->books.store, hash, now, NULL);
	return rn_secret_csrf(cookie, ret->csrf);
}

int rn_core_authenticate(struct rn_core *core, const char *cookie, const char *bearer, struct rn_principal *ret)
{
	if (!core->gateway || (!bearer[0] && !cookie[0]))
		return -EACCES;
	return bearer[0] ? rn_api_tokens_authenticate(core, bearer, ret) : rn_sessions_authenticate(core, cookie, ret);
}

bool rn_core_still(struct rn_core *core, const struct rn_principal *who)
{
	struct rn_store_api_token token;
	struct rn_store_entry s;

	if (who->access == RN_ACCESS_ROOT)
		return true;
	if (who->session)
		return !find(core, who->hash, &s) && (enum rn_access)s.account.role == who->access;
	return !rn_store_api_token(core->books.store, who->token, &token, NULL) && rn_core_now(core) < token.expires;
}

/* ---- signing in ---- */

/* The audit says it once in a while: strangers cause it. */
int rn_sessions_refuse(struct rn_core *core, const char *account, const struct rn_addr *source, struct rn_err *err)
{
	char where[RN_ADDR_TEXT];

	rn_attempts_failed(core->attempts, account, source, rn_core_now_ms(core));
	core->access.refused++;
	if (rn_log_allowed(&core->refusals, rn_core_now_ms(core), 3000))
		(void)rn_store_audit(core->books.store, rn_core_now(core), "nobody", "sign-in refused",
				     account && rn_name_valid(account) ? account : "", rn_addr_format(source, where),
				     NULL);
	return rn_fail(err, -EACCES, "that is not good (any more): try again, or ask for a new link");
}

static int limit(struct rn_core *core, int64_t wait_ms, unsigned *ret_wait, struct rn_err *err)
{
	if (wait_ms <= 0)
		return 0;
	core->access.limited++;
	*ret_wait = (unsigned)((wait_ms + 999) / 1000);
	return rn_fail(err, -EDQUOT, "too many attempts: try again in %u seconds", *ret_wait);
}

int rn_sessions_may_try(struct rn_core *core, const char *account, const struct rn_addr *source, unsigned *ret_wait,
			struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);

	return rc ? rc
		  : limit(core, rn_attempts_wait(core->attempts, account, source, rn_core_now_ms(core)), ret_wait, err);
}

int rn_sessions_may_hash(struct rn_core *core, unsigned *ret_wait, struct rn_err *err)
{
	return limit(core, rn_attempts_hash(core->attempts, rn_core_now_ms(core)), ret_wait, err);
}

int rn_sessions_add(struct rn_core *core, struct rn_store_account *account, struct rn_core_session *ret,
		    struct rn_err *err)
{
	struct rn_store *store = core->books.store;
	int64_t now = rn_core_now(core);
	struct rn_store_entry s = {.account = *account, .created = now, .until = now};
	int rc = rn_store_expire_sessions(store, now - RN_SESSION_LIFETIME_S, now - RN_SESSION_IDLE_S, err);

	rn_secret_make(ret->cookie, s.hash);
	if (!rc)
		rc = rn_store_trim_sessions(store, account->number, RN_SESSIONS_MAX - 1, err);
	if (!rc)
		rc = rn_store_add_session(store, &s, err);
	describe(&s, &ret->who);
	rn_wipe(&s.account, sizeof(s.account));
	return rc ? rc : rn_secret_csrf(ret->cookie, ret->who.csrf);
}

static int sign_in(struct rn_core *core, struct rn_store_account *account, bool by_link, const struct rn_addr *source,
		   struct rn_core_session *ret, struct rn_err *err)
{
	struct rn_store *store = core->books.store;
	char detail[RN_ADDR_TEXT + 16], where[RN_ADDR_TEXT];
	int rc = rn_store_begin(store, err);

	if (rc)
		return rc;
	account->last_login = rn_core_now(core);
	snprintf(detail, sizeof(detail), "%s %s", by_link ? "link" : "password", rn_addr_format(source, where));
	rc = by_link ? rn_store_remove_link(store, account->number, err) : 0;
	if (!rc)
		rc = rn_store_set_account(store, account, err);
	if (!rc)
		rc = rn_sessions_add(core, account, ret, err);
	if (!rc)
		rc = rn_store_audit(store, rn_core_now(core), account->name, "sign-in", account->name, detail, err);
	rc = rn_core_finish(core, rc, err);
	core->access.signed_in += !rc;
	return rc;
}

int rn_core_sign_in_link(struct rn_core *core, const char *link, const struct rn_addr *source,
			 struct rn_core_session *ret, unsigned *ret_wait, struct rn_err *err)
{
	int64_t now = rn_core_now(core);
	uint8_t hash[RN_SHA256_SIZE];
	struct rn_store_entry entry;
	int rc = rn_sessions_may_try(core, NULL, source, ret_wait, err);

	if (rc)
		return rc;
	rc = rn_secret_hash(link, hash);
	if (!rc)
		rc = rn_store_link(core->books.store, hash, &entry, err);
	if (!rc && (now >= entry.until || now < rn_moment_after(entry.created, -RN_CLOCK_SLACK_S)))
		rc = -EACCES;
	if (rc == -EACCES || rc == -ENOENT)
		return rn_sessions_refuse(core, NULL, source, err);
	if (!rc)
		rc = sign_in(core, &entry.account, true, source, ret, err);
	rn_wipe(&entry, sizeof(entry));
	return rc;
}

/* A text that no password fits, so that an account that is none costs what one that is costs. */
static const char *nobodys(struct rn_core *core)
{
	if (!core->nobodys_password[0]) {
		char secret[RN_SECRET_TEXT];
		uint8_t hash[RN_SHA256_SIZE];

		rn_secret_make(secret, hash);
		(void)rn_password_hash(secret, strlen(secret), core->nobodys_password);
		rn_wipe(secret, sizeof(secret));
	}
	return core->nobodys_password;
}

int rn_core_sign_in_password(struct rn_core *core, const char *account, const char *password,
			     const struct rn_addr *source, struct rn_core_session *ret, unsigned *ret_wait,
			     struct rn_err *err)
{
	struct rn_store_account row = {0};
	int rc = rn_sessions_may_try(core, account, source, ret_wait, err);
	bool known, good;

	if (!rc)
		rc = rn_sessions_may_hash(core, ret_wait, err);
	if (rc)
		return rc;
	known = rn_name_valid(account) && !rn_store_account(core->books.store, account, &row, err) && row.password[0];
	good = strlen(password) <= RN_PASSWORD_BYTES_MAX &&
	       rn_password_verify(known ? row.password : nobodys(core), password, strlen(password));
	if (known && good) {
		rn_attempts_forget(core->attempts, account);
		rc = sign_in(core, &row, false, source, ret, err);
	} else {
		rc = rn_sessions_refuse(core, account, source, err);
	}
	rn_wipe(&row, sizeof(row));
	return rc;
}

int rn_core_sign_out(struct rn_core *core, const struct rn_principal *who, struct rn_err *err)
{
	int rc;

	if (!who->session)
		return rn_fail(err, -EPERM, "only a session can be ended: revoke a token instead");
	rc = rn_store_begin(core->books.store, err);
	if (rc)
		return rc;
	rc = rn_store_remove_session(core->books.store, who->hash, err);
	if (!rc)
		rc = rn_core_audit(core, "sign-out", who->name, "", err);
	return rn_core_finish(core, rc, err);
}

void rn_core_access_counts(struct rn_core *core, struct rn_core_access_counts *ret)
{
	*ret = core->access;
	if (!core->gateway)
		return;
	(void)rn_store_count_accounts(core->books.store, 0, &ret->accounts, NULL);
	(void)rn_store_count_sessions(core->books.store, &ret->sessions, NULL);
	(void)rn_store_count_api_tokens(core->books.store, &ret->api_tokens, NULL);
}
