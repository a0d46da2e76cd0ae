/* SPDX-License-Identifier: Apache-2.0 */
/* The store: every operation once, transactions, uniqueness, migrations, a full disk. */
#include <errno.h>
#include <setjmp.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_world.h"

static void reopen(struct fixture *f)
{
	rn_store_close(f->store);
	assert_int_equal(rn_store_open(f->path, false, &f->store, &f->err), 0);
}

static void file_mode_and_absence(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct rn_store *none = NULL;
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(rn_store_open("/tmp/rn-store-nowhere/core.db", true, &none, &f->err), -ENOENT);
	assert_int_equal(rn_store_open("/tmp/rn-store-nowhere.db", false, &none, &f->err), -ENOENT);
	assert_non_null(strstr(f->err.text, "missing"));
	assert_null(none);
}

static void counters_rise_only_with_their_transaction(void **state)
{
	struct fixture *f = *state;
	uint64_t v = 0;
	assert_int_equal(rn_store_number(f->store, "version", &v, &f->err), -ENOENT);
	assert_int_equal(rn_store_begin(f->store, &f->err), 0);
	assert_int_equal(rn_store_next(f->store, "version", &v, &f->err), 0);
	assert_int_equal(v, 1);
	assert_int_equal(rn_store_next(f->store, "version", &v, &f->err), 0);
	assert_int_equal(v, 2);
	rn_store_rollback(f->store);
	assert_int_equal(rn_store_begin(f->store, &f->err), 0);
	assert_int_equal(rn_store_next(f->store, "version", &v, &f->err), 0);
	assert_int_equal(v, 1);
	assert_int_equal(rn_store_commit(f->store, &f->err), 0);
	reopen(f);
	assert_int_equal(rn_store_number(f->store, "version", &v, &f->err), 0);
	assert_int_equal(v, 1);
}

