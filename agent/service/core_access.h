/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_ACCESS_H
#define RN_SERVICE_CORE_ACCESS_H

#include "base/addr.h"
#include "domain/access.h"
#include "service/core.h"

/*
 * Who may call the API, as the API asks core: accounts with sessions and one-time links, tokens of programs, and the
 * record of what all of them did. Of the gateway only. Errors as in core.h, and -EACCES (the credential is not good;
 * nothing says why), -EDQUOT (too many attempts), -EPERM (not with this credential), -EMLINK (the last admin).
 */
#define RN_SECRET_TEXT 44 /* 32 bytes as base64url, and NUL */

/* A caller. */
struct rn_principal {
	enum rn_access access;
	bool session;		      /* by cookie: what changes something needs the CSRF token */
	char name[RN_NAME_MAX + 1];   /* account, or name of the token; "root" */
	char actor[RN_NAME_MAX + 8];  /* as the audit says it */
	uint8_t hash[RN_SHA256_SIZE]; /* of the session's secret */
	char csrf[RN_SECRET_TEXT];    /* of a session */
	char token[20];		      /* id of the API token, "" none */
	bool has_password;
	int64_t expires; /* at the latest */
};
void rn_principal_root(struct rn_principal *ret);
/* A bearer goes before a cookie. 0 or -EACCES. */
int rn_core_authenticate(struct rn_core *core, const char *cookie, const char *bearer, struct rn_principal *ret);
/* Would it still be let in, as what it was? For what lasts, such as streams. */
bool rn_core_still(struct rn_core *core, const struct rn_principal *who);
bool rn_principal_csrf(const struct rn_principal *who, const char *csrf); /* constant time */
/* Who the audit names for what is called from now on; "root" where nobody said. The text is copied. */
void rn_core_act_as(struct rn_core *core, const char *actor);

/* ---- signing in: core_sessions.c ---- */

struct rn_core_session {
	char cookie[RN_SECRET_TEXT]; /* a secret */
	struct rn_principal who;
};
/* -EDQUOT: *ret_wait seconds from now. The link is the base64url of its secret. */
int rn_core_sign_in_link(struct rn_core *core, const char *link, const struct rn_addr *source,
			 struct rn_core_session *ret, unsigned *ret_wait, struct rn_err *err);
int rn_core_sign_in_password(struct rn_core *core, const char *account, const char *password,
			     const struct rn_addr *source, struct rn_core_session *ret, unsigned *ret_wait,
			     struct rn_err *err);
int rn_core_sign_out(struct rn_core *core, const struct rn_principal *who, struct rn_err *err);
/*
 * core_passwords.c: ends all sessions of the account; session is a new one. current is NULL where none was given.
 * -EPERM: it is wrong. Never more than one Argon2id in one turn of the loop, so done is called later, or at once with
 * an error.
 */
typedef void rn_core_password_done(void *context, int code, const struct rn_err *err,
				   const struct rn_core_session *session, unsigned wait_s);
void rn_core_set_password(struct rn_core *core, const struct rn_principal *who, const char *password,
			  const char *current, const struct rn_addr *source, rn_core_password_done *done,
			  void *context);

/* ---- accounts: core_accounts.c ---- */

struct rn_core_account {
	char name[RN_NAME_MAX + 1];
	enum rn_access role;
	bool has_password;
	int64_t created, last_login; /* 0: never */
};
struct rn_core_link {
	char link[RN_SECRET_TEXT]; /* a secret */
	int64_t expires;
};
#define RN_LINK_LIFETIME_S 3600
int rn_core_accounts(struct rn_core *core, void (*each)(void *context, const struct rn_core_account *), void *context,
		     struct rn_err *err);
int rn_core_account_create(struct rn_core *core, const char *name, enum rn_access role, struct rn_core_link *ret,
			   struct rn_err *err);
/* A role that changes ends the account's sessions. */
int rn_core_account_role(struct rn_core *core, const char *name, enum rn_access role, struct rn_core_account *ret,
			 struct rn_err *err);
int rn_core_account_link(struct rn_core *core, const char *name, struct rn_core_link *ret, struct rn_err *err);
int rn_core_account_delete(struct rn_core *core, const char *name, struct rn_err *err);

/* ---- tokens of programs: core_api_tokens.c ---- */

struct rn_core_api_token {
	char id[20], name[RN_NAME_MAX + 1];
	enum rn_access role;
	int64_t created, expires, used; /* used 0: never; to the minute */
};
#define RN_API_TOKEN_TEXT 80
int rn_core_api_tokens(struct rn_core *core, void (*each)(void *context, const struct rn_core_api_token *),
		       void *context, struct rn_err *err);
int rn_core_api_token_create(struct rn_core *core, const char *name, enum rn_access role, int64_t lifetime_s,
			     struct rn_core_api_token *ret, char ret_token[RN_API_TOKEN_TEXT], struct rn_err *err);
int rn_core_api_token_delete(struct rn_core *core, const char *id, struct rn_err *err);

/* ---- the audit: core_audit.c ---- */

struct rn_core_audit {
	uint64_t serial;
	int64_t time;
	const char *actor, *what, *object, *detail;
};
/* Those after the serial, oldest first, or the newest where newest is set. */
int rn_core_audits(struct rn_core *core, uint64_t after, bool newest, unsigned max,
		   void (*each)(void *context, const struct rn_core_audit *), void *context, struct rn_err *err);

/* What the metrics say of all this. */
struct rn_core_access_counts {
	uint64_t accounts, sessions, api_tokens;
	uint64_t signed_in, refused, limited; /* since core started */
};
void rn_core_access_counts(struct rn_core *core, struct rn_core_access_counts *ret);

#endif
