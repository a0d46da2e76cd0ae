/* SPDX-License-Identifier: Apache-2.0 */
/* The store's part about who may call, and that a database of before it is taken over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_world.h"
#include "sys/store_access.h"
#include "sys/store_sql.h"

static struct rn_store_account add(struct fixture *f, const char *name, unsigned role)
{
	struct rn_store_account a = {.role = role, .created = 100};

	snprintf(a.name, sizeof(a.name), "%s", name);
	assert_int_equal(rn_store_add_account(f->store, &a, &f->err), 0);
	assert_true(a.number > 0);
	return a;
}

static struct rn_store_entry entry(uint32_t account, uint8_t fill, int64_t created, int64_t until)
{
	struct rn_store_entry e = {.created = created, .until = until};

	e.account.number = account;
	memset(e.hash, fill, sizeof(e.hash));
	return e;
}

static void append(void *context, const struct rn_store_account *a)
{
	size_t at = strlen(context);

	snprintf((char *)context + at, 64 - at, "%s ", a->name);
}

static void accounts(void **state)
{
	struct fixture *f = *state;
	struct rn_store_account bob = add(f, "bob", 2), alice = add(f, "alice", 3), got;
	char list[64] = "";
	uint64_t count;

	assert_int_equal(rn_store_add_account(f->store, &bob, &f->err), -EEXIST);
	assert_int_equal(rn_store_account(f->store, "eve", &got, &f->err), -ENOENT);
	assert_int_equal(rn_store_accounts(f->store, append, list, &f->err), 0);
	assert_string_equal(list, "alice bob ");
	assert_int_equal(rn_store_count_accounts(f->store, 3, &count, &f->err), 0);
	assert_int_equal(count, 1);
	alice.role = 1;
	alice.last_login = 7;
	memset(alice.password, 'x', sizeof(alice.password) - 1);
	assert_int_equal(rn_store_set_account(f->store, &alice, &f->err), 0);
	assert_int_equal(rn_store_account(f->store, "alice", &got, &f->err), 0);
	assert_memory_equal(&got, &alice, sizeof(got));
	/* A number is never used again: what names it cannot come to mean another account. */
	assert_int_equal(rn_store_remove_account(f->store, alice.number, &f->err), 0);
	assert_true(add(f, "carol", 1).number > alice.number);
}

static void links_and_sessions(void **state)
{
	struct fixture *f = *state;
	struct rn_store_account a = add(f, "alice", 3), b = add(f, "bob", 1);
	struct rn_store_entry link = entry(a.number, 1, 10, 20), other = entry(a.number, 2, 11, 21), got;
	struct rn_store_entry near = link;
	uint64_t count;

	assert_int_equal(rn_store_put_link(f->store, &link, &f->err), 0);
	assert_int_equal(rn_store_link(f->store, link.hash, &got, &f->err), 0);
	assert_string_equal(got.account.name, "alice");
	assert_int_equal(got.until, 20);
	/* The same first bytes and another end are another secret. */
	near.hash[31] ^= 1;
	assert_int_equal(rn_store_link(f->store, near.hash, &got, &f->err), -ENOENT);
	assert_int_equal(rn_store_put_link(f->store, &other, &f->err), 0);
	assert_int_equal(rn_store_link(f->store, link.hash, &got, &f->err), -ENOENT);
	assert_int_equal(rn_store_remove_link(f->store, a.number, &f->err), 0);
	assert_int_equal(rn_store_link(f->store, other.hash, &got, &f->err), -ENOENT);

	for (uint8_t i = 0; i < 5; i++) {
		struct rn_store_entry s = entry(i < 4 ? a.number : b.number, (uint8_t)(10 + i), 100, 100 + i);

		assert_int_equal(rn_store_add_session(f->store, &s, &f->err), 0);
	}
	link = entry(0, 10, 0, 0);
	assert_int_equal(rn_store_touch_session(f->store, link.hash, 500, &f->err), 0);
	assert_int_equal(rn_store_trim_sessions(f->store, a.number, 2, &f->err), 0);
	assert_int_equal(rn_store_session(f->store, link.hash, &got, &f->err), 0); /* used last */
	assert_int_equal(got.until, 500);
	assert_int_equal(rn_store_session(f->store, entry(0, 11, 0, 0).hash, &got, &f->err), -ENOENT);
	assert_int_equal(rn_store_session(f->store, entry(0, 13, 0, 0).hash, &got, &f->err), 0);
	assert_int_equal(rn_store_session(f->store, entry(0, 14, 0, 0).hash, &got, &f->err), 0);
	assert_int_equal(rn_store_expire_sessions(f->store, 0, 200, &f->err), 0);
	assert_int_equal(rn_store_count_sessions(f->store, &count, &f->err), 0);
	assert_int_equal(count, 1);
	/* They go with their account. */
	assert_int_equal(rn_store_remove_account(f->store, a.number, &f->err), 0);
	assert_int_equal(rn_store_count_sessions(f->store, &count, &f->err), 0);
	assert_int_equal(count, 0);
}

