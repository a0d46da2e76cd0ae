/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_STORE_SQL_H
#define RN_SYS_STORE_SQL_H

/* The SQL of store.c and nothing else: the tables, and every statement there is. */
#define STORE_SCHEMA 1 /* user_version of a database that this program has made or migrated */

/* Migration n brings user_version from n to n + 1. Constant text, run in one transaction each. */
static const char *const migrations[STORE_SCHEMA] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE records (type INTEGER, device INTEGER, epoch INTEGER NOT NULL, version INTEGER NOT NULL,"
	" blob BLOB NOT NULL, PRIMARY KEY (type, device)) WITHOUT ROWID;"
	"CREATE TABLE selectors (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
	"CREATE TABLE identities (number INTEGER PRIMARY KEY, selectors BLOB NOT NULL UNIQUE);"
	"CREATE TABLE users (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" created INTEGER NOT NULL);"
	"CREATE TABLE devices (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, noise_key BLOB UNIQUE,"
	" wireguard_key BLOB UNIQUE, created INTEGER NOT NULL, sequence INTEGER NOT NULL DEFAULT 0, leaf BLOB);"
	"CREATE TABLE tags (device INTEGER NOT NULL REFERENCES devices, tag TEXT NOT NULL, PRIMARY KEY (device, tag))"
	" WITHOUT ROWID;"
	"CREATE TABLE tokens (id INTEGER PRIMARY KEY, public BLOB NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL,"
	" owner INTEGER REFERENCES users, hub INTEGER NOT NULL, tags TEXT NOT NULL, expires INTEGER NOT NULL,"
	" used_at INTEGER NOT NULL DEFAULT 0, device INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE policies (version INTEGER PRIMARY KEY, text TEXT NOT NULL, stored INTEGER NOT NULL);"
	"CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, actor TEXT NOT NULL,"
	" what TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL);",
};

#define STATEMENTS(X)                                                                                                  \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                                    \
	X(COMMIT, "COMMIT")                                                                                            \
	X(ROLLBACK, "ROLLBACK")                                                                                        \
	X(META, "SELECT value FROM meta WHERE name = ?")                                                               \
	X(SET_META, "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")          \
	X(ADD_META, "INSERT INTO meta VALUES (?, 0) ON CONFLICT (name) DO NOTHING")                                    \
	X(NEXT, "UPDATE meta SET value = value + 1 WHERE name = ? RETURNING value")                                    \
	X(PUT_RECORD, "INSERT INTO records VALUES (?, ?, ?, ?, ?) ON CONFLICT (type, device) DO UPDATE SET"            \
		      " epoch = excluded.epoch, version = excluded.version, blob = excluded.blob")                     \
	X(REMOVE_RECORD, "DELETE FROM records WHERE type = ? AND device = ?")                                          \
	X(RECORDS, "SELECT type, device, epoch, version, blob FROM records ORDER BY epoch, version")                   \
	X(SELECTOR, "SELECT number FROM selectors WHERE text = ?")                                                     \
	X(ADD_SELECTOR, "INSERT INTO selectors (text) VALUES (?) ON CONFLICT (text) DO UPDATE SET text = text"         \
			" RETURNING number")                                                                           \
	X(IDENTITY, "INSERT INTO identities (selectors) VALUES (?) ON CONFLICT (selectors) DO UPDATE SET"              \
		    " selectors = selectors RETURNING number")                                                         \
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
	X(ADD_TOKEN, "INSERT INTO tokens (id, public, kind, name, owner, hub, tags, expires)"                          \
		     " VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, ?)")                                                    \
	X(TOKEN, "SELECT id, public, kind, t.name, coalesce(owner, 0), coalesce(u.name, ''), hub, tags, expires,"      \
		 " used_at, device FROM tokens t LEFT JOIN users u ON u.number = t.owner WHERE id = ?")                        \
	X(USE_TOKEN, "UPDATE tokens SET used_at = ?, device = ? WHERE id = ? AND used_at = 0 RETURNING id")            \
	X(REMOVE_TOKEN, "DELETE FROM tokens WHERE id = ?")                                                             \
	X(EXPIRE_TOKENS, "DELETE FROM tokens WHERE expires < ?")                                                       \
	X(ADD_POLICY, "INSERT INTO policies VALUES (?, ?, ?)")                                                         \
	X(POLICY, "SELECT version, text, stored FROM policies ORDER BY version DESC LIMIT 1")                          \
	X(AUDIT, "INSERT INTO audit (time, actor, what, object, detail) VALUES (?, ?, ?, ?, ?)")

enum statement {
#define X(NAME, sql) NAME,
	STATEMENTS(X)
#undef X
	STATEMENT_COUNT
};
static const char *const statement_sql[STATEMENT_COUNT] = {
#define X(NAME, sql) sql,
	STATEMENTS(X)
#undef X
};

#endif