static void blobs(void **state)
{
	struct fixture *f = *state;
	char out[8];
	size_t size;
	assert_int_equal(rn_store_blob(f->store, "issuer", out, sizeof(out), &size, &f->err), -ENOENT);
	assert_int_equal(rn_store_set_blob(f->store, "issuer", "abc", 3, &f->err), 0);
	assert_int_equal(rn_store_blob(f->store, "issuer", out, sizeof(out), &size, &f->err), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(rn_store_blob(f->store, "issuer", out, 2, &size, &f->err), -EIO);
}

struct seen {
	unsigned count;
	uint64_t versions[8];
};

static int see(void *context, const struct rn_store_record *r)
{
	struct seen *seen = context;
	assert_int_equal(r->size, 4);
	seen->versions[seen->count++] = r->version;
	return 0;
}

static void records_come_in_order_of_version(void **state)
{
	struct fixture *f = *state;
	struct rn_store_record r = {
	    .type = 2, .device = 1, .epoch = 1, .version = 5, .blob = (const uint8_t *)"aaaa", .size = 4};
	assert_int_equal(rn_store_put_record(f->store, &r, &f->err), 0);
	r.device = 2;
	r.version = 3;
	assert_int_equal(rn_store_put_record(f->store, &r, &f->err), 0);
	r.version = 9;
	assert_int_equal(rn_store_put_record(f->store, &r, &f->err), 0);
	r.device = 3;
	r.version = 7;
	assert_int_equal(rn_store_put_record(f->store, &r, &f->err), 0);
	struct seen seen = {0};
	assert_int_equal(rn_store_records(f->store, see, &seen, &f->err), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.versions[0], 5);
	assert_int_equal(seen.versions[1], 7);
	assert_int_equal(seen.versions[2], 9);
	assert_int_equal(rn_store_remove_record(f->store, 2, 1, &f->err), 0);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(rn_store_records(f->store, see, &seen, &f->err), 0);
	assert_int_equal(seen.count, 2);
}

static void selectors_keep_their_numbers(void **state)
{
	struct fixture *f = *state;
	uint32_t a, b, c;
	assert_int_equal(rn_store_selector(f->store, "tag:db", &a, &f->err), -ENOENT);
	assert_int_equal(rn_store_add_selector(f->store, "tag:db", &a, &f->err), 0);
	assert_int_equal(rn_store_add_selector(f->store, "tag:db", &b, &f->err), 0);
	assert_int_equal(rn_store_add_selector(f->store, "everyone", &c, &f->err), 0);
	assert_int_equal(a, b);
	assert_int_equal(c, a + 1);
}

static int collect_row(void *context, const uint8_t *row, size_t size)
{
	char *text = context;
	assert_int_equal(size, 1);
	strncat(text, (const char *)row, 1);
	return row[0] == 'x' ? -ECANCELED : 0;
}

static void put_meaning(struct fixture *f, enum rn_store_meaning kind, uint32_t number, uint64_t version,
			const char *row)
{
	assert_int_equal(rn_store_put_meaning(f->store, kind, number, version, (const uint8_t *)row, 1, &f->err), 0);
}

static void meanings_are_rows_in_order_of_version(void **state)
{
	struct fixture *f = *state;
	char text[16] = "";
	put_meaning(f, RN_STORE_NUMBER, 1, 9, "a");
	put_meaning(f, RN_STORE_NUMBER, 2, 5, "b");
	put_meaning(f, RN_STORE_HUB, 1, 7, "h");
	put_meaning(f, RN_STORE_NUMBER, 3, 6, "x");
	assert_int_equal(rn_store_meanings(f->store, RN_STORE_NUMBER, collect_row, text, &f->err), -ECANCELED);
	assert_string_equal(text, "bx");
	put_meaning(f, RN_STORE_NUMBER, 3, 10, "c");
	text[0] = 0;
	assert_int_equal(rn_store_meanings(f->store, RN_STORE_NUMBER, collect_row, text, &f->err), 0);
	assert_string_equal(text, "bac");
	assert_int_equal(rn_store_remove_meaning(f->store, RN_STORE_NUMBER, 1, &f->err), 0);
	text[0] = 0;
	assert_int_equal(rn_store_meanings(f->store, RN_STORE_NUMBER, collect_row, text, &f->err), 0);
	assert_string_equal(text, "bc");
}

static void add_device(struct fixture *f, uint32_t number, const char *name, uint8_t noise, uint8_t wireguard, int want,
		       const char *clash)
{
	struct rn_store_device d = {.number = number, .created = 1000};
	const char *which = NULL;
	snprintf(d.name, sizeof(d.name), "%s", name);
	memset(d.noise_key, noise, sizeof(d.noise_key));
	memset(d.wireguard_key, wireguard, sizeof(d.wireguard_key));
	assert_int_equal(rn_store_add_device(f->store, &d, &which, &f->err), want);
	if (clash)
		assert_string_equal(which, clash);
}

static int count_tag(void *context, const char *tag)
{
	char *all = context;
	snprintf(all + strlen(all), 64 - strlen(all), "%s", tag);
	return 0;
}

static void devices_are_unique(void **state)
{
	struct fixture *f = *state;
	add_device(f, 1, "gateway", 1, 11, 0, NULL);
	add_device(f, 2, "gateway", 2, 12, -EEXIST, "name");
	add_device(f, 2, "laptop", 1, 12, -EEXIST, "control key");
	add_device(f, 2, "laptop", 2, 11, -EEXIST, "WireGuard key");
	add_device(f, 1, "laptop", 2, 12, -EEXIST, "number");
	add_device(f, 2, "phone", 0, 12, 0, NULL);
	add_device(f, 3, "phone2", 0, 13, 0, NULL);
	struct rn_store_device d;
	assert_int_equal(rn_store_device(f->store, 3, &d, &f->err), 0);
	assert_string_equal(d.name, "phone2");
	assert_true(rn_is_zero(d.noise_key, sizeof(d.noise_key)));
	assert_int_equal(d.wireguard_key[5], 13);
	assert_int_equal(d.created, 1000);
	assert_int_equal(rn_store_device(f->store, 9, &d, &f->err), -ENOENT);
	assert_int_equal(rn_store_set_wireguard_key(f->store, 3, d.noise_key, &f->err), 0);
	char tags[64] = "";
	assert_int_equal(rn_store_add_tag(f->store, 3, "db", &f->err), 0);
	assert_int_equal(rn_store_add_tag(f->store, 3, "db", &f->err), 0);
	assert_int_equal(rn_store_add_tag(f->store, 3, "a", &f->err), 0);
	assert_int_equal(rn_store_tags(f->store, 3, count_tag, tags, &f->err), 0);
	assert_string_equal(tags, "adb");
	assert_int_equal(rn_store_add_tag(f->store, 44, "db", &f->err), -EEXIST);
}

static void sequences_only_rise(void **state)
{
	struct fixture *f = *state;
	add_device(f, 1, "gateway", 1, 11, 0, NULL);
	assert_int_equal(rn_store_rise_sequence(f->store, 1, 5, &f->err), 0);
	assert_int_equal(rn_store_rise_sequence(f->store, 1, 5, &f->err), -ENOENT);
	assert_int_equal(rn_store_rise_sequence(f->store, 1, 4, &f->err), -ENOENT);
	assert_int_equal(rn_store_rise_sequence(f->store, 1, UINT64_MAX, &f->err), -ENOENT);
	assert_int_equal(rn_store_rise_sequence(f->store, 1, 6, &f->err), 0);
	assert_int_equal(rn_store_rise_sequence(f->store, 2, 6, &f->err), -ENOENT);
}

static void leaves(void **state)
{
	struct fixture *f = *state;
	char out[16];
	size_t size;
	add_device(f, 1, "gateway", 1, 11, 0, NULL);
	assert_int_equal(rn_store_leaf(f->store, 1, out, sizeof(out), &size, &f->err), -ENOENT);
	assert_int_equal(rn_store_set_leaf(f->store, 1, "leaf", 4, &f->err), 0);
	assert_int_equal(rn_store_leaf(f->store, 1, out, sizeof(out), &size, &f->err), 0);
	assert_int_equal(size, 4);
}

static void tokens_are_used_once(void **state)
{
	struct fixture *f = *state;
	uint32_t owner, again;
	assert_int_equal(rn_store_user(f->store, "alice", 1, &owner, &f->err), 0);
	assert_int_equal(rn_store_user(f->store, "alice", 2, &again, &f->err), 0);
	assert_int_equal(owner, again);
	struct rn_store_token t = {.id = 0x7fffffffffffffff, .kind = 16, .owner = owner, .hub = 1, .expires = 50}, got;
	snprintf(t.name, sizeof(t.name), "laptop");
	snprintf(t.tags, sizeof(t.tags), "a\nb\n");
	assert_int_equal(rn_store_add_token(f->store, &t, &f->err), 0);
	assert_int_equal(rn_store_add_token(f->store, &t, &f->err), -EEXIST);
	assert_int_equal(rn_store_token(f->store, t.id, &got, &f->err), 0);
	assert_string_equal(got.owner_name, "alice");
	assert_string_equal(got.tags, "a\nb\n");
	assert_int_equal(got.used_at, 0);
	assert_int_equal(rn_store_use_token(f->store, t.id, 7, 20, &f->err), 0);
	assert_int_equal(rn_store_use_token(f->store, t.id, 8, 21, &f->err), -ENOENT);
	assert_int_equal(rn_store_token(f->store, t.id, &got, &f->err), 0);
	assert_int_equal(got.used_at, 20);
	assert_int_equal(got.device, 7);
	t.id = 2;
	t.owner = 0;
	assert_int_equal(rn_store_add_token(f->store, &t, &f->err), 0);
	assert_int_equal(rn_store_token(f->store, 2, &got, &f->err), 0);
	assert_int_equal(got.owner, 0);
	assert_int_equal(rn_store_expire_tokens(f->store, 51, &f->err), 0);
	assert_int_equal(rn_store_token(f->store, 2, &got, &f->err), -ENOENT);
}

static void newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	rn_store_close(f->store);
	f->store = NULL;
	/* user_version is the big-endian number at offset 60 of the file (SQLite file format, section 1.3). */
	FILE *file = fopen(f->path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 60, SEEK_SET), 0);
	assert_int_equal(fwrite("\0\0\0\x63", 1, 4, file), 4);
	fclose(file);
	assert_int_equal(rn_store_open(f->path, false, &f->store, &f->err), -EPROTONOSUPPORT);
	assert_non_null(strstr(f->err.text, "newer rnaut"));
	assert_null(f->store);
}

