/* SPDX-License-Identifier: Apache-2.0 */
/* The policy as the API sees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "service/core_history.h"
#include "service/core_numbering.h"
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

/* The whole way of a policy but its last step, so that a check that passes is a set that passes. */
int rn_core_policy_check(struct rn_core *core, const char *text, size_t size, struct rn_err *err)
{
	struct rn_policy_held held = {0};
	struct rn_change change;
	int rc = rn_core_need_gateway(core, err);
	if (rc)
		return rc;
	rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	change.tentative = true;
	if (!rc)
		rc = rn_policy_put(&change, text, size, &held);
	rn_policy_held_done(&held);
	rn_change_abort(&change);
	return rc;
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
		snprintf(detail, sizeof(detail), "version %llu again%s%s", (unsigned long long)new->origin, colon, comment);
	else if (new->draft)
		snprintf(detail, sizeof(detail), "draft %s%s%s", new->draft, colon, comment);
	else
		snprintf(detail, sizeof(detail), "%s", comment);
	return rn_change_audit(change, actor, new->origin ? "policy rolled back" : "policy set", number, detail);
}

/* The draft goes, unless somebody has stored another under its name meanwhile. */
static int remove_draft(struct rn_change *change, const struct rn_core_policy_new *new)
{
	struct rn_store *store = change->books->store;
	struct rn_store_draft draft;
	char *text = NULL;
	bool same;
	int rc = new->draft ? rn_store_draft(store, new->draft, &draft, &text, change->err) : -ENOENT;
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	same = draft.size == new->size && memcmp(text, new->text, new->size) == 0;
	free(text);
	return same ? rn_store_remove_draft(store, new->draft, change->err) : 0;
}

static int put(struct rn_change *change, const char *actor, const struct rn_core_policy_new *new,
	       struct rn_policy_held *held)
{
	int rc;
	held->about.origin = new->origin;
	snprintf(held->about.author, sizeof(held->about.author), "%s", actor);
	snprintf(held->about.comment, sizeof(held->about.comment), "%s", new->comment ? new->comment : "");
	rc = rn_policy_put(change, new->text, new->size, held);
	if (!rc)
		rc = remove_draft(change, new);
	return rc ? rc : audit(change, actor, new, held->about.version);
}

static int set(struct rn_core *core, const char *actor, const struct rn_core_policy_new *new, struct rn_err *err)
{
	struct rn_policy_held held = {0};
	struct rn_change change;
	int rc = check_base(core, new, err);
	if (rc)
		return rc;
	rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = put(&change, actor, new, &held);
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
	if (new->ret_version)
		*new->ret_version = held.about.version;
	return 0;
}

/* ---- one that waits ---- */

/* Devices become as fine as the policy needs them, which is neutral under the one in force. */
static int make_finer(struct rn_core *core, const char *text, size_t size, struct rn_err *err)
{
	struct rn_change change;
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = rn_policy_name(&change, text, size);
	if (!rc)
		rc = rn_change_commit(&change);
	else
		rn_change_abort(&change);
	return rc ? rc : rn_registry_pend_all(&core->books, err);
}

static int keep_waiting(struct rn_core *core, const struct rn_core_policy_new *new, rn_core_done *done, void *context,
			struct rn_err *err)
{
	struct rn_policy_waiting *w = &core->policy_waiting;
	char *copy = malloc(new->size + 1);
	if (!copy)
		return rn_fail(err, -ENOMEM, "out of memory");
	memcpy(copy, new->text, new->size);
	copy[new->size] = 0;
	*w = (struct rn_policy_waiting){
	    .new = *new, .until = rn_core_now_ms(core) + RN_MEMBERS_WAIT_MS, .done = done, .context = context};
	w->new.text = copy;
	snprintf(w->comment, sizeof(w->comment), "%s", new->comment ? new->comment : "");
	snprintf(w->draft, sizeof(w->draft), "%s", new->draft ? new->draft : "");
	w->new.comment = w->comment;
	w->new.draft = new->draft ? w->draft : NULL;
	snprintf(w->actor, sizeof(w->actor), "%s", rn_core_actor(core));
	rn_members_settle(core);
	return 0;
}

static void finish(struct rn_core *core, int code, const struct rn_err *err)
{
	rn_core_done *done = core->policy_waiting.done;
	void *context = core->policy_waiting.context;
	free((char *)core->policy_waiting.new.text);
	core->policy_waiting = (struct rn_policy_waiting){.done = NULL};
	if (code)
		done(context, code, err, NULL, 0);
	else
		rn_enforcement_wait(core, core->policy.about.version, 0, done, context);
}

bool rn_policy_retry(struct rn_core *core)
{
	struct rn_policy_waiting *w = &core->policy_waiting;
	struct rn_err err = {""};
	int rc;
	if (!w->new.text || rn_numbering_pending(&core->books))
		return false;
	rc = set(core, w->actor, &w->new, &err);
	/* A device has come meanwhile, or everything was loaded anew. */
	if (rc == -EAGAIN)
		rc = make_finer(core, w->new.text, w->new.size, &err);
	else
		finish(core, rc, &err);
	if (rc && w->new.text)
		finish(core, rc, &err);
	return true;
}

/* Which hubs are away, since the gateway began; nothing new is announced before they have come once. */
void rn_policy_tick(struct rn_core *core, bool last)
{
	struct rn_policy_waiting *w = &core->policy_waiting;
	struct rn_err err = {""};
	if (!w->new.text || (!last && rn_core_now_ms(core) < w->until))
		return;
	rn_fail(&err, -EAGAIN,
		"the policy is not set: it needs identities that not all hubs know yet; wait until all hubs are "
		"connected, or revoke those that are gone");
	finish(core, -EAGAIN, &err);
}

void rn_core_policy_set(struct rn_core *core, const struct rn_core_policy_new *new, rn_core_done *done, void *context)
{
	struct rn_err err = {""};
	int rc = rn_core_need_gateway(core, &err);
	if (!rc && core->policy_waiting.new.text)
		rc = rn_fail(&err, -EBUSY, "another policy is being set: try again in a moment");
	if (!rc)
		rc = rn_policy_check_words(core, new->comment, new->based_on, &err);
	if (!rc)
		rc = set(core, rn_core_actor(core), new, &err);
	if (rc == -EAGAIN) {
		rc = make_finer(core, new->text, new->size, &err);
		if (!rc)
			rc = keep_waiting(core, new, done, context, &err);
		if (!rc)
			return;
	}
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	rn_enforcement_wait(core, core->policy.about.version, 0, done, context);
	rn_members_settle(core);
	rn_core_publish(core);
}
