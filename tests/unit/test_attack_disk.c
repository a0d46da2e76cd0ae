/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be done to policies and drafts under a disk that fails at any byte, and a core that dies while it goes back
 * and forth between a small policy and one of several parts. (test_attack_policies.c has a draft's publication.)
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core_killed.h"
#include "core_world.h"
#include "service/core_history.h"
#include "service/core_state.h"
#include "tests/support/large_text.h"

/* The n-th text, to free: of one rule or of many. */
static char *text_of(unsigned n, bool large)
{
	char first[16];
	snprintf(first, sizeof(first), "u%u", n);
	return large_text(first, large ? LARGE_PEOPLE : 0, large ? LARGE_RULES : 1, LARGE_RULES);
}

/* ---- what there is ---- */

struct seen {
	char *text, *draft; /* draft NULL: none */
	uint64_t version, signed_as;
	unsigned versions, parts;
};

static void count(void *context, const struct rn_core_policy *p)
{
	(void)p;
	++*(unsigned *)context;
}

static void keep_draft(void *context, const struct rn_core_draft *d)
{
	*(char **)context = strdup(d->text);
}

static struct seen see(struct world *w)
{
	struct rn_core *core = w->hosts[0].core;
	const struct rn_ledger *ledger = world_books(&w->hosts[0])->ledger;
	struct rn_core_policy p = {0};
	struct rn_err err = {""};
	struct seen s = {0};
	assert_int_equal(rn_core_policy_get(core, &p, &err), 0);
	s.text = strdup(p.text);
	s.version = p.version;
	s.signed_as = rn_ledger_policy(ledger)->version;
	while (rn_ledger_part_at(ledger, s.parts))
		s.parts++;
	assert_int_equal(rn_core_policies(core, INT64_MAX, 1000, count, &s.versions, &err), 0);
	int rc = rn_core_draft(core, "d", keep_draft, &s.draft, &err);
	assert_true(rc == 0 || rc == -ENOENT);
	return s;
}

static void seen_done(struct seen *s)
{
	free(s->text);
	free(s->draft);
}

static void same(const struct seen *a, const struct seen *b)
{
	assert_string_equal(a->text, b->text);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->signed_as, b->signed_as);
	assert_int_equal(a->versions, b->versions);
	assert_int_equal(a->parts, b->parts);
	assert_int_equal(!a->draft, !b->draft);
	if (a->draft)
		assert_string_equal(a->draft, b->draft);
}

/* ---- what is done ---- */

enum act { SET_SMALL, SET_LARGE, ROLL_BACK, PUT_DRAFT, DELETE_DRAFT, ACTS };

static void begin_set(struct world *w, unsigned n, bool large, struct world_done *d)
{
	char *text = text_of(n, large);
	rn_core_policy_set(w->hosts[0].core, &(struct rn_core_policy_new){.text = text, .size = strlen(text)},
			   world_done, d);
	world_run(w);
	free(text);
}

static void begin_rollback(struct world *w, uint64_t version, struct world_done *d)
{
	rn_core_policy_rollback(w->hosts[0].core, &(struct rn_core_policy_new){.origin = version}, world_done, d);
	world_run(w);
}

static int set(struct world *w, unsigned n, bool large)
{
	struct world_done d = {0};
	begin_set(w, n, large, &d);
	assert_int_equal(d.count, 1);
	return d.code;
}

static int put_draft(struct world *w, unsigned n)
{
	struct rn_err err = {""};
	char *text = text_of(n, n % 2);
	int rc = rn_core_draft_put(w->hosts[0].core,
				   &(struct rn_core_draft){.name = "d", .text = text, .size = strlen(text)}, &err);
	free(text);
	return rc;
}

static void act(struct world *w, enum act what, unsigned n, uint64_t back_to, struct world_done *d)
{
	struct rn_err err = {""};
	if (what == SET_SMALL || what == SET_LARGE) {
		begin_set(w, n, what == SET_LARGE, d);
	} else if (what == ROLL_BACK) {
		begin_rollback(w, back_to, d);
	} else {
		d->count = 1;
		d->code = what == PUT_DRAFT ? put_draft(w, n) : rn_core_draft_delete(w->hosts[0].core, "d", &err);
	}
}

/* Did what was done what it should? */
static void done(const struct seen *before, const struct seen *after, enum act what, unsigned n)
{
	char *wanted = text_of(n, what == SET_LARGE || (what == PUT_DRAFT && n % 2));
	if (what == SET_SMALL || what == SET_LARGE || what == ROLL_BACK) {
		assert_int_equal(after->versions, before->versions + 1);
		assert_true(after->version > before->version && after->signed_as == after->version);
	} else {
		assert_int_equal(after->version, before->version);
		assert_int_equal(!after->draft, what == DELETE_DRAFT);
	}
	if (what == SET_SMALL || what == SET_LARGE)
		assert_string_equal(after->text, wanted);
	if (what == PUT_DRAFT)
		assert_string_equal(after->draft, wanted);
	free(wanted);
}

/* ---- a disk that fails ---- */

