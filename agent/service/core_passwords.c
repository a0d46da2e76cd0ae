/* SPDX-License-Identifier: Apache-2.0 */
/* A change of password: the current one is checked in one turn of the loop, the new one is hashed in the next. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_accounts.h"

#define CHARACTERS_MIN 12

struct rn_password_change {
	struct rn_password_change *next;
	struct rn_principal who;
	char password[RN_PASSWORD_BYTES_MAX + 1];
	rn_core_password_done *done;
	void *context;
};

static int check_password(const char *password, struct rn_err *err)
{
	size_t characters = 0;

	for (const char *c = password; *c; c++)
		characters += ((unsigned char)*c & 0xc0) != 0x80; /* of UTF-8, not bytes */
	if (characters < CHARACTERS_MIN)
		return rn_fail(err, -EINVAL, "a password has at least %d characters: a few words are easy to remember",
			       CHARACTERS_MIN);
	return strlen(password) <= RN_PASSWORD_BYTES_MAX
		   ? 0
		   : rn_fail(err, -EINVAL, "a password has at most %d bytes", RN_PASSWORD_BYTES_MAX);
}

/* The session is nobody's proof of the password: whoever sits down at an open page does not know it. */
static int check_current(struct rn_core *core, const struct rn_store_account *row, const char *current,
			 const struct rn_addr *source, unsigned *ret_wait, struct rn_err *err)
{
	int rc;

	if (!row->password[0])
		return 0;
	if (!current)
		return rn_fail(err, -EINVAL, "the field \"current\" is missing: this account has a password");
	rc = rn_sessions_may_hash(core, ret_wait, err);
	if (rc ||
	    (strlen(current) <= RN_PASSWORD_BYTES_MAX && rn_password_verify(row->password, current, strlen(current))))
		return rc;
	(void)rn_sessions_refuse(core, row->name, source, err);
	return rn_fail(err, -EPERM, "the current password is another one");
}

static int first_half(struct rn_core *core, const struct rn_principal *who, const char *password, const char *current,
		      const struct rn_addr *source, unsigned *ret_wait, struct rn_err *err)
{
	struct rn_store_account row = {0};
	int rc = who->session ? check_password(password, err)
			      : rn_fail(err, -EPERM, "only somebody who signed in has a password");

	if (!rc)
		rc = rn_sessions_may_try(core, who->name, source, ret_wait, err);
	if (!rc)
		rc = rn_store_account(core->books.store, who->name, &row, err);
	if (!rc)
		rc = check_current(core, &row, current, source, ret_wait, err);
	if (!rc)
		rc = rn_sessions_may_hash(core, ret_wait, err);
	rn_wipe(&row, sizeof(row));
	return rc;
}

void rn_core_set_password(struct rn_core *core, const struct rn_principal *who, const char *password,
			  const char *current, const struct rn_addr *source, rn_core_password_done *done, void *context)
{
	struct rn_password_change *change;
	struct rn_err err = {""};
	unsigned wait_s = 0;
	int rc = first_half(core, who, password, current, source, &wait_s, &err);

	change = rc ? NULL : calloc(1, sizeof(*change));
	if (!change) {
		done(context, rc ? rc : rn_fail(&err, -ENOMEM, "out of memory"), &err, NULL, wait_s);
		return;
	}
	change->who = *who;
	memcpy(change->password, password, strlen(password));
	change->done = done;
	change->context = context;
	change->next = core->passwords;
	core->passwords = change;
	rn_core_arm(core, rn_core_now_ms(core));
}

static int store_password(struct rn_core *core, struct rn_store_account *row, struct rn_core_session *ret,
			  struct rn_err *err)
{
	struct rn_store *store = core->books.store;
	int rc = rn_store_begin(store, err);

	if (rc)
		return rc;
	rc = rn_store_set_account(store, row, err);
	if (!rc)
		rc = rn_store_remove_sessions(store, row->number, err);
	if (!rc)
		rc = rn_store_remove_link(store, row->number, err);
	if (!rc)
		rc = rn_sessions_add(core, row, ret, err);
	if (!rc)
		rc = rn_store_audit(store, rn_core_now(core), row->name, "password", row->name, "", err);
	return rn_core_finish(core, rc, err);
}

static int second_half(struct rn_core *core, const struct rn_password_change *change, struct rn_core_session *ret,
		       struct rn_err *err)
{
	struct rn_store_account row = {0};
	int rc = rn_core_still(core, &change->who) ? rn_store_account(core->books.store, change->who.name, &row, err)
						   : rn_fail(err, -EACCES, "this session has ended: sign in again");

	if (!rc && rn_password_hash(change->password, strlen(change->password), row.password))
		rc = rn_fail(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = store_password(core, &row, ret, err);
	rn_wipe(&row, sizeof(row));
	return rc;
}

void rn_passwords_tick(struct rn_core *core, bool last)
{
	struct rn_password_change *change = core->passwords;
	struct rn_core_session session;
	struct rn_err err = {""};
	int rc;

	if (!change)
		return;
	core->passwords = change->next;
	rc = last ? rn_fail(&err, -EAGAIN, "core ends: try again") : second_half(core, change, &session, &err);
	change->done(change->context, rc, &err, rc ? NULL : &session, 0);
	rn_wipe(&session, sizeof(session));
	rn_wipe(change, sizeof(*change));
	free(change);
	if (core->passwords)
		rn_core_arm(core, rn_core_now_ms(core));
}
