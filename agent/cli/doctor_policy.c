/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/doctor.h"
#include "cli/remote.h"

static bool is_object(const struct rn_json *json)
{
	return json && rn_json_type(json) == RN_JSON_OBJECT;
}

void rn_check_policy(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_json *datapath = d->status ? rn_json_get(d->status, "datapath") : NULL;
	const char *version, *kernel, *why;

	if (!is_object(datapath)) {
		rn_found(f, RN_HEALTH_WARN, "not known: kern does not answer");
		return rn_fix(f, "see the checks of units and processes");
	}
	version = rn_remote_text(d->status, "policy_version");
	kernel = rn_remote_text(datapath, "policy_version");
	why = rn_remote_text(datapath, "policy_refused");
	if (strcmp(version, kernel) == 0)
		return rn_found(f, RN_HEALTH_PASS, "version %s is in the kernel", version);
	if (!*why) {
		rn_found(f, RN_HEALTH_WARN, "version %s is on its way to the kernel, which has %s", version, kernel);
		return rn_fix(f, "look again in a moment; then journalctl -u rnautd-kern");
	}
	rn_found(f, RN_HEALTH_FAIL, "%s; the kernel goes on with policy %s", why, kernel);
	rn_fix(f, "make the policy smaller (docs/policy.md, Bounds), or go back: rnaut policy rollback %s", kernel);
}

void rn_check_hub_policies(struct rn_doctor *d, struct rn_finding *f)
{
	struct rn_json *answer = d->status ? rn_remote_try(d->cli, "/api/v1/hubs") : NULL;
	const struct rn_json *list = answer ? rn_json_get(answer, "hubs") : NULL;
	const char *first = NULL;
	unsigned connected = 0, behind = 0;

	for (const struct rn_json *hub = list ? rn_json_first(list) : NULL; hub; hub = rn_json_next(hub)) {
		connected += rn_remote_true(hub, "connected");
		if (!rn_remote_true(hub, "policy_behind"))
			continue;
		behind++;
		first = first ? first : rn_remote_text(hub, "hub_name");
	}
	if (!list) {
		rn_found(f, RN_HEALTH_WARN, "core does not say which policies the hubs have");
		rn_fix(f, "see the checks of units and processes");
	} else if (behind) {
		rn_found(f, RN_HEALTH_FAIL, "%u of %u hubs that are connected enforce an older policy, %s among them",
			 behind, connected, first);
		rn_fix(f, "a moment after a change that is so; else rnaut status on %s says why", first);
	} else {
		rn_found(f, RN_HEALTH_PASS, "all %u that are connected have the policy in force", connected);
	}
	rn_json_free(answer);
}

void rn_check_recorder(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_json *r = d->status ? rn_json_get(d->status, "recorder") : NULL;
	const char *state = rn_remote_text(r, "state"), *since = rn_remote_text(r, "recorded_since");

	if (!is_object(r)) {
		rn_found(f, RN_HEALTH_WARN, "core does not say whether it records flows");
		return rn_fix(f, "see the checks of units and processes");
	}
	if (strcmp(state, "off") == 0)
		return rn_found(f, RN_HEALTH_PASS, "off: flow_rows or flow_days is 0 in rnaut.conf");
	if (strcmp(state, "recording") != 0) {
		rn_found(f, RN_HEALTH_WARN, "%s", rn_remote_text(r, "problem"));
		return rn_fix(
		    f,
		    "make room on the disk of %s, then systemctl restart rnautd-core if the file could not be opened",
		    d->cli->conf.state_dir);
	}
	rn_found(f, RN_HEALTH_PASS, "%s rows of at most %s, the oldest of %s; %s events lost since core started",
		 rn_remote_text(r, "rows"), rn_remote_text(r, "rows_max"), *since ? since : "never",
		 rn_remote_text(r, "lost_events"));
	if (!rn_remote_true(r, "set_aside"))
		return;
	f->health = RN_HEALTH_WARN;
	rn_fix(f,
	       "the file was damaged when core started, and flows are recorded anew: %s/state/core/flows.ring.damaged "
	       "may be deleted",
	       d->cli->conf.state_dir);
}
