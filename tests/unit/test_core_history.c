/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that were in force, the way back to them, and drafts: a gateway and a hub. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core_world.h"
#include "service/core_history.h"
#include "service/core_review.h"

#define TEXT(user)                                                                                                     \
	"{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"user:" user                       \
	"\"], \"destination_criteria\": [\"everyone\"]}]}"

static struct rn_core *core_of(struct world *w)
{
	return w->hosts[0].core;
}

static struct rn_core_policy now(struct world *w)
{
	struct rn_core_policy p = {0};
	struct rn_err err = {""};
	assert_int_equal(rn_core_policy_get(core_of(w), &p, &err), 0);
	return p;
}

static struct world_done set(struct world *w, struct rn_core_policy_new new)
{
	struct world_done d = {0};
	if (new.text)
		new.size = strlen(new.text);
	rn_core_act_as(core_of(w), "alice");
	if (new.text)
		rn_core_policy_set(core_of(w), &new, world_done, &d);
	else
		rn_core_policy_rollback(core_of(w), &new, world_done, &d);
	rn_core_act_as(core_of(w), "");
	world_run(w);
	world_wait(w, 100);
	assert_int_equal(d.count, 1);
	return d;
}

struct seen {
	unsigned count;
	uint64_t versions[16];
	char text[512], author[64], comment[64], actors[512];
	uint64_t base;
};

static void see(void *context, const struct rn_core_policy *p)
{
	struct seen *s = context;
	s->versions[s->count++ % 16] = p->version;
	snprintf(s->text, sizeof(s->text), "%s", p->text ? p->text : "");
	snprintf(s->author, sizeof(s->author), "%s", p->author);
	snprintf(s->comment, sizeof(s->comment), "%s", p->comment);
}

static void see_draft(void *context, const struct rn_core_draft *d)
{
	struct seen *s = context;
	s->count++;
	s->base = d->based_on;
	snprintf(s->text, sizeof(s->text), "%s", d->text ? d->text : "");
	snprintf(s->author, sizeof(s->author), "%s", d->author);
	snprintf(s->comment, sizeof(s->comment), "%s", d->comment);
}

static void every_version_can_be_seen_again(void **state)
{
	struct world *w = *state;
	struct rn_err err = {""};
	struct seen s = {0};
	uint64_t version = 0, first = now(w).version;
	assert_string_equal(now(w).author, "root");
	struct world_done d =
	    set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .comment = "for bob", .ret_version = &version});
	assert_int_equal(d.code, 0);
	assert_int_equal(now(w).version, version);
	assert_true(version > first);
	world_restart(&w->hosts[0]);
	world_run(w);
	assert_int_equal(now(w).version, version);
	assert_string_equal(now(w).author, "alice");
	assert_string_equal(now(w).comment, "for bob");
	assert_int_equal(rn_core_policies(core_of(w), UINT64_MAX, 10, see, &s, &err), 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.versions[0], version);
	assert_int_equal(s.versions[1], first);
	assert_int_equal(rn_core_policy_version(core_of(w), version, see, &s, &err), 0);
	assert_string_equal(s.text, TEXT("bob"));
	assert_int_equal(rn_core_policy_version(core_of(w), version + 1, see, &s, &err), -ENOENT);
	assert_int_equal(rn_core_policy_version(w->hosts[1].core, version, see, &s, &err), -ENOTSUP);
	assert_int_equal(rn_core_policies(w->hosts[1].core, 9, 9, see, &s, &err), -ENOTSUP);
	assert_int_equal(rn_core_drafts(w->hosts[1].core, see_draft, &s, &err), -ENOTSUP);
}

static void who_did_not_see_the_newest_is_told_whose_it_is(void **state)
{
	struct world *w = *state;
	uint64_t first = now(w).version;
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .based_on = first}).code, 0);
	uint64_t second = now(w).version;
	struct world_done d = set(w, (struct rn_core_policy_new){.text = TEXT("eve"), .based_on = first});
	assert_int_equal(d.code, -ESTALE);
	assert_non_null(strstr(d.text, "by alice at 20"));
	assert_int_equal(now(w).version, second);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("eve"), .based_on = second + 1000}).code,
			 -EINVAL);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("eve")}).code, 0);
}

