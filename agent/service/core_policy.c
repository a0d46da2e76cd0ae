/* SPDX-License-Identifier: Apache-2.0 */
/* The policy as the API sees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_numbering.h"
#include "service/core_registry.h"
#include "service/core_state.h"

int rn_core_policy_get(struct rn_core *core, struct rn_core_policy *ret, struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);
	if (rc)
		return rc;
	*ret = (struct rn_core_policy){
	    .text = core->policy.text, .version = core->policy.version, .stored = core->policy.stored};
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

static int set(struct rn_core *core, const char *actor, const char *text, size_t size, struct rn_err *err)
{
	struct rn_policy_held held = {0};
	struct rn_change change;
	char version[24];
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = rn_policy_put(&change, text, size, &held);
	snprintf(version, sizeof(version), "%llu", (unsigned long long)held.version);
	if (!rc)
		rc = rn_change_audit(&change, actor, "policy set", version, "");
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

static int keep_waiting(struct rn_core *core, const char *text, size_t size, rn_core_done *done, void *context,
			struct rn_err *err)
{
	struct rn_policy_waiting *w = &core->policy_waiting;
	char *copy = malloc(size + 1);
	if (!copy)
		return rn_fail(err, -ENOMEM, "out of memory");
	memcpy(copy, text, size);
	copy[size] = 0;
	*w = (struct rn_policy_waiting){.text = copy,
					.size = size,
					.until = rn_core_now_ms(core) + RN_MEMBERS_WAIT_MS,
					.done = done,
					.context = context};
	snprintf(w->actor, sizeof(w->actor), "%s", rn_core_actor(core));
	rn_members_settle(core);
	return 0;
}

static void finish(struct rn_core *core, int code, const struct rn_err *err)
{
	struct rn_policy_waiting w = core->policy_waiting;
	core->policy_waiting = (struct rn_policy_waiting){0};
	free(w.text);
	if (code)
		w.done(w.context, code, err, NULL, 0);
	else
		rn_enforcement_wait(core, core->policy.version, 0, w.done, w.context);
}

bool rn_policy_retry(struct rn_core *core)
{
	struct rn_policy_waiting *w = &core->policy_waiting;
	struct rn_err err = {""};
	int rc;
	if (!w->text || rn_numbering_pending(&core->books))
		return false;
	rc = set(core, w->actor, w->text, w->size, &err);
	/* A device has come meanwhile, or everything was loaded anew. */
	if (rc == -EAGAIN)
		rc = make_finer(core, w->text, w->size, &err);
	else
		finish(core, rc, &err);
	if (rc && w->text)
		finish(core, rc, &err);
	return true;
}

/* Which hubs are away, since the gateway began; nothing new is announced before they have come once. */
void rn_policy_tick(struct rn_core *core, bool last)
{
	struct rn_policy_waiting *w = &core->policy_waiting;
	struct rn_err err = {""};
	if (!w->text || (!last && rn_core_now_ms(core) < w->until))
		return;
	rn_fail(&err, -EAGAIN,
		"the policy is not set: it needs identities that not all hubs know yet; wait until all hubs are "
		"connected, or revoke those that are gone");
	finish(core, -EAGAIN, &err);
}

void rn_core_policy_set(struct rn_core *core, const char *text, size_t size, rn_core_done *done, void *context)
{
	struct rn_err err = {""};
	int rc = rn_core_need_gateway(core, &err);
	if (!rc && core->policy_waiting.text)
		rc = rn_fail(&err, -EBUSY, "another policy is being set: try again in a moment");
	if (!rc)
		rc = set(core, rn_core_actor(core), text, size, &err);
	if (rc == -EAGAIN) {
		rc = make_finer(core, text, size, &err);
		if (!rc)
			rc = keep_waiting(core, text, size, done, context, &err);
		if (!rc)
			return;
	}
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	rn_enforcement_wait(core, core->policy.version, 0, done, context);
	rn_members_settle(core);
	rn_core_publish(core);
}
