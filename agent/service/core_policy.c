/* SPDX-License-Identifier: Apache-2.0 */
/* The policy as the API sees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "service/core_history.h"
#include "service/core_numbering.h"
#include "service/core_prepare.h"
#include "service/core_registry.h"
#include "service/core_state.h"

int rn_core_policy_get(struct rn_core *core, struct rn_core_policy *ret, struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);
	if (rc)
		return rc;
	const struct rn_policy_held *held = &core->policy;
	*ret = (struct rn_core_policy){.text = held->text,
				       .size = held->about.size,
				       .version = held->about.version,
				       .origin = held->about.origin,
				       .stored = held->about.stored,
				       .author = held->about.author,
				       .comment = held->about.comment};
	return 0;
}

/* ---- setting one ---- */

/* U+0080 to U+009F in UTF-8: terminals obey them too. */
static bool is_c1(const char *c)
{
	return (uint8_t)c[0] == 0xc2 && (uint8_t)c[1] >= 0x80 && (uint8_t)c[1] < 0xa0;
}

int rn_policy_check_words(struct rn_core *core, const char *comment, uint64_t based_on, struct rn_err *err)
{
	if (comment && strlen(comment) > RN_CORE_COMMENT_MAX)
		return rn_fail(err, -EINVAL, "the comment has %zu bytes, but at most %d fit", strlen(comment),
			       RN_CORE_COMMENT_MAX);
	for (const char *c = comment; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || is_c1(c))
			return rn_fail(err, -EINVAL, "the comment must be one line without control characters");
	if (based_on > core->policy.about.version)
		return rn_fail(err, -EINVAL, "there is no version %llu of the policy yet: it is at %llu",
			       (unsigned long long)based_on, (unsigned long long)core->policy.about.version);
	return 0;
}

/* Another may have come between while this one waited, too. */
static int check_base(struct rn_core *core, const struct rn_core_policy_new *new, struct rn_err *err)
{
	const struct rn_store_policy *now = &core->policy.about;
	char moment[RN_MOMENT_TEXT];
	if (!new->based_on || new->based_on == now->version)
		return 0;
	rn_moment_format(now->stored, moment);
	return rn_fail(err, -ESTALE,
		       "version %llu was put into force by %s at %s, after version %llu, which this one was made from: "
		       "look at what it changes, and set yours again as based on %llu",
		       (unsigned long long)now->version, now->author[0] ? now->author : "somebody", moment,
		       (unsigned long long)new->based_on, (unsigned long long)now->version);
}

static int audit(struct rn_change *change, const char *actor, const struct rn_core_policy_new *new, uint64_t version)
{
	const char *comment = new->comment ? new->comment : "", *colon = comment[0] ? ": " : "";
	char number[24], detail[RN_STORE_COMMENT + 128];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)version);
	if (new->origin)
		snprintf(detail, sizeof(detail), "version %llu again%s%s", (unsigned long long)new->origin, colon,
			 comment);
	else if (new->draft)
		snprintf(detail, sizeof(detail), "draft %s%s%s", new->draft, colon, comment);
	else
		snprintf(detail, sizeof(detail), "%s", comment);
	return rn_change_audit(change, actor, new->origin ? "policy rolled back" : "policy set", number, detail);
}

/* One on its way: what *new points to is here, and its text has become *prepared. */
struct rn_policy_setting {
	struct rn_core_policy_new new;
	char comment[RN_STORE_COMMENT], draft[RN_NAME_MAX + 1];
	char actor[RN_NAME_MAX + 8];
	rn_core_done *done;
	void *context;
	struct rn_prepared *prepared;
	int64_t until; /* where it waits: not longer */
};

/* The draft goes, unless somebody has stored another under its name meanwhile. */
static int remove_draft(struct rn_change *change, const char *name, const struct rn_policy_held *held)
{
	struct rn_store *store = change->books->store;
	struct rn_store_draft draft;
	char *text = NULL;
	bool same;
	int rc = name ? rn_store_draft(store, name, &draft, &text, change->err) : -ENOENT;
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	same = draft.size == held->about.size && memcmp(text, held->text, draft.size) == 0;
	free(text);
	return same ? rn_store_remove_draft(store, name, change->err) : 0;
}

static int put(struct rn_change *change, struct rn_policy_setting *s, struct rn_policy_held *held)
{
	const struct rn_core_policy_new *new = &s->new;
	int rc;
	held->about.origin = new->origin;
	snprintf(held->about.author, sizeof(held->about.author), "%s", s->actor);
	snprintf(held->about.comment, sizeof(held->about.comment), "%s", new->comment ? new->comment : "");
	rc = rn_policy_put_made(change, &s->prepared->made, held);
	if (!rc)
		rc = remove_draft(change, new->draft, held);
	return rc ? rc : audit(change, s->actor, new, held->about.version);
}

static int set(struct rn_core *core, struct rn_policy_setting *s, struct rn_err *err)
{
	struct rn_policy_held held = {0};
	struct rn_change change;
	int rc = check_base(core, &s->new, err);
	if (rc)
		return rc;
	rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = put(&change, s, &held);
	if (!rc)
		rc = rn_change_commit(&change);
	else
		rn_change_abort(&change);
	if (rc) {
		rn_policy_held_done(&held);
		return rc;
	}
	rn_policy_held_done(&core->policy);
	core->policy = held;
	if (s->new.ret_version)
		*s->new.ret_version = held.about.version;
	return 0;
}

