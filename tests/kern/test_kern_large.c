/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "domain/policy_parts.h"
#include "host.h"
#include "scenarios.h"

/* A policy that is larger than a node's tables. */

#define MANY 100000u

struct sending {
	struct stage *stage;
	uint64_t version;
	uint32_t number;
	bool good;
};

static int send_part(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	static uint8_t data[RN_RECORD_SIZE_MAX];
	struct sending *to = context;
	const struct rn_record_head head = {RN_RECORD_PART, stage_epoch, to->version, 1};
	const struct rn_part part = {.number = ++to->number, .body = body, .size = size};

	*ret_number = part.number;
	to->good &=
	    stage_record(to->stage, data, rn_record_put_part(&head, &part, to->stage->policy, data, sizeof(data)));
	return 0;
}

/* 100,000 rules. So many have selector 1 for a source, 100 selector 50; the rest is about devices that are not here. */
static bool many_rules(struct stage *s, uint64_t version, uint32_t concern)
{
	static struct rn_policy_rule rules[MANY];
	static uint32_t sources[MANY][2], destinations[1000];
	static struct rn_service service = {0, 0, 65535};
	static uint32_t number;
	struct rn_policy_record policy = {.rules = rules, .rule_count = MANY}, root;
	struct sending to = {s, version, number, true};
	bool good;

	for (uint32_t i = 0; i < MANY; i++) {
		sources[i][0] = i < concern ? 1 : i < concern + 100 ? 50 : 90;
		sources[i][1] = 1000 + i;
		destinations[i % 1000] = 200000 + i % 1000;
		rules[i] = (struct rn_policy_rule){.number = i + 1,
						   .deny = i < 100,
						   .source.any = {sources[i], 2},
						   .destination.any = {&destinations[i % 1000], 1},
						   .services = &service,
						   .service_count = 1};
		snprintf(rules[i].id, sizeof(rules[i].id), "r%u", i);
	}
	if (rn_policy_split(&policy, send_part, &to, &root) < 0)
		return false;
	number = to.number;
	good = stage_policy(s, version + 1, &root);
	free(root.parts);
	return to.good && good;
}

/* How many rules of which policy are in force. */
static uint32_t rules_of(uint64_t version)
{
	struct rn_policy policies[1] = {0};
	uint32_t half = host_config().generation & 1;

	host_lookup("rn_policy", &half, policies);
	return policies[0].version == version ? policies[0].rules : 0;
}

void large_policy(struct stage *s)
{
	struct rn_device_record self = stage_device_of(s, s->self);

	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(host_wait_up() && stage_sync_all(s, 5));
	CHECK(rules_of(5) == 1);
	CHECK(many_rules(s, 10, 500));
	CHECK(rules_of(11) == 500);
	self.identity = 2;
	self.selectors[1] = 50;
	self.selector_count = 2;
	CHECK(stage_device(s, 12, &self));
	CHECK(rules_of(11) == 600);
	CHECK(!many_rules(s, 20, 20000));
	CHECK(rules_of(11) == 600);
	CHECK(many_rules(s, 30, 16000));
	CHECK(rules_of(31) == 16100);
	/* It goes on with these after a restart. */
	stage_kern_kill(s);
	stage_kern_start(s);
	CHECK(rules_of(31) == 16100 && stage_device(s, 12, &self) && many_rules(s, 40, 400));
	CHECK(rules_of(41) == 500);
}