static void the_way_back_is_a_new_version(void **state)
{
	struct world *w = *state;
	uint64_t first = now(w).version, version = 0;
	char text[4096];
	snprintf(text, sizeof(text), "%s", now(w).text);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob")}).code, 0);
	assert_int_equal(set(w, (struct rn_core_policy_new){.origin = first, .ret_version = &version}).code, 0);
	assert_string_equal(now(w).text, text);
	assert_int_equal(now(w).version, version);
	assert_int_equal(now(w).origin, first);
	assert_int_equal(set(w, (struct rn_core_policy_new){.origin = version}).code, -EEXIST);
	assert_int_equal(set(w, (struct rn_core_policy_new){.origin = version + 1}).code, -EINVAL);
	assert_int_equal(set(w, (struct rn_core_policy_new){.origin = first - 1}).code, -ENOENT);
	assert_int_equal(set(w, (struct rn_core_policy_new){.origin = first, .based_on = first}).code, -ESTALE);
}

static void comments_are_one_line(void **state)
{
	struct world *w = *state;
	char longest[RN_CORE_COMMENT_MAX + 2];
	memset(longest, 'x', sizeof(longest));
	longest[RN_CORE_COMMENT_MAX + 1] = 0;
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .comment = longest}).code, -EINVAL);
	longest[RN_CORE_COMMENT_MAX] = 0;
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .comment = longest}).code, 0);
	assert_string_equal(now(w).comment, longest);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .comment = "a\nb"}).code, -EINVAL);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .comment = "\x1b[2J"}).code, -EINVAL);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"),
							    .comment = "\xc2\x9b"
								       "2J"})
			     .code,
			 -EINVAL);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .comment = "\xc2\xa0\xc3\xa4"}).code,
			 0);
}

static struct world_done publish(struct world *w, const char *name, const char *comment)
{
	struct world_done d = {0};
	rn_core_draft_publish(core_of(w), name, comment, NULL, world_done, &d);
	world_run(w);
	world_wait(w, 100);
	return d;
}

static int put_draft(struct world *w, const char *text, const char *comment, uint64_t based_on)
{
	struct rn_err err = {""};
	return rn_core_draft_put(
	    core_of(w),
	    &(struct rn_core_draft){
		.name = "d", .text = text, .size = strlen(text), .comment = comment, .based_on = based_on},
	    &err);
}

static void a_draft_becomes_the_policy_and_goes(void **state)
{
	struct world *w = *state;
	struct rn_err err = {""};
	struct seen s = {0};
	uint64_t first = now(w).version;
	assert_int_equal(put_draft(w, "what is that", "soon", 0), 0);
	assert_int_equal(rn_core_draft(core_of(w), "d", see_draft, &s, &err), 0);
	assert_string_equal(s.comment, "soon");
	assert_string_equal(s.author, "root");
	assert_int_equal(s.base, first);
	assert_int_equal(publish(w, "d", NULL).code, -EINVAL);
	assert_int_equal(put_draft(w, TEXT("bob"), "soon", 0), 0);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("eve")}).code, 0);
	assert_int_equal(publish(w, "d", NULL).code, -ESTALE);
	assert_int_equal(put_draft(w, TEXT("bob"), "soon", now(w).version), 0);
	assert_int_equal(put_draft(w, TEXT("bob"), "soon", now(w).version + 9), -EINVAL);
	assert_int_equal(publish(w, "d", NULL).code, 0);
	assert_string_equal(now(w).text, TEXT("bob"));
	assert_string_equal(now(w).comment, "soon");
	assert_int_equal(rn_core_draft(core_of(w), "d", see_draft, &s, &err), -ENOENT);
	assert_int_equal(publish(w, "d", NULL).code, -ENOENT);
	assert_int_equal(rn_core_draft_delete(core_of(w), "d", &err), -ENOENT);
}

/* A policy that waits for its numbers is judged by what is in force, and what the draft is, when its turn comes. */
static void a_draft_that_changes_while_its_policy_waits_stays(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	struct rn_err err = {""};
	struct seen s = {0};
	w->hosts[1].kern_silent = true;
	assert_int_equal(put_draft(w, TEXT("alice"), "one", 0), 0);
	rn_core_draft_publish(core_of(w), "d", "now", NULL, world_done, &d);
	world_run(w);
	assert_int_equal(d.count, 0);
	assert_int_equal(put_draft(w, TEXT("bob"), "two", 0), 0);
	w->hosts[1].kern_silent = false;
	world_connect(&w->hosts[1], RN_CORE_KERN);
	world_run(w);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	assert_string_equal(now(w).text, TEXT("alice"));
	assert_string_equal(now(w).comment, "now");
	assert_int_equal(rn_core_draft(core_of(w), "d", see_draft, &s, &err), 0);
	assert_string_equal(s.text, TEXT("bob"));
}

