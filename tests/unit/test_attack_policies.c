/* SPDX-License-Identifier: Apache-2.0 */
/* Stored policies under a disk that fails at any byte, a core that dies at any moment, and two who set at once. */
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
#include "sys/store_policies.h"

#define TEXT                                                                                                           \
	"{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"user:u%u\"], "                    \
	"\"destination_criteria\": [\"everyone\"]}]}"

struct text {
	char text[2048];
};

static struct text text_of(unsigned n)
{
	struct text t;
	snprintf(t.text, sizeof(t.text), TEXT, n);
	return t;
}

static struct rn_core_policy in_force(struct world *w)
{
	struct rn_core_policy p = {0};
	struct rn_err err = {""};
	assert_int_equal(rn_core_policy_get(w->hosts[0].core, &p, &err), 0);
	return p;
}

static struct world_done set(struct world *w, unsigned n, uint64_t based_on)
{
	struct text t = text_of(n);
	struct world_done d = {0};
	rn_core_policy_set(
	    w->hosts[0].core,
	    &(struct rn_core_policy_new){.text = t.text, .size = strlen(t.text), .comment = "c", .based_on = based_on},
	    world_done, &d);
	world_run(w);
	return d;
}

static int put_draft(struct world *w, unsigned n)
{
	struct text t = text_of(n);
	struct rn_err err = {""};
	return rn_core_draft_put(w->hosts[0].core,
				 &(struct rn_core_draft){.name = "d", .text = t.text, .size = strlen(t.text)}, &err);
}

static struct world_done publish(struct world *w)
{
	struct world_done d = {0};
	rn_core_draft_publish(w->hosts[0].core, "d", NULL, NULL, world_done, &d);
	world_run(w);
	return d;
}

static void see(void *context, const struct rn_core_draft *d)
{
	snprintf(context, sizeof(struct text), "%s", d->text);
}

/* "": there is none */
static struct text draft(struct world *w)
{
	struct text t = {""};
	struct rn_err err = {""};
	int rc = rn_core_draft(w->hosts[0].core, "d", see, &t, &err);
	assert_true(rc == 0 || rc == -ENOENT);
	return t;
}

/* ---- a disk that fails ---- */

/* Publishes a draft where core's files may grow by so many bytes: whole, or not at all, in memory and on the disk. */
static bool publish_with(struct world *w, unsigned n, rlim_t more, const struct rlimit *was)
{
	struct text before, wanted = text_of(n);
	struct rlimit small = {0, was->rlim_max};
	struct stat st;
	char wal[320];
	uint64_t version = in_force(w).version;
	snprintf(before.text, sizeof(before.text), "%s", in_force(w).text);
	assert_int_equal(put_draft(w, n), 0);
	snprintf(wal, sizeof(wal), "%s/core.db-wal", w->hosts[0].params.dir);
	assert_int_equal(stat(wal, &st), 0);
	small.rlim_cur = (rlim_t)st.st_size + more;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct world_done d = publish(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, was), 0);
	world_run(w);
	w->hosts[0].given_count = w->hosts[1].given_count = w->hosts[2].given_count = 0; /* its log is not endless */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(d.count, 1);
		assert_string_equal(in_force(w).text, d.code ? before.text : wanted.text);
		assert_string_equal(draft(w).text, d.code ? wanted.text : "");
		assert_true(d.code ? in_force(w).version == version : in_force(w).version > version);
		world_restart(&w->hosts[0]);
		world_run(w);
	}
	return d.code == 0;
}

static void a_disk_that_fails(void **state)
{
	struct world *w = world_three();
	struct rlimit was;
	unsigned good = 0, n = 1;
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (rlim_t more = 0; more < 48 * 4096; more += 3001)
		good += publish_with(w, n++, more, &was);
	assert_true(good > 0 && good < n - 1);
	assert_int_equal(set(w, n, 0).code, 0);
	assert_string_equal(in_force(w).text, text_of(n).text);
	world_free(w);
}