static void api_tokens(void **state)
{
	struct fixture *f = *state;
	struct rn_store_api_token t = {.id = "0123456789abcdef", .name = "ci", .role = 2, .created = 1, .expires = 9},
				  got;

	memset(t.hash, 5, sizeof(t.hash));
	assert_int_equal(rn_store_add_api_token(f->store, &t, &f->err), 0);
	assert_int_equal(rn_store_add_api_token(f->store, &t, &f->err), -EEXIST);
	snprintf(t.id, sizeof(t.id), "another");
	assert_int_equal(rn_store_add_api_token(f->store, &t, &f->err), -EEXIST); /* the name */
	assert_int_equal(rn_store_touch_api_token(f->store, "0123456789abcdef", 77, &f->err), 0);
	assert_int_equal(rn_store_api_token(f->store, "0123456789abcdef", &got, &f->err), 0);
	assert_int_equal(got.used, 77);
	assert_memory_equal(got.hash, t.hash, sizeof(got.hash));
	assert_int_equal(rn_store_remove_api_token(f->store, "0123456789abcdef", &f->err), 0);
	assert_int_equal(rn_store_remove_api_token(f->store, "0123456789abcdef", &f->err), -ENOENT);
}

struct seen {
	unsigned count;
	uint64_t first, last;
};

static void see(void *context, const struct rn_store_audit *row)
{
	struct seen *seen = context;

	if (!seen->count++)
		seen->first = row->number;
	seen->last = row->number;
	assert_string_equal(row->actor, "root");
}

static void audits(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	uint64_t newest = 1;

	assert_int_equal(rn_store_newest_audit(f->store, &newest, &f->err), 0);
	assert_int_equal(newest, 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(rn_store_audit(f->store, i, "root", "w", "o", "d", &f->err), 0);
	assert_int_equal(rn_store_audits(f->store, 3, 4, see, &seen, &f->err), 0);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.first, 4);
	assert_int_equal(seen.last, 7);
	seen = (struct seen){0};
	assert_int_equal(rn_store_audits(f->store, UINT64_MAX, 4, see, &seen, &f->err), 0);
	assert_int_equal(seen.count, 0);
}

/* Only so many are kept, and their numbers go on. */
static void old_audits_make_room(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	unsigned total = RN_STORE_AUDIT_MAX + 3000;

	assert_int_equal(rn_store_begin(f->store, &f->err), 0);
	for (unsigned i = 0; i < total; i++)
		assert_int_equal(rn_store_audit(f->store, 1, "root", "w", "o", "d", &f->err), 0);
	assert_int_equal(rn_store_commit(f->store, &f->err), 0);
	assert_int_equal(rn_store_audits(f->store, 0, UINT32_MAX, see, &seen, &f->err), 0);
	assert_int_equal(seen.last, total);
	assert_true(seen.count >= RN_STORE_AUDIT_MAX && seen.count < RN_STORE_AUDIT_MAX + 1024);
}

/* As the version before this one left it. */
static void make_old(struct fixture *f)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, rn_sql_migrations[0], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
			 "PRAGMA user_version = 1; INSERT INTO meta VALUES ('device', 41);"
			 "INSERT INTO audit (time, actor, what, object, detail) VALUES (5, 'root', 'old', '', '')",
			 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
}

static void an_old_database_is_taken_over(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	uint64_t number;

	make_old(f);
	assert_int_equal(rn_store_open(f->path, false, &f->store, &f->err), 0);
	assert_int_equal(rn_store_number(f->store, "device", &number, &f->err), 0);
	assert_int_equal(number, 41);
	assert_int_equal(rn_store_audits(f->store, 0, 10, see, &seen, &f->err), 0);
	assert_int_equal(seen.count, 1);
	add(f, "admin", 3);
	rn_store_close(f->store);
	assert_int_equal(rn_store_open(f->path, false, &f->store, &f->err), 0); /* and only once */
	assert_int_equal(rn_store_count_accounts(f->store, 3, &number, &f->err), 0);
	assert_int_equal(number, 1);
}

/* A migration that fails half way leaves the old database. */
static void a_failed_migration_changes_nothing(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *st;
	sqlite3 *db;

	make_old(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE api_tokens (in_the_way)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(rn_store_open(f->path, false, &f->store, &f->err), -EIO);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_master WHERE name = 'accounts'", -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, store_begin, store_end)
	const struct CMUnitTest tests[] = {
	    T(accounts),
	    T(links_and_sessions),
	    T(api_tokens),
	    T(audits),
	    T(old_audits_make_room),
	    cmocka_unit_test_setup_teardown(an_old_database_is_taken_over, store_place, store_end),
	    cmocka_unit_test_setup_teardown(a_failed_migration_changes_nothing, store_place, store_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
