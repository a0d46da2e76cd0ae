/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_ACCOUNTS_H
#define RN_SERVICE_CORE_ACCOUNTS_H

#include "service/core_access.h"
#include "service/core_attempts.h"
#include "service/core_state.h"
#include "sys/store_access.h"

/* What the files about who may call share. */
#define RN_ACCOUNTS_MAX 1000u
#define RN_API_TOKENS_MAX 1000u
#define RN_SESSIONS_MAX 16u /* of one account; the one that was not used longest ends */
#define RN_SESSION_IDLE_S (8 * 3600)
#define RN_SESSION_LIFETIME_S (7 * 86400)
/* A clock that was set back by more than this ends what it had made before: how old it is can no longer be said. */
#define RN_CLOCK_SLACK_S 300

/* core_secret.c: 32 random bytes and what is kept of them. */
void rn_secret_make(char ret_text[RN_SECRET_TEXT], uint8_t ret_hash[RN_SHA256_SIZE]);
int rn_secret_hash(const char *text, uint8_t ret_hash[RN_SHA256_SIZE]); /* 0 or -EACCES */
int rn_secret_csrf(const char *text, char ret_csrf[RN_SECRET_TEXT]);	/* the CSRF token of a session's secret */

/* A new account with this role, or a new link of an old one; within a transaction of the store. */
int rn_accounts_add(struct rn_store *store, const char *name, enum rn_access role, int64_t now,
		    struct rn_store_account *ret, struct rn_err *err);
int rn_accounts_link(struct rn_store *store, uint32_t account, int64_t now, struct rn_core_link *ret,
		     struct rn_err *err);

/* core_sessions.c */
#define RN_PASSWORD_BYTES_MAX 1024
/* A new session for the account as it is now; within a transaction. */
int rn_sessions_add(struct rn_core *core, struct rn_store_account *account, struct rn_core_session *ret,
		    struct rn_err *err);
/* Counts a failure; -EACCES with a sentence that says nothing of why. account NULL: none is named. */
int rn_sessions_refuse(struct rn_core *core, const char *account, const struct rn_addr *source, struct rn_err *err);
/* 0, or -EDQUOT with *ret_wait in seconds: may this account try from there; is there an Argon2id left. */
int rn_sessions_may_try(struct rn_core *core, const char *account, const struct rn_addr *source, unsigned *ret_wait,
			struct rn_err *err);
int rn_sessions_may_hash(struct rn_core *core, unsigned *ret_wait, struct rn_err *err);

/* core_sessions.c and core_api_tokens.c: 0 or -EACCES. */
int rn_sessions_authenticate(struct rn_core *core, const char *cookie, struct rn_principal *ret);
int rn_api_tokens_authenticate(struct rn_core *core, const char *bearer, struct rn_principal *ret);

/* core_audit.c */
int rn_core_audit(struct rn_core *core, const char *what, const char *object, const char *detail, struct rn_err *err);

/* Ends the transaction: commits where rc is 0, else rolls back. */
int rn_core_finish(struct rn_core *core, int rc, struct rn_err *err);

#endif