static void note(void *context, const struct rn_core_audit *row)
{
	struct seen *s = context;
	size_t at = strlen(s->actors);
	if (strstr(row->what, "policy") || strstr(row->what, "draft"))
		snprintf(s->actors + at, sizeof(s->actors) - at, "%s|%s|%s;", row->actor, row->what, row->detail);
}

static void the_audit_says_all_of_it(void **state)
{
	struct world *w = *state;
	struct rn_err err = {""};
	struct seen s = {0};
	char wanted[512];
	uint64_t first = now(w).version;
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob"), .comment = "c"}).code, 0);
	assert_int_equal(set(w, (struct rn_core_policy_new){.origin = first, .comment = "bad idea"}).code, 0);
	assert_int_equal(put_draft(w, TEXT("bob"), "", 0), 0);
	assert_int_equal(publish(w, "d", NULL).code, 0);
	assert_int_equal(put_draft(w, "", "", 0), 0);
	assert_int_equal(rn_core_draft_delete(core_of(w), "d", &err), 0);
	assert_int_equal(rn_core_audits(core_of(w), 0, false, 1000, note, &s, &err), 0);
	snprintf(wanted, sizeof(wanted),
		 "alice|policy set|c;alice|policy rolled back|version %llu again: bad idea;root|draft stored|;"
		 "root|policy set|draft d;root|draft stored|;root|draft deleted|;",
		 (unsigned long long)first);
	assert_string_equal(s.actors, wanted);
}

struct reviewed {
	unsigned findings, tests, failed, changes;
	char finding[160], other[64];
};

static void see_finding(void *context, const struct rn_policy_finding *f, const char *rule, const char *other)
{
	struct reviewed *r = context;
	r->findings++;
	snprintf(r->finding, sizeof(r->finding), "%s %s", rn_policy_finding_name(f->kind), rule);
	snprintf(r->other, sizeof(r->other), "%s", other);
}

static void see_test(void *context, const struct rn_test_result *result)
{
	struct reviewed *r = context;
	r->tests++;
	r->failed += !result->passed;
}

static void see_change(void *context, const struct rn_difference *difference)
{
	struct reviewed *r = context;
	assert_true(difference->text[0]);
	r->changes++;
}

static void see_end(void *context, int code, const struct rn_err *err)
{
	int *ret = context;
	(void)err;
	assert_int_equal(*ret, 1);
	*ret = code;
}

static int review(struct world *w, const char *text, bool changes, struct reviewed *ret)
{
	struct rn_core_review ask = {.context = ret, .finding = see_finding, .test = see_test};
	int code = 1;
	memset(ret, 0, sizeof(*ret));
	ask.change = changes ? see_change : NULL;
	rn_core_policy_review(core_of(w), text, strlen(text), &ask, see_end, &code);
	return code;
}

#define TWICE(expected)                                                                                                \
	"{\"rules\": [{\"id\": \"a\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"],"                     \
	"\"destination_criteria\": [\"everyone\"]}, {\"id\": \"b\", \"action\": \"allow\", \"source_criteria\":"       \
	"[\"everyone\"], \"destination_criteria\": [\"everyone\"]}], \"tests\": [{\"id\": \"t\", \"source\":"          \
	"{\"device\": \"laptop\"}, \"destination\": {\"user\": \"x\"}, \"services\": [\"tcp:1\"], \"expect\":"         \
	"\"" expected "\"}]}"

static void a_review_says_what_is_in_vain_and_what_changes(void **state)
{
	struct world *w = *state;
	struct reviewed r;
	uint64_t version = now(w).version;
	assert_int_equal(review(w, TWICE("allow"), true, &r), 0);
	assert_int_equal(r.findings, 1);
	assert_string_equal(r.finding, "shadowed b");
	assert_string_equal(r.other, "a");
	assert_int_equal(r.tests, 1);
	assert_int_equal(r.failed, 0);
	assert_true(r.changes > 0);
	assert_int_equal(review(w, TWICE("allow"), false, &r), 0);
	assert_int_equal(r.changes, 0);
	/* A test that fails is told of, and the policy would not be set. */
	assert_int_equal(review(w, TWICE("deny"), true, &r), -EINVAL);
	assert_int_equal(r.failed, 1);
	assert_int_equal(r.findings, 1);
	assert_int_equal(r.changes, 0);
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TWICE("deny")}).code, -EINVAL);
	assert_int_equal(review(w, "{", true, &r), -EINVAL);
	assert_int_equal(r.tests, 0);
	assert_int_equal(now(w).version, version);
}

