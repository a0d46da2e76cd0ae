/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/resources.h"

/* Signing in and out. The cookie is for this host alone, and no script reads it. */
#define COOKIE "__Host-rnaut="
#define COOKIE_ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict"
#define COOKIE_MAX 200

static void put_cookie(const struct rn_core_session *session, char out[COOKIE_MAX])
{
	snprintf(out, COOKIE_MAX, COOKIE "%s; Max-Age=604800" COOKIE_ATTRIBUTES, session->cookie);
}

static const char no_cookie[] = COOKIE "; Max-Age=0" COOKIE_ATTRIBUTES;

static struct rn_json *session_json(const struct rn_principal *who)
{
	struct rn_json *root = rn_json_object();

	rn_json_add_text(root, "account", who->name);
	rn_json_add_text(root, "role", rn_access_name(who->access));
	rn_json_add_text(root, "csrf", who->session ? who->csrf : NULL);
	rn_api_add_time(root, "expires", who->expires);
	rn_json_add_bool(root, "has_password", who->has_password);
	return root;
}

static void fail(struct rn_api_call *call, int code, unsigned wait_s, const struct rn_err *err)
{
	if (code == -EDQUOT)
		rn_api_refuse_later(call, wait_s, err);
	else
		rn_api_fail(call, code, err);
}

/* Either a link, or account and password: 0, or the call has been answered. */
static int read_credential(struct rn_api_call *call, const char **link, const char **account, const char **password)
{
	if (rn_api_text(call, "link", link) < 0 || rn_api_text(call, "account", account) < 0 ||
	    rn_api_text(call, "password", password) < 0)
		return -EINVAL;
	if (*link ? !*account && !*password : *account && *password)
		return 0;
	rn_api_refuse(call, 400, "invalid", "either \"link\", or \"account\" and \"password\", is needed");
	return -EINVAL;
}

void rn_api_session_create(struct rn_api_call *call)
{
	const char *link = NULL, *account = NULL, *password = NULL;
	const struct rn_addr *source = &call->request->source.addr;
	struct rn_core_session session;
	struct rn_err err = {""};
	char cookie[COOKIE_MAX];
	unsigned wait_s = 0;
	int code;

	if (read_credential(call, &link, &account, &password) < 0)
		return;
	if (call->request->root) {
		rn_api_refuse(call, 400, "invalid", "root needs no session on this socket: use the console's address");
		return;
	}
	code = link ? rn_core_sign_in_link(call->core, link, source, &session, &wait_s, &err)
		    : rn_core_sign_in_password(call->core, account, password, source, &session, &wait_s, &err);
	if (code < 0) {
		fail(call, code, wait_s, &err);
		return;
	}
	/* The session that this one replaces must not stay behind. */
	if (call->who.session)
		(void)rn_core_sign_out(call->core, &call->who, &err);
	put_cookie(&session, cookie);
	rn_api_answer_cookie(call, 201, session_json(&session.who), cookie);
	rn_wipe(&session, sizeof(session));
	rn_wipe(cookie, sizeof(cookie));
}

void rn_api_session_get(struct rn_api_call *call)
{
	rn_api_answer(call, 200, session_json(&call->who));
}

void rn_api_session_delete(struct rn_api_call *call)
{
	struct rn_err err = {""};
	int code = rn_core_sign_out(call->core, &call->who, &err);

	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer_nothing(call, no_cookie);
}

static void password_set(void *context, int code, const struct rn_err *err, const struct rn_core_session *session,
			 unsigned wait_s)
{
	struct rn_api_call *call = context;
	char cookie[COOKIE_MAX];

	if (code < 0) {
		fail(call, code, wait_s, err);
		return;
	}
	put_cookie(session, cookie);
	rn_api_answer_nothing(call, cookie);
	rn_wipe(cookie, sizeof(cookie));
}

void rn_api_session_password(struct rn_api_call *call)
{
	const char *password, *current = NULL;

	if (rn_api_need_text(call, "password", &password) == 0 && rn_api_text(call, "current", &current) == 0)
		rn_core_set_password(call->core, &call->who, password, current, &call->request->source.addr,
				     password_set, call);
}
