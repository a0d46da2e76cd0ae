/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_STORE_ACCESS_H
#define RN_SYS_STORE_ACCESS_H

#include "sys/store.h"

/*
 * The part of core.db about who may call the API: accounts, their one-time links and sessions, API tokens. Secrets are
 * not in it, only their SHA-256, and of passwords the Argon2id text. Errors as in store.h.
 */
struct rn_store_account {
	uint32_t number; /* never used again */
	char name[RN_STORE_NAME];
	unsigned role;
	char password[128]; /* "": none */
	int64_t created, last_login;
};
/* Allots the number. -EEXIST: the name is taken. */
int rn_store_add_account(struct rn_store *store, struct rn_store_account *account, struct rn_err *err);
int rn_store_account(struct rn_store *store, const char *name, struct rn_store_account *ret,
		     struct rn_err *err); /* -ENOENT */
int rn_store_accounts(struct rn_store *store, void (*each)(void *context, const struct rn_store_account *),
		      void *context, struct rn_err *err); /* in alphabetical order */
/* Stores role, password and last_login. */
int rn_store_set_account(struct rn_store *store, const struct rn_store_account *account, struct rn_err *err);
/* And with it its links and sessions. */
int rn_store_remove_account(struct rn_store *store, uint32_t number, struct rn_err *err);
int rn_store_count_accounts(struct rn_store *store, unsigned least_role, uint64_t *ret, struct rn_err *err);

/* What a link's or session's secret stands for. */
struct rn_store_entry {
	uint8_t hash[RN_SHA256_SIZE];
	struct rn_store_account account; /* to put: its number is enough */
	int64_t created;
	int64_t until; /* of a link: when it ends; of a session: when it was last used */
};
/* An account has one link at a time: this replaces it. */
int rn_store_put_link(struct rn_store *store, const struct rn_store_entry *link, struct rn_err *err);
int rn_store_link(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], struct rn_store_entry *ret,
		  struct rn_err *err); /* -ENOENT */
int rn_store_remove_link(struct rn_store *store, uint32_t account, struct rn_err *err);

int rn_store_add_session(struct rn_store *store, const struct rn_store_entry *session, struct rn_err *err);
int rn_store_session(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], struct rn_store_entry *ret,
		     struct rn_err *err); /* -ENOENT */
int rn_store_touch_session(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], int64_t now, struct rn_err *err);
int rn_store_remove_session(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], struct rn_err *err);
int rn_store_remove_sessions(struct rn_store *store, uint32_t account, struct rn_err *err);
/* Forgets what was made before the one or last used before the other. */
int rn_store_expire_sessions(struct rn_store *store, int64_t created, int64_t used, struct rn_err *err);
/* Keeps the `keep` of the account that were used last. */
int rn_store_trim_sessions(struct rn_store *store, uint32_t account, unsigned keep, struct rn_err *err);
int rn_store_count_sessions(struct rn_store *store, uint64_t *ret, struct rn_err *err);

struct rn_store_api_token {
	char id[24], name[RN_STORE_NAME];
	unsigned role;
	uint8_t hash[RN_SHA256_SIZE];
	int64_t created, expires, used; /* used 0: never */
};
int rn_store_add_api_token(struct rn_store *store, const struct rn_store_api_token *token,
			   struct rn_err *err); /* -EEXIST: the name */
int rn_store_api_token(struct rn_store *store, const char *id, struct rn_store_api_token *ret,
		       struct rn_err *err); /* -ENOENT */
int rn_store_api_tokens(struct rn_store *store, void (*each)(void *context, const struct rn_store_api_token *),
			void *context, struct rn_err *err);
int rn_store_touch_api_token(struct rn_store *store, const char *id, int64_t now, struct rn_err *err);
int rn_store_remove_api_token(struct rn_store *store, const char *id, struct rn_err *err); /* -ENOENT */
int rn_store_count_api_tokens(struct rn_store *store, uint64_t *ret, struct rn_err *err);

#endif
