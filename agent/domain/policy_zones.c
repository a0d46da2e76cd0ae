// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "domain/policy.h"

static const struct rn_zone *only_utc(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "UTC") == 0 ? rn_zone_utc() : NULL;
}

const struct rn_zone_source *rn_policy_zones(const struct rn_zone_source *zones)
{
	static const struct rn_zone_source utc = {NULL, only_utc};

	return zones && zones->zone ? zones : &utc;
}

static int check_rule(const struct rn_access_policy *rule, const struct rn_zone_source *zones, const char **last,
		      struct rn_err *err)
{
	for (uint32_t i = 0; i < rule->time_count; i++) {
		const char *zone = rule->times[i].zone;

		if (strcmp(zone, *last) != 0 && !zones->zone(zones->context, zone))
			return rn_fail(err, -EINVAL,
				       "line %u, column %u: there is no time zone \"%s\"; write one that the gateway's "
				       "tzdata has, as \"Europe/Vienna\", or \"UTC\"",
				       rule->line, rule->column, zone);
		*last = zone;
	}
	return 0;
}

int rn_policy_check_zones(const struct rn_policy_model *model, const struct rn_zone_source *zones, struct rn_err *err)
{
	const char *last = "";
	int code = 0;

	zones = rn_policy_zones(zones);
	for (uint32_t i = 0; i < model->rule_count && code == 0; i++)
		code = check_rule(&model->rules[i], zones, &last, err);
	return code;
}