static void setting_free(struct rn_policy_setting *s)
{
	rn_prepared_free(s->prepared);
	free(s);
}

static void fail(struct rn_policy_setting *s, int code, const struct rn_err *err)
{
	s->done(s->context, code, err, NULL, 0);
	setting_free(s);
}

static void succeed(struct rn_core *core, struct rn_policy_setting *s)
{
	rn_enforcement_wait(core, core->policy.about.version, 0, s->done, s->context);
	setting_free(s);
}

/* ---- one that waits ---- */

/* Devices become as fine as the policy needs them, which is neutral under the one in force. */
static int make_finer(struct rn_core *core, const struct rn_policy_made *made, struct rn_err *err)
{
	struct rn_change change;
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = rn_policy_name(&change, made);
	if (!rc)
		rc = rn_change_commit(&change);
	else
		rn_change_abort(&change);
	return rc ? rc : rn_registry_pend_all(&core->books, err);
}

static void finish(struct rn_core *core, int code, const struct rn_err *err)
{
	struct rn_policy_setting *s = core->policy_waiting;
	core->policy_waiting = NULL;
	if (code)
		fail(s, code, err);
	else
		succeed(core, s);
}

bool rn_policy_retry(struct rn_core *core)
{
	struct rn_policy_setting *s = core->policy_waiting;
	struct rn_err err = {""};
	int rc;
	if (!s || rn_numbering_pending(&core->books))
		return false;
	rc = set(core, s, &err);
	/* A device has come meanwhile, or everything was loaded anew. */
	if (rc == -EAGAIN && s->prepared->made.text)
		rc = make_finer(core, &s->prepared->made, &err);
	else
		finish(core, rc, &err);
	if (rc && core->policy_waiting == s)
		finish(core, rc, &err);
	return true;
}

/* Which hubs are away, since the gateway began; nothing new is announced before they have come once. */
void rn_policy_tick(struct rn_core *core, bool last)
{
	struct rn_policy_setting *s = core->policy_waiting;
	struct rn_err err = {""};
	if (!s || (!last && rn_core_now_ms(core) < s->until))
		return;
	rn_fail(&err, -EAGAIN,
		"the policy is not set: it needs identities that not all hubs know yet; wait until all hubs are "
		"connected, or revoke those that are gone");
	finish(core, -EAGAIN, &err);
}

/* ---- from its text to the books ---- */

static int busy(const struct rn_core *core, struct rn_err *err)
{
	return core->policy_waiting ? rn_fail(err, -EBUSY, "another policy is being set: try again in a moment") : 0;
}

static int wait_for_numbers(struct rn_core *core, struct rn_policy_setting *s, struct rn_err *err)
{
	int rc = busy(core, err);
	if (!rc)
		rc = make_finer(core, &s->prepared->made, err);
	if (rc)
		return rc;
	s->until = rn_core_now_ms(core) + RN_MEMBERS_WAIT_MS;
	core->policy_waiting = s;
	rn_members_settle(core);
	return 0;
}

static void prepared(struct rn_core *core, struct rn_prepared *p)
{
	struct rn_policy_setting *s = p->context;
	struct rn_err err = p->err;
	int rc = p->code ? p->code : set(core, s, &err);
	if (!p->code && rc == -EAGAIN && p->made.text) {
		rc = wait_for_numbers(core, s, &err);
		if (!rc)
			return;
	}
	if (rc) {
		fail(s, rc, &err);
		return;
	}
	succeed(core, s);
	rn_members_settle(core);
	rn_core_publish(core);
}

static struct rn_policy_setting *setting_new(struct rn_core *core, const struct rn_core_policy_new *new,
					     rn_core_done *done, void *context)
{
	struct rn_policy_setting *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct rn_policy_setting){.new = *new, .done = done, .context = context};
	s->prepared = rn_prepared_new(new->text, new->size, RN_PREPARE_TESTS);
	if (!s->prepared) {
		free(s);
		return NULL;
	}
	s->prepared->done = prepared;
	s->prepared->context = s;
	s->prepared->whose = context;
	s->new.text = NULL;
	snprintf(s->comment, sizeof(s->comment), "%s", new->comment ? new->comment : "");
	snprintf(s->draft, sizeof(s->draft), "%s", new->draft ? new->draft : "");
	snprintf(s->actor, sizeof(s->actor), "%s", rn_core_actor(core));
	s->new.comment = s->comment;
	s->new.draft = new->draft ? s->draft : NULL;
	return s;
}

void rn_core_policy_set(struct rn_core *core, const struct rn_core_policy_new *new, rn_core_done *done, void *context)
{
	struct rn_policy_setting *s;
	struct rn_err err = {""};
	int rc = rn_core_need_gateway(core, &err);
	if (!rc)
		rc = busy(core, &err);
	if (!rc)
		rc = rn_policy_check_words(core, new->comment, new->based_on, &err);
	if (!rc) /* and once more when it is put into force */
		rc = check_base(core, new, &err);
	s = rc ? NULL : setting_new(core, new, done, context);
	if (s) {
		rn_prepare(core, s->prepared);
		return;
	}
	if (!rc)
		rc = rn_fail(&err, -ENOMEM, "out of memory");
	done(context, rc, &err, NULL, 0);
}

void rn_core_policy_cancel(struct rn_core *core, const void *context)
{
	rn_prepare_cancel(core, context);
	rn_replay_cancel(core, context);
	rn_observed_cancel(core, context);
}
