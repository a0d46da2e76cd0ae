/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/store_sql.h"

const char *const rn_sql_migrations[STORE_SCHEMA] = {
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
    " what TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL);"
    "PRAGMA user_version = 1;",
    "CREATE TABLE accounts (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " role INTEGER NOT NULL, password TEXT NOT NULL, created INTEGER NOT NULL, last_login INTEGER NOT NULL);"
    "CREATE TABLE links (account INTEGER PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,"
    " hint INTEGER NOT NULL UNIQUE, hash BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL);"
    "CREATE TABLE sessions (hint INTEGER PRIMARY KEY, hash BLOB NOT NULL,"
    " account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE, created INTEGER NOT NULL,"
    " used INTEGER NOT NULL);"
    "CREATE INDEX sessions_of ON sessions (account);"
    "CREATE TABLE api_tokens (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role INTEGER NOT NULL,"
    " hash BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 2;",
    ("ALTER TABLE records ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;"
     "PRAGMA user_version = 3;"),
    ("ALTER TABLE tokens ADD COLUMN ends INTEGER NOT NULL DEFAULT 0;"
     "PRAGMA user_version = 4;"),
    ("ALTER TABLE tokens ADD COLUMN homes BLOB NOT NULL DEFAULT x'';"
     "PRAGMA user_version = 5;"),
    ("DROP TABLE identities;"
     "CREATE TABLE meanings (kind INTEGER, number INTEGER, version INTEGER NOT NULL, row BLOB NOT NULL,"
     " PRIMARY KEY (kind, number)) WITHOUT ROWID;"
     "PRAGMA user_version = 6;"),
    /* The text is the last column, so that a list of the others reads none of it. */
    ("CREATE TABLE versions (version INTEGER PRIMARY KEY, origin INTEGER NOT NULL, stored INTEGER NOT NULL,"
     " author TEXT NOT NULL, comment TEXT NOT NULL, size INTEGER NOT NULL, text BLOB NOT NULL);"
     "INSERT INTO versions SELECT version, 0, stored, '', '', length(CAST(text AS BLOB)), text FROM policies;"
     "UPDATE versions SET author = actor FROM audit WHERE what = 'policy set'"
     " AND versions.version = CAST(object AS INTEGER);"
     "DROP TABLE policies;"
     "ALTER TABLE versions RENAME TO policies;"
     "CREATE TABLE drafts (name TEXT PRIMARY KEY, base INTEGER NOT NULL, stored INTEGER NOT NULL,"
     " author TEXT NOT NULL, comment TEXT NOT NULL, size INTEGER NOT NULL, text BLOB NOT NULL);"
     "PRAGMA user_version = 7;"),
};

const char *const rn_sql_statements[STATEMENT_COUNT] = {
#define X(NAME, sql) sql,
    STATEMENTS(X)
#undef X
};
