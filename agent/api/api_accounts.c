/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "api/resources.h"

static struct rn_json *account_json(const struct rn_core_account *account)
{
	struct rn_json *root = rn_json_object();

	rn_json_add_text(root, "account", account->name);
	rn_json_add_text(root, "role", rn_access_name(account->role));
	rn_json_add_bool(root, "has_password", account->has_password);
	rn_api_add_time(root, "created", account->created);
	rn_api_add_time(root, "last_login", account->last_login);
	return root;
}

/* The path of a page of the console; the secret is behind the number sign, which browsers keep to themselves. */
static void add_link(struct rn_json *object, struct rn_core_link *link)
{
	char path[RN_SECRET_TEXT + 8];

	snprintf(path, sizeof(path), "/login#%s", link->link);
	rn_json_add_text(object, "link", path);
	rn_api_add_time(object, "expires", link->expires);
	rn_wipe(path, sizeof(path));
	rn_wipe(link, sizeof(*link));
}

static void append(void *context, const struct rn_core_account *account)
{
	rn_json_append(context, account_json(account));
}

void rn_api_accounts_list(struct rn_api_call *call)
{
	struct rn_json *list = rn_json_array();
	struct rn_err err = {""};

	rn_api_answer_list(call, "accounts", list, rn_core_accounts(call->core, append, list, &err), &err);
}

void rn_api_accounts_create(struct rn_api_call *call)
{
	char name[RN_NAME_MAX + 1];
	struct rn_err err = {""};
	struct rn_core_link link;
	struct rn_json *root;
	enum rn_access role;
	int code;

	if (rn_api_need_name(call, "account", name) < 0 || rn_api_role(call, &role) < 0)
		return;
	code = rn_core_account_create(call->core, name, role, &link, &err);
	if (code < 0) {
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	rn_json_add_text(root, "account", name);
	rn_json_add_text(root, "role", rn_access_name(role));
	add_link(root, &link);
	rn_api_answer(call, 201, root);
}

void rn_api_account_role(struct rn_api_call *call)
{
	struct rn_core_account account;
	struct rn_err err = {""};
	enum rn_access role;
	int code;

	if (rn_api_role(call, &role) < 0)
		return;
	code = rn_core_account_role(call->core, call->name, role, &account, &err);
	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer(call, 200, account_json(&account));
}

void rn_api_account_link(struct rn_api_call *call)
{
	struct rn_err err = {""};
	struct rn_core_link link;
	struct rn_json *root;
	int code = rn_core_account_link(call->core, call->name, &link, &err);

	if (code < 0) {
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	add_link(root, &link);
	rn_api_answer(call, 201, root);
}

void rn_api_account_delete(struct rn_api_call *call)
{
	struct rn_err err = {""};
	int code = rn_core_account_delete(call->core, call->name, &err);

	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer_nothing(call, NULL);
}
