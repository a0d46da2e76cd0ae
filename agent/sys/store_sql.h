/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_STORE_SQL_H
#define RN_SYS_STORE_SQL_H

/* The SQL of the store and nothing else: the tables (in store_sql.c), and every statement there is. */
#define STORE_SCHEMA 7 /* user_version of a database that this program has made or migrated */

/* Migration n brings user_version from n to n + 1, and says so itself. Constant text, run in one transaction each. */
extern const char *const rn_sql_migrations[STORE_SCHEMA];

#define STATEMENTS(X)                                                                                                  \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                                    \
	X(COMMIT, "COMMIT")                                                                                            \
	X(ROLLBACK, "ROLLBACK")                                                                                        \
	X(META, "SELECT value FROM meta WHERE name = ?")                                                               \
	X(SET_META, "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")          \
	X(ADD_META, "INSERT INTO meta VALUES (?, 0) ON CONFLICT (name) DO NOTHING")                                    \
	X(NEXT, "UPDATE meta SET value = value + 1 WHERE name = ? RETURNING value")                                    \
	X(PUT_RECORD, "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?4) ON CONFLICT (type, device) DO UPDATE SET"   \
		      " epoch = excluded.epoch, version = excluded.version, blob = excluded.blob")                     \
	X(REMOVE_RECORD, "DELETE FROM records WHERE type = ? AND device = ?")                                          \
	X(RECORDS, "SELECT type, device, epoch, version, blob FROM records ORDER BY epoch, version")                   \
	X(UNSETTLED, "SELECT device, version FROM records WHERE type = ? AND version > settled ORDER BY device"        \
		     " LIMIT ?")                                                                                       \
	X(SETTLE, "UPDATE records SET settled = version WHERE type = ?")                                               \
	X(SELECTOR, "SELECT number FROM selectors WHERE text = ?")                                                     \
	X(ADD_SELECTOR, "INSERT INTO selectors (text) VALUES (?) ON CONFLICT (text) DO UPDATE SET text = text"         \
			" RETURNING number")                                                                           \
	X(PUT_MEANING, "INSERT INTO meanings VALUES (?, ?, ?, ?) ON CONFLICT (kind, number) DO UPDATE SET"             \
		       " version = excluded.version, row = excluded.row")                                              \
	X(REMOVE_MEANING, "DELETE FROM meanings WHERE kind = ? AND number = ?")                                        \
	X(MEANINGS, "SELECT row FROM meanings WHERE kind = ? ORDER BY version, number")                                \
	X(USER, "INSERT INTO users (name, created) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET name = name"         \
		" RETURNING number")                                                                                   \
	X(ADD_DEVICE, "INSERT INTO devices (number, name, noise_key, wireguard_key, created) VALUES (?, ?, ?, ?, ?)")  \
	X(DEVICE, "SELECT number, name, noise_key, wireguard_key, created, sequence FROM devices WHERE number = ?")    \
	X(SET_WIREGUARD_KEY, "UPDATE devices SET wireguard_key = ? WHERE number = ?")                                  \
	X(RISE_SEQUENCE, "UPDATE devices SET sequence = ?1 WHERE number = ?2 AND sequence < ?1 RETURNING number")      \
	X(SET_LEAF, "UPDATE devices SET leaf = ? WHERE number = ?")                                                    \
	X(LEAF, "SELECT leaf FROM devices WHERE number = ? AND leaf IS NOT NULL")                                      \
	X(ADD_TAG, "INSERT INTO tags VALUES (?, ?) ON CONFLICT DO NOTHING")                                            \
	X(TAGS, "SELECT tag FROM tags WHERE device = ? ORDER BY tag")                                                  \
	X(ADD_TOKEN, "INSERT INTO tokens (id, public, kind, name, owner, hub, tags, expires, ends, homes)"             \
		     " VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?)")                                              \
	X(TOKEN, "SELECT id, public, kind, t.name, coalesce(owner, 0), coalesce(u.name, ''), hub, tags, expires,"      \
		 " used_at, device, ends, homes FROM tokens t LEFT JOIN users u ON u.number = t.owner WHERE id = ?")   \
	X(USE_TOKEN, "UPDATE tokens SET used_at = ?, device = ? WHERE id = ? AND used_at = 0 RETURNING id")            \
	X(REMOVE_TOKEN, "DELETE FROM tokens WHERE id = ? RETURNING id")                                                \
	X(EXPIRE_TOKENS, "DELETE FROM tokens WHERE expires < ?")                                                       \
	X(ADD_POLICY, "INSERT INTO policies VALUES (?, ?, ?, ?, ?, ?, ?)")					       \
	X(TRIM_POLICIES, "DELETE FROM policies WHERE version IN (SELECT version FROM (SELECT version,"		       \
			 " row_number() OVER newest AS place, sum(size) OVER newest AS bytes FROM policies"	       \
			 " WINDOW newest AS (ORDER BY version DESC)) WHERE place > 1 AND (place > ? OR bytes > ?))")   \
	X(POLICY, "SELECT version, origin, stored, author, comment, size, text FROM policies"			       \
		  " ORDER BY version DESC LIMIT 1")								       \
	X(POLICY_OF, "SELECT version, origin, stored, author, comment, size, text FROM policies WHERE version = ?")    \
	X(LIST_POLICIES, "SELECT version, origin, stored, author, comment, size FROM policies WHERE version < ?"       \
			 " ORDER BY version DESC LIMIT ?")							       \
	X(PUT_DRAFT, "INSERT INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"		       \
		     " base = excluded.base, stored = excluded.stored, author = excluded.author,"		       \
		     " comment = excluded.comment, size = excluded.size, text = excluded.text")			       \
	X(DRAFT, "SELECT name, base, stored, author, comment, size, text FROM drafts WHERE name = ?")		       \
	X(LIST_DRAFTS, "SELECT name, base, stored, author, comment, size FROM drafts ORDER BY name")		       \
	X(OTHER_DRAFTS, "SELECT count(*), coalesce(sum(size), 0) FROM drafts WHERE name <> ?")			       \
	X(REMOVE_DRAFT, "DELETE FROM drafts WHERE name = ? RETURNING size")					       \
	X(AUDIT, "INSERT INTO audit (time, actor, what, object, detail) VALUES (?, ?, ?, ?, ?)")                       \
	X(LIST_TOKENS,                                                                                                 \
	  "SELECT id, public, kind, t.name, coalesce(owner, 0), coalesce(u.name, ''), hub, tags, expires,"             \
	  " used_at, device, ends, homes FROM tokens t LEFT JOIN users u ON u.number = t.owner"                        \
	  " ORDER BY expires DESC, id LIMIT 10000")                                                                    \
	X(SELECTORS, "SELECT number, text FROM selectors ORDER BY number")                                             \
	X(PRUNE_AUDIT, "DELETE FROM audit WHERE number <= ?")                                                          \
	X(LIST_AUDIT, "SELECT number, time, actor, what, object, detail FROM audit WHERE number > ?"                   \
		      " ORDER BY number LIMIT ?")                                                                      \
	X(NEWEST_AUDIT, "SELECT coalesce(max(number), 0) FROM audit")                                                  \
	X(ADD_ACCOUNT, "INSERT INTO accounts (name, role, password, created, last_login) VALUES (?, ?, ?, ?, ?)"       \
		       " RETURNING number")                                                                            \
	X(ACCOUNT, "SELECT number, name, role, password, created, last_login FROM accounts WHERE name = ?")            \
	X(LIST_ACCOUNTS, "SELECT number, name, role, password, created, last_login FROM accounts ORDER BY name")       \
	X(SET_ACCOUNT, "UPDATE accounts SET role = ?, password = ?, last_login = ? WHERE number = ?")                  \
	X(REMOVE_ACCOUNT, "DELETE FROM accounts WHERE number = ?")                                                     \
	X(COUNT_ACCOUNTS, "SELECT count(*) FROM accounts WHERE role >= ?")                                             \
	X(PUT_LINK, "INSERT INTO links (hash, created, expires, hint, account) VALUES (?, ?, ?, ?, ?)"                 \
		    " ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, created = excluded.created,"           \
		    " expires = excluded.expires, hint = excluded.hint")                                               \
	X(LINK, "SELECT a.number, a.name, a.role, a.password, a.created, a.last_login, l.hash, l.created, l.expires"   \
		" FROM links l JOIN accounts a ON a.number = l.account WHERE l.hint = ?")                              \
	X(REMOVE_LINK, "DELETE FROM links WHERE account = ?")                                                          \
	X(ADD_SESSION, "INSERT INTO sessions (hash, account, created, used, hint) VALUES (?, ?, ?, ?, ?)")             \
	X(SESSION, "SELECT a.number, a.name, a.role, a.password, a.created, a.last_login, s.hash, s.created, s.used"   \
		   " FROM sessions s JOIN accounts a ON a.number = s.account WHERE s.hint = ?")                        \
	X(TOUCH_SESSION, "UPDATE sessions SET used = ? WHERE hint = ?")                                                \
	X(REMOVE_SESSION, "DELETE FROM sessions WHERE hint = ?")                                                       \
	X(REMOVE_SESSIONS, "DELETE FROM sessions WHERE account = ?")                                                   \
	X(EXPIRE_SESSIONS, "DELETE FROM sessions WHERE created < ? OR used < ?")                                       \
	X(COUNT_SESSIONS, "SELECT count(*) FROM sessions")                                                             \
	X(TRIM_SESSIONS, "DELETE FROM sessions WHERE hint IN (SELECT hint FROM sessions WHERE account = ?"             \
			 " ORDER BY used DESC, hint LIMIT -1 OFFSET ?)")                                               \
	X(ADD_API_TOKEN, "INSERT INTO api_tokens VALUES (?, ?, ?, ?, ?, ?, 0)")                                        \
	X(API_TOKEN, "SELECT id, name, role, hash, created, expires, used FROM api_tokens WHERE id = ?")               \
	X(LIST_API_TOKENS, "SELECT id, name, role, hash, created, expires, used FROM api_tokens ORDER BY name")        \
	X(TOUCH_API_TOKEN, "UPDATE api_tokens SET used = ? WHERE id = ?")                                              \
	X(REMOVE_API_TOKEN, "DELETE FROM api_tokens WHERE id = ? RETURNING role")                                      \
	X(COUNT_API_TOKENS, "SELECT count(*) FROM api_tokens")

enum statement {
#define X(NAME, sql) NAME,
	STATEMENTS(X)
#undef X
	    STATEMENT_COUNT
};
extern const char *const rn_sql_statements[STATEMENT_COUNT];

#endif