static const char *refused(struct world *w, unsigned host)
{
	static struct rn_core_status s;
	rn_core_status(w->hosts[host].core, &s);
	return s.policy_refused ? s.policy_refused : "";
}

static void kern_says(struct world *w, unsigned host, enum rn_local_type type, uint64_t version, const char *text)
{
	struct rn_local m = {.type = type, .version = version, .status = {.policy_version = version}};
	snprintf(m.text, sizeof(m.text), "%s", text);
	assert_true(rn_core_receive(w->hosts[host].core, RN_CORE_KERN, &m));
}

/* Whose kernel keeps an older policy says so, and why, until it has the one in force. */
static void a_host_says_which_policy_its_kernel_did_not_take(void **state)
{
	struct world *w = *state;
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("alice")}).code, 0);
	uint64_t version = now(w).version;
	for (unsigned host = 0; host < 3; host++) {
		kern_says(w, host, RN_LOCAL_KERN_STATUS, version - 1, "");
		assert_string_equal(refused(w, host), ""); /* on its way */
		kern_says(w, host, RN_LOCAL_KERN_REFUSED, version + 1, "a device");
		assert_string_equal(refused(w, host), "");
		kern_says(w, host, RN_LOCAL_KERN_REFUSED, version, "it has too many rules");
		assert_string_equal(refused(w, host), "it has too many rules");
		kern_says(w, host, RN_LOCAL_KERN_STATUS, version, "");
		assert_string_equal(refused(w, host), "");
	}
	kern_says(w, 0, RN_LOCAL_KERN_STATUS, version - 1, "");
	assert_int_equal(set(w, (struct rn_core_policy_new){.text = TEXT("bob")}).code, 0);
	assert_string_equal(refused(w, 0), ""); /* that was of another */
}

static void see_behind(void *context, const struct rn_core_hub *hub)
{
	*(unsigned *)context |= (unsigned)hub->policy_behind << hub->record.number;
}

static unsigned behind(struct world *w)
{
	unsigned bits = 0;
	struct rn_err err = {""};
	assert_int_equal(rn_core_hubs(core_of(w), see_behind, &bits, &err), 0);
	return bits;
}

static void the_gateway_says_which_hub_is_behind(void **state)
{
	struct world *w = *state;
	struct rn_core_status s;
	rn_core_status(w->hosts[1].core, &s);
	unsigned hub = s.self.number;
	assert_int_equal(behind(w), 0);
	w->hosts[1].kern_silent = true;
	struct rn_core_policy_new new = {.text = TEXT("alice"), .size = strlen(TEXT("alice"))};
	struct world_done d = {0};
	rn_core_policy_set(core_of(w), &new, world_done, &d);
	world_run(w);
	world_wait(w, 12000);
	assert_int_equal(d.count, 1);
	assert_int_equal(behind(w), 1u << hub);
	world_hang_up(&w->hosts[1]);
	world_run(w);
	assert_int_equal(behind(w), 0); /* what is away is not said to be behind */
	w->hosts[1].kern_silent = false;
	world_disconnect(&w->hosts[1], RN_CORE_KERN);
	world_connect(&w->hosts[1], RN_CORE_KERN);
	world_wait(w, 5000);
	assert_int_equal(behind(w), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_of_three, world_gone)
	const struct CMUnitTest tests[] = {
	    T(every_version_can_be_seen_again),
	    T(who_did_not_see_the_newest_is_told_whose_it_is),
	    T(the_way_back_is_a_new_version),
	    T(comments_are_one_line),
	    T(a_draft_becomes_the_policy_and_goes),
	    T(a_draft_that_changes_while_its_policy_waits_stays),
	    T(the_audit_says_all_of_it),
	    T(a_review_says_what_is_in_vain_and_what_changes),
	    T(a_host_says_which_policy_its_kernel_did_not_take),
	    T(the_gateway_says_which_hub_is_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
