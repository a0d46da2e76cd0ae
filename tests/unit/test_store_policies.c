/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the policy and drafts in the store: what is kept, for how long, and what an older database becomes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_world.h"
#include "sys/store_policies.h"
#include "sys/store_run.h"

static void add(struct fixture *f, uint64_t version, const char *text, size_t size)
{
	struct rn_store_policy p = {.version = version, .stored = (int64_t)version * 10, .size = size};
	snprintf(p.author, sizeof(p.author), "alice");
	snprintf(p.comment, sizeof(p.comment), "the %lluth", (unsigned long long)version);
	assert_int_equal(rn_store_add_policy(f->store, &p, text, &f->err), 0);
}

struct seen {
	unsigned count;
	uint64_t first, last;
};

static void see(void *context, const struct rn_store_policy *p)
{
	struct seen *s = context;
	assert_true(!s->count || p->version < s->last);
	if (!s->count++)
		s->first = p->version;
	s->last = p->version;
}

static struct seen list(struct fixture *f, uint64_t before, unsigned max)
{
	struct seen s = {0};
	assert_int_equal(rn_store_policies(f->store, before, max, see, &s, &f->err), 0);
	return s;
}

static void versions_are_kept_with_who_and_why(void **state)
{
	struct fixture *f = *state;
	struct rn_store_policy p = {.version = 9, .origin = 3, .stored = 90, .author = "token ci", .size = 2};
	char *text = NULL;
	assert_int_equal(rn_store_policy(f->store, 0, &p, &text, &f->err), -ENOENT);
	add(f, 3, "{}", 2);
	add(f, 8, "{ }", 3);
	assert_int_equal(rn_store_add_policy(f->store, &p, "{}", &f->err), 0);
	assert_int_equal(rn_store_add_policy(f->store, &p, "{}", &f->err), -EEXIST);
	assert_int_equal(rn_store_policy(f->store, 0, &p, &text, &f->err), 0);
	assert_int_equal(p.version, 9);
	assert_int_equal(p.origin, 3);
	assert_string_equal(p.author, "token ci");
	assert_string_equal(p.comment, "");
	free(text);
	assert_int_equal(rn_store_policy(f->store, 8, &p, &text, &f->err), 0);
	assert_string_equal(text, "{ }");
	assert_int_equal(p.size, 3);
	assert_int_equal(p.stored, 80);
	assert_string_equal(p.author, "alice");
	assert_string_equal(p.comment, "the 8th");
	free(text);
	assert_int_equal(rn_store_policy(f->store, 4, &p, &text, &f->err), -ENOENT);
	assert_int_equal(rn_store_policy(f->store, UINT64_MAX, &p, &text, &f->err), -ENOENT);
	assert_int_equal(list(f, UINT64_MAX, 10).count, 3);
	assert_int_equal(list(f, 9, 1).first, 8);
	assert_int_equal(list(f, 3, 10).count, 0);
}

static void the_oldest_fall_out_by_their_number(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(rn_store_begin(f->store, &f->err), 0);
	for (uint64_t v = 1; v <= RN_STORE_POLICIES_MAX + 5; v++)
		add(f, v, "{}", 2);
	assert_int_equal(rn_store_commit(f->store, &f->err), 0);
	struct seen s = list(f, UINT64_MAX, 10000);
	assert_int_equal(s.count, RN_STORE_POLICIES_MAX);
	assert_int_equal(s.first, RN_STORE_POLICIES_MAX + 5);
	assert_int_equal(s.last, 6);
}

/* 100 MiB a version: two fit, the third does not; one too large alone stays, since it is in force. */
static void the_oldest_fall_out_by_their_size(void **state)
{
	struct fixture *f = *state;
	size_t size = 100u << 20;
	char *text = calloc(1, 300u << 20);
	struct seen s;
	assert_non_null(text);
	for (uint64_t v = 1; v <= 4; v++)
		add(f, v, text, size);
	s = list(f, UINT64_MAX, 10);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.last, 3);
	add(f, 5, text, 300u << 20);
	s = list(f, UINT64_MAX, 10);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.first, 5);
	add(f, 6, "{}", 2);
	assert_int_equal(list(f, UINT64_MAX, 10).count, 1);
	free(text);
}

static void what_is_rolled_back_was_never_trimmed(void **state)
{
	struct fixture *f = *state;
	for (uint64_t v = 1; v <= RN_STORE_POLICIES_MAX; v++)
		add(f, v, "{}", 2);
	assert_int_equal(rn_store_begin(f->store, &f->err), 0);
	add(f, 5000, "{}", 2);
	rn_store_rollback(f->store);
	struct seen s = list(f, UINT64_MAX, 10000);
	assert_int_equal(s.count, RN_STORE_POLICIES_MAX);
	assert_int_equal(s.last, 1);
}