/* ---- a core that dies ---- */

static void publish_until_killed(struct killed *told)
{
	struct world *w = world_three();
	memcpy(told->dir, w->hosts[0].params.dir, sizeof(w->hosts[0].params.dir));
	for (unsigned n = 1;; n++) {
		if (put_draft(w, n) || publish(w).code)
			_exit(1);
		told->steps = n;
	}
}

struct found {
	uint64_t policy, signed_policy;
};

static int see_record(void *context, const struct rn_store_record *r)
{
	struct found *found = context;
	if (r->type == RN_RECORD_POLICY)
		found->signed_policy = r->version;
	return 0;
}

/* Which of the texts it is; 0: another. */
static unsigned number_of(const char *text)
{
	const char *user = strstr(text, "user:u");
	return user ? (unsigned)strtoul(user + 6, NULL, 10) : 0;
}

static void is_whole(const char *path, unsigned published)
{
	struct rn_store_policy newest;
	struct rn_store_draft left;
	struct rn_store *store;
	struct found found = {0};
	struct rn_err err = {""};
	char *text = NULL, *draft_text = NULL;
	assert_int_equal(rn_store_open(path, false, &store, &err), 0);
	assert_int_equal(rn_store_policy(store, 0, &newest, &text, &err), 0);
	unsigned n = number_of(text);
	assert_true(n == published || n == published + 1);
	assert_int_equal(rn_store_records(store, see_record, &found, &err), 0);
	assert_int_equal(found.signed_policy, newest.version);
	int rc = rn_store_draft(store, "d", &left, &draft_text, &err);
	if (rc == 0)
		assert_int_equal(number_of(draft_text), n + 1);
	else
		assert_int_equal(rc, -ENOENT);
	free(text);
	free(draft_text);
	rn_store_close(store);
}

static void a_core_that_dies(void **state)
{
	(void)state;
	killed_rounds(&(struct killed_rounds){
	    .count = 8, .steps = 2, .us = 777, .go_on = publish_until_killed, .look = is_whole});
}

/* ---- two at once ---- */

static void who_comes_second(void **state)
{
	static const char finer[] = "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": "
				    "[\"device:laptop\"], \"destination_criteria\": [\"device:hub\"]}]}";
	struct world *w = world_three();
	struct world_done first = {0}, d = {0};
	uint64_t version = in_force(w).version;
	(void)state;
	assert_int_equal(set(w, 7, 0).code, 0);
	assert_int_equal(put_draft(w, 2), 0);
	/* The first needs a number that the hub does not know yet: its kern says nothing. */
	w->hosts[1].kern_silent = true;
	rn_core_policy_set(
	    w->hosts[0].core,
	    &(struct rn_core_policy_new){.text = finer, .size = strlen(finer), .based_on = in_force(w).version},
	    world_done, &first);
	world_run(w);
	assert_int_equal(first.count, 0);
	assert_int_equal(set(w, 3, 0).code, -EBUSY);
	assert_int_equal(publish(w).code, -EBUSY);
	assert_string_equal(draft(w).text, text_of(2).text);
	rn_core_policy_rollback(w->hosts[0].core, &(struct rn_core_policy_new){.origin = version}, world_done, &d);
	assert_int_equal(d.code, -EBUSY);
	assert_string_equal(in_force(w).text, text_of(7).text);
	world_connect(&w->hosts[1], RN_CORE_KERN);
	w->hosts[1].kern_silent = false;
	world_run(w);
	world_wait(w, 100);
	assert_int_equal(first.count, 1);
	assert_int_equal(first.code, 0);
	/* The draft was made from what the first took the place of. */
	assert_int_equal(publish(w).code, -ESTALE);
	assert_string_equal(draft(w).text, text_of(2).text);
	assert_string_equal(in_force(w).text, finer);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_disk_that_fails),
	    cmocka_unit_test(a_core_that_dies),
	    cmocka_unit_test(who_comes_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
