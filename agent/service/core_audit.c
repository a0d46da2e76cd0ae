/* SPDX-License-Identifier: Apache-2.0 */
/* Who did what: the actor of what the API is asked for now, and the record as it reads it. */
#include <stdio.h>

#include "service/core_accounts.h"

void rn_core_act_as(struct rn_core *core, const char *actor)
{
	snprintf(core->actor, sizeof(core->actor), "%s", actor);
}

const char *rn_core_actor(struct rn_core *core)
{
	return core->actor[0] ? core->actor : "root";
}

int rn_core_audit(struct rn_core *core, const char *what, const char *object, const char *detail, struct rn_err *err)
{
	return rn_store_audit(core->books.store, rn_core_now(core), rn_core_actor(core), what, object, detail, err);
}

struct reading {
	void (*each)(void *context, const struct rn_core_audit *);
	void *context;
};

static void read_one(void *context, const struct rn_store_audit *row)
{
	struct reading *reading = context;

	reading->each(reading->context, &(struct rn_core_audit){.serial = row->number,
								.time = row->time,
								.actor = row->actor,
								.what = row->what,
								.object = row->object,
								.detail = row->detail});
}

int rn_core_audits(struct rn_core *core, uint64_t after, bool newest, unsigned max,
		   void (*each)(void *context, const struct rn_core_audit *), void *context, struct rn_err *err)
{
	struct reading reading = {each, context};
	uint64_t last = 0;
	int rc = rn_core_need_gateway(core, err);

	if (!rc && newest)
		rc = rn_store_newest_audit(core->books.store, &last, err);
	if (newest)
		after = last > max ? last - max : 0;
	return rc ? rc : rn_store_audits(core->books.store, after, max, read_one, &reading, err);
}
