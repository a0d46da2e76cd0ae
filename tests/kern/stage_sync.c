/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

/* What core sends after it has connected. */

bool stage_allow_all(struct stage *s, uint64_t version)
{
	uint32_t selector = 1;
	struct rn_policy_rule rule = {
	    .id = "all", .number = 1, .source.any = {&selector, 1}, .destination.any = {&selector, 1}};
	struct rn_service service = {0, 0, 65535};
	struct rn_policy_record policy = {.rules = &rule, .rule_count = 1};

	rule.services = &service;
	rule.service_count = 1;
	return stage_policy(s, version, &policy);
}

bool stage_sync_all(struct stage *s, uint64_t version)
{
	struct rn_device_record self = stage_device_of(s, s->self), other = stage_device_of(s, 2),
				third = stage_device_of(s, 3);

	stage_say(s, RN_LOCAL_KERN_SYNC, stage_epoch, version);
	stage_syncing = true;
	stage_network(s, 1, STAGE_LEASE);
	stage_device(s, 2, &self);
	if (s->self != 2)
		stage_device(s, 3, &other);
	else {
		other = stage_device_of(s, s->hub);
		stage_device(s, 3, &other);
	}
	stage_device(s, 4, &third);
	stage_allow_all(s, 5);
	stage_syncing = false;
	stage_say(s, RN_LOCAL_KERN_SYNCED, stage_epoch, version);
	return stage_expect(s, RN_LOCAL_KERN_APPLIED) && s->message.version == version;
}
