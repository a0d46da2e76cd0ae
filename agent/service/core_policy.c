/* SPDX-License-Identifier: Apache-2.0 */
/* The policy as the API sees it. */
#include <errno.h>
#include <stdio.h>

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
	if (!rc)
		rc = rn_policy_put(&change, text, size, &held);
	rn_policy_held_done(&held);
	rn_change_abort(&change);
	return rc;
}

static int set(struct rn_core *core, const char *text, size_t size, struct rn_err *err)
{
	struct rn_policy_held held = {0};
	struct rn_change change;
	char version[24];
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = rn_policy_put(&change, text, size, &held);
	snprintf(version, sizeof(version), "%llu", (unsigned long long)held.version);
	if (!rc)
		rc = rn_change_audit(&change, rn_core_actor(core), "policy set", version, "");
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

void rn_core_policy_set(struct rn_core *core, const char *text, size_t size, rn_core_done *done, void *context)
{
	struct rn_err err = {""};
	int rc = rn_core_need_gateway(core, &err);
	if (!rc)
		rc = set(core, text, size, &err);
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	rn_enforcement_wait(core, core->policy.version, 0, done, context);
	rn_core_publish(core);
}