/* With so many more bytes of disk: true where it was done; else nothing was, in memory and after a start. */
static bool with(struct world *w, enum act what, unsigned n, uint64_t back_to, rlim_t more, const struct rlimit *was)
{
	struct rlimit small = {0, was->rlim_max};
	struct world_done d = {0};
	struct seen before, after;
	struct stat st;
	char wal[320];
	if (what == DELETE_DRAFT)
		assert_int_equal(put_draft(w, n), 0);
	before = see(w);
	snprintf(wal, sizeof(wal), "%s/core.db-wal", w->hosts[0].params.dir);
	assert_int_equal(stat(wal, &st), 0);
	small.rlim_cur = (rlim_t)st.st_size + more;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	act(w, what, n, back_to, &d);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, was), 0);
	world_wait(w, 5000); /* until it is given up that the hub enforces it, whose disk was as full */
	assert_int_equal(d.count, 1);
	w->hosts[0].given_count = w->hosts[1].given_count = w->hosts[2].given_count = 0;
	for (int i = 0; i < 2; i++) {
		after = see(w);
		if (d.code)
			same(&before, &after);
		else
			done(&before, &after, what, n);
		seen_done(&after);
		world_restart(&w->hosts[0]);
		world_run(w);
	}
	seen_done(&before);
	/* Whoever enforces has what is in force. */
	world_wait(w, 3000);
	after = see(w);
	assert_int_equal(rn_ledger_policy(world_books(&w->hosts[1])->ledger)->version, after.signed_as);
	seen_done(&after);
	return d.code == 0;
}

static void a_disk_that_fails(void **state)
{
	/* A step is some pages: what is written is one large transaction, or one row. */
	static const rlim_t steps[ACTS] = {3001, 30011, 30011, 3001, 1501};
	struct world *w = world_three();
	struct rlimit was;
	unsigned n = 0;
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (enum act what = 0; what < ACTS; what++) {
		unsigned good = 0, bad = 0;
		for (rlim_t more = 0; good < 3; more += steps[what]) {
			uint64_t large = 0;
			if (what == ROLL_BACK) { /* from a small one to one of parts */
				struct seen s;
				assert_int_equal(set(w, ++n, true), 0);
				s = see(w);
				large = s.version;
				seen_done(&s);
				assert_int_equal(set(w, ++n, false), 0);
			}
			if (with(w, what, ++n, large, more, &was))
				good++;
			else
				bad++;
			assert_true(bad < 200);
		}
		assert_true(bad > 0);
	}
	world_free(w);
}

/* ---- a core that dies ---- */

/* Small, large, and the first again. */
static void go_on_until_killed(struct killed *told)
{
	struct world *w = world_three();
	unsigned n = 0;
	memcpy(told->dir, w->hosts[0].params.dir, sizeof(w->hosts[0].params.dir));
	for (;;) {
		struct world_done d = {0};
		struct seen s;
		if (set(w, ++n, false))
			_exit(1);
		s = see(w);
		told->steps++;
		if (put_draft(w, n) || set(w, ++n, true))
			_exit(1);
		told->steps++;
		begin_rollback(w, s.version, &d);
		if (d.code || d.count != 1)
			_exit(1);
		told->steps++;
		seen_done(&s);
		for (unsigned i = 0; i < 3; i++)
			w->hosts[i].given_count = 0;
	}
}

struct records {
	uint64_t policy;
	uint32_t named[64], parts[64];
	unsigned named_count, part_count;
};

static int see_record(void *context, const struct rn_store_record *r)
{
	struct records *found = context;
	struct rn_policy_record p;
	struct rn_part part;
	if (r->type == RN_RECORD_PART) {
		assert_int_equal(rn_record_get_part(r->blob, r->size, &part), 0);
		assert_true(found->part_count < 64);
		found->parts[found->part_count++] = part.number;
	}
	if (r->type != RN_RECORD_POLICY)
		return 0;
	found->policy = r->version;
	assert_int_equal(rn_record_get_policy(r->blob, r->size, &p), 0);
	for (uint32_t i = 0; i < p.part_count && i < 64; i++)
		found->named[found->named_count++] = p.parts[i].number;
	rn_policy_record_done(&p);
	return 0;
}

/* The newest text is the one that was signed, and all of its parts are there. */
static void is_whole(const char *path, unsigned steps)
{
	struct rn_store_policy newest;
	struct rn_store *store;
	struct records found = {0};
	struct rn_err err = {""};
	char *text = NULL;
	(void)steps;
	assert_int_equal(rn_store_open(path, false, &store, &err), 0);
	assert_int_equal(rn_store_policy(store, 0, &newest, &text, &err), 0);
	assert_int_equal(rn_store_records(store, see_record, &found, &err), 0);
	assert_int_equal(found.policy, newest.version);
	assert_int_equal(found.named_count >= 2, !!strstr(text, "\"r1\""));
	for (unsigned i = 0; i < found.named_count; i++) {
		bool there = false;
		for (unsigned k = 0; k < found.part_count; k++)
			there |= found.parts[k] == found.named[i];
		assert_true(there);
	}
	free(text);
	rn_store_close(store);
}

static void a_core_that_dies(void **state)
{
	(void)state;
	killed_rounds(
	    &(struct killed_rounds){.count = 6, .steps = 1, .us = 1777, .go_on = go_on_until_killed, .look = is_whole});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_disk_that_fails),
	    cmocka_unit_test(a_core_that_dies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