static void name(void *context, const struct rn_store_draft *draft)
{
	char *names = context;
	size_t at = strlen(names);
	snprintf(names + at, 64 - at, "%s,", draft->name);
}

static void drafts(void **state)
{
	struct fixture *f = *state;
	struct rn_store_draft d = {
	    .name = "monday", .base = 7, .stored = 70, .author = "bob", .comment = "c", .size = 3};
	char *text = NULL, names[64] = "";
	assert_int_equal(rn_store_put_draft(f->store, &d, "abc", &f->err), 0);
	d.size = 2;
	d.base = 8;
	assert_int_equal(rn_store_put_draft(f->store, &d, "de", &f->err), 0);
	snprintf(d.name, sizeof(d.name), "a");
	d.size = 0;
	assert_int_equal(rn_store_put_draft(f->store, &d, "", &f->err), 0);
	assert_int_equal(rn_store_drafts(f->store, name, names, &f->err), 0);
	assert_string_equal(names, "a,monday,");
	assert_int_equal(rn_store_draft(f->store, "monday", &d, &text, &f->err), 0);
	assert_string_equal(text, "de");
	assert_int_equal(d.base, 8);
	assert_string_equal(d.author, "bob");
	free(text);
	assert_int_equal(rn_store_remove_draft(f->store, "monday", &f->err), 0);
	assert_int_equal(rn_store_remove_draft(f->store, "monday", &f->err), -ENOENT);
	assert_int_equal(rn_store_draft(f->store, "monday", &d, &text, &f->err), -ENOENT);
}

static void drafts_have_bounds(void **state)
{
	struct fixture *f = *state;
	struct rn_store_draft d = {.size = 40u << 20};
	char *text = calloc(1, d.size);
	assert_non_null(text);
	snprintf(d.name, sizeof(d.name), "large");
	assert_int_equal(rn_store_put_draft(f->store, &d, text, &f->err), 0);
	assert_int_equal(rn_store_put_draft(f->store, &d, text, &f->err), 0); /* its own room is free again */
	snprintf(d.name, sizeof(d.name), "larger");
	assert_int_equal(rn_store_put_draft(f->store, &d, text, &f->err), -EDQUOT);
	assert_non_null(strstr(f->err.text, "64 MiB"));
	d.size = 1;
	for (unsigned i = 1; i < RN_STORE_DRAFTS_MAX; i++) {
		snprintf(d.name, sizeof(d.name), "d%u", i);
		assert_int_equal(rn_store_put_draft(f->store, &d, text, &f->err), 0);
	}
	assert_int_equal(rn_store_put_draft(f->store, &d, text, &f->err), 0);
	snprintf(d.name, sizeof(d.name), "more");
	assert_int_equal(rn_store_put_draft(f->store, &d, text, &f->err), -EDQUOT);
	free(text);
}

static void an_older_database_keeps_its_policies(void **state)
{
	struct fixture *f = *state;
	struct rn_store_policy p;
	char *text = NULL;
	sqlite3 *db;
	rn_store_close(f->store);
	unlink(f->path);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(sqlite3_exec(db, rn_sql_migrations[i], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
			 "INSERT INTO policies VALUES (2, CAST('{}' AS BLOB), 20), (15, '{\"a\u00e4\"}', 150);"
			 "INSERT INTO audit (time, actor, what, object, detail) VALUES"
			 " (1, 'eve', 'device revoked', '15', ''), (2, 'token ci', 'policy set', '15', '')",
			 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(rn_store_open(f->path, false, &f->store, &f->err), 0);
	assert_int_equal(rn_store_policy(f->store, 0, &p, &text, &f->err), 0);
	assert_int_equal(p.version, 15);
	assert_int_equal(p.size, 7);
	assert_int_equal(p.stored, 150);
	assert_string_equal(p.author, "token ci");
	assert_string_equal(text, "{\"a\u00e4\"}");
	free(text);
	assert_int_equal(rn_store_policy(f->store, 2, &p, &text, &f->err), 0);
	assert_string_equal(p.author, "");
	assert_string_equal(text, "{}");
	free(text);
	add(f, 16, "{}", 2);
	assert_int_equal(list(f, UINT64_MAX, 10).count, 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, store_begin, store_end)
	const struct CMUnitTest tests[] = {
	    T(versions_are_kept_with_who_and_why),
	    T(the_oldest_fall_out_by_their_number),
	    T(the_oldest_fall_out_by_their_size),
	    T(what_is_rolled_back_was_never_trimmed),
	    T(drafts),
	    T(drafts_have_bounds),
	    T(an_older_database_keeps_its_policies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