static void not_a_database(void **state)
{
	struct fixture *f = *state;
	rn_store_close(f->store);
	f->store = NULL;
	FILE *file = fopen(f->path, "w");
	for (int i = 0; i < 500; i++)
		fputs("no database at all ", file);
	fclose(file);
	assert_int_equal(rn_store_open(f->path, false, &f->store, &f->err), -EIO);
	assert_null(f->store);
}

/* In a mount namespace of this process, so that nothing outside sees the small disk. */
static void full_disk_changes_nothing(void **state)
{
	struct fixture *f = *state;
	static uint8_t big[700 * 1024];
	struct rn_store_record r = {.type = 3, .epoch = 1, .version = 9, .blob = big, .size = sizeof(big)};
	uint64_t v;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip();
	rn_store_close(f->store);
	f->store = NULL;
	assert_int_equal(mount("tmpfs", f->dir, "tmpfs", 0, "size=512k"), 0);
	assert_int_equal(rn_store_open(f->path, true, &f->store, &f->err), 0);
	assert_int_equal(rn_store_begin(f->store, &f->err), 0);
	assert_int_equal(rn_store_next(f->store, "version", &v, &f->err), 0);
	int rc = rn_store_put_record(f->store, &r, &f->err);
	if (!rc)
		rc = rn_store_commit(f->store, &f->err);
	rn_store_rollback(f->store);
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(f->err.text, "full"));
	reopen(f);
	assert_int_equal(rn_store_number(f->store, "version", &v, &f->err), -ENOENT);
	struct seen seen = {0};
	assert_int_equal(rn_store_records(f->store, see, &seen, &f->err), 0);
	assert_int_equal(seen.count, 0);
	rn_store_close(f->store);
	f->store = NULL;
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, store_begin, store_end)
	const struct CMUnitTest tests[] = {
	    T(file_mode_and_absence),
	    T(counters_rise_only_with_their_transaction),
	    T(blobs),
	    T(records_come_in_order_of_version),
	    T(selectors_keep_their_numbers),
	    T(meanings_are_rows_in_order_of_version),
	    T(devices_are_unique),
	    T(sequences_only_rise),
	    T(leaves),
	    T(tokens_are_used_once),
	    T(newer_schema_is_refused),
	    T(not_a_database),
	    T(full_disk_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
