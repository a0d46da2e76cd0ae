/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_accounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "domain/name.h"

int rn_core_finish(struct rn_core *core, int rc, struct rn_err *err)
{
	if (!rc)
		return rn_store_commit(core->books.store, err);
	rn_store_rollback(core->books.store);
	return rc;
}

/* ---- what admins do ---- */

static int begin(struct rn_core *core, struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);

	return rc ? rc : rn_store_begin(core->books.store, err);
}

static int find(struct rn_core *core, const char *name, struct rn_store_account *ret, struct rn_err *err)
{
	int rc = rn_store_account(core->books.store, name, ret, err);

	return rc == -ENOENT ? rn_fail(err, rc, "no account is named %.63s", name) : rc;
}

static void show(const struct rn_store_account *row, struct rn_core_account *ret)
{
	*ret = (struct rn_core_account){.role = (enum rn_access)row->role,
					.has_password = row->password[0] != 0,
					.created = row->created,
					.last_login = row->last_login};
	snprintf(ret->name, sizeof(ret->name), "%s", row->name);
}

struct listing {
	void (*each)(void *context, const struct rn_core_account *);
	void *context;
};

static void list_one(void *context, const struct rn_store_account *row)
{
	struct listing *listing = context;
	struct rn_core_account account;

	show(row, &account);
	listing->each(listing->context, &account);
}

int rn_core_accounts(struct rn_core *core, void (*each)(void *context, const struct rn_core_account *), void *context,
		     struct rn_err *err)
{
	struct listing listing = {each, context};
	int rc = rn_core_need_gateway(core, err);

	return rc ? rc : rn_store_accounts(core->books.store, list_one, &listing, err);
}

int rn_core_account_create(struct rn_core *core, const char *name, enum rn_access role, struct rn_core_link *ret,
			   struct rn_err *err)
{
	struct rn_store_account row;
	int rc;

	if (!rn_name_valid(name) || role < RN_ACCESS_VIEWER || role > RN_ACCESS_ADMIN)
		return rn_fail(err, -EINVAL, "an account needs a name (a-z, 0-9, '.', '_' and '-') and a role");
	/* The audit tells root, accounts and devices apart by name. */
	if (strcmp(name, "root") == 0 || strcmp(name, "nobody") == 0)
		return rn_fail(err, -EEXIST, "%s has a meaning of its own in the audit: choose another name", name);
	rc = begin(core, err);
	if (rc)
		return rc;
	rc = rn_accounts_add(core->books.store, name, role, rn_core_now(core), &row, err);
	if (!rc)
		rc = rn_accounts_link(core->books.store, row.number, rn_core_now(core), ret, err);
	if (!rc)
		rc = rn_core_audit(core, "account create", name, rn_access_name(role), err);
	return rn_core_finish(core, rc, err);
}

/* Would nobody be left who can make accounts? */
static int check_last(struct rn_core *core, const struct rn_store_account *row, struct rn_err *err)
{
	uint64_t admins = 0;
	int rc;

	if (row->role < RN_ACCESS_ADMIN)
		return 0;
	rc = rn_store_count_accounts(core->books.store, RN_ACCESS_ADMIN, &admins, err);
	if (rc || admins > 1)
		return rc;
	return rn_fail(err, -EMLINK, "%s is the last admin: make another one first", row->name);
}

/* A link was made for what the account was. */
static int end_all(struct rn_core *core, uint32_t account, struct rn_err *err)
{
	int rc = rn_store_remove_sessions(core->books.store, account, err);

	return rc ? rc : rn_store_remove_link(core->books.store, account, err);
}

int rn_core_account_role(struct rn_core *core, const char *name, enum rn_access role, struct rn_core_account *ret,
			 struct rn_err *err)
{
	struct rn_store_account row = {0};
	int rc = begin(core, err);

	if (rc)
		return rc;
	rc = role < RN_ACCESS_VIEWER || role > RN_ACCESS_ADMIN ? rn_fail(err, -EINVAL, "there is no such role")
							       : find(core, name, &row, err);
	if (!rc && role != (enum rn_access)row.role) {
		rc = role < RN_ACCESS_ADMIN ? check_last(core, &row, err) : 0;
		row.role = (unsigned)role;
		if (!rc)
			rc = rn_store_set_account(core->books.store, &row, err);
		if (!rc)
			rc = end_all(core, row.number, err);
		if (!rc)
			rc = rn_core_audit(core, "account role", name, rn_access_name(role), err);
	}
	if (!rc)
		show(&row, ret);
	rn_wipe(row.password, sizeof(row.password));
	return rn_core_finish(core, rc, err);
}

int rn_core_account_link(struct rn_core *core, const char *name, struct rn_core_link *ret, struct rn_err *err)
{
	struct rn_store_account row = {0};
	int rc = begin(core, err);

	if (rc)
		return rc;
	rc = find(core, name, &row, err);
	if (!rc)
		rc = rn_accounts_link(core->books.store, row.number, rn_core_now(core), ret, err);
	if (!rc)
		rc = rn_core_audit(core, "account link", name, "", err);
	rn_wipe(row.password, sizeof(row.password));
	return rn_core_finish(core, rc, err);
}

int rn_core_account_delete(struct rn_core *core, const char *name, struct rn_err *err)
{
	struct rn_store_account row = {0};
	int rc = begin(core, err);

	if (rc)
		return rc;
	rc = find(core, name, &row, err);
	if (!rc)
		rc = check_last(core, &row, err);
	if (!rc)
		rc = rn_store_remove_account(core->books.store, row.number, err);
	if (!rc)
		rc = rn_core_audit(core, "account delete", name, "", err);
	rn_wipe(row.password, sizeof(row.password));
	return rn_core_finish(core, rc, err);
}
