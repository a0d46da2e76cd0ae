/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "service/enforce_state.h"

static void rows_of(const struct rn_enforce *e, const struct rn_policy_record *policy, uint32_t slot,
		    struct rn_identity *ret)
{
	uint32_t count;
	const uint32_t *selectors = rn_slots_selectors(e->slots, slot, &count);

	*ret = (struct rn_identity){0};
	if (selectors)
		rn_policy_tables_identity(policy, selectors, count, ret);
}

uint64_t rn_enforce_generation(const struct rn_enforce *e)
{
	struct rn_config config;

	rn_datapath_config(e->dp, &config);
	return config.generation;
}

int rn_enforce_slot_write(struct rn_enforce *e, uint32_t slot)
{
	struct rn_identity rows = {0};
	uint64_t generation = rn_enforce_generation(e);

	if (generation == 0)
		return 0;
	if (e->policy_known)
		rows_of(e, &e->policy, slot, &rows);
	return rn_datapath_identity_write(e->dp, generation & 1, slot, &rows);
}

static int write_half(struct rn_enforce *e, unsigned half, const struct rn_policy_record *policy)
{
	const struct rn_policy_tables *t = e->tables;
	struct rn_datapath_policy parts = {&t->policy, t->rules, t->trust, t->services, t->service_classes, t->ports};
	int r = rn_datapath_policy_write(e->dp, half, &parts);

	for (uint32_t slot = 0; r == 0 && slot < rn_slots_end(e->slots); slot++) {
		struct rn_identity rows;
		uint32_t count;

		if (!rn_slots_selectors(e->slots, slot, &count))
			continue;
		rows_of(e, policy, slot, &rows);
		r = rn_datapath_identity_write(e->dp, half, slot, &rows);
	}
	return r;
}

/* Takes a slot for each device that waits, so that its rows are in the new half before the flip. */
static void hold_waiting(struct rn_enforce *e)
{
	for (uint32_t i = 0; i < e->waiting_count; i++) {
		struct rn_waiting_device *w = &e->waiting[i];
		bool fresh;

		if (!w->held)
			w->held = rn_slots_take(e->slots, w->record.identity, w->record.selectors,
						w->record.selector_count, &w->slot, &fresh) == 0;
	}
}

static int flip(struct rn_enforce *e, uint32_t epoch, uint64_t version, const struct rn_policy_record *policy,
		struct rn_err *err)
{
	uint64_t generation = rn_enforce_generation(e) + 1;
	int r = rn_policy_tables_build(policy, version, e->tables, err);

	if (r < 0)
		return r;
	r = write_half(e, generation & 1, policy);
	if (r < 0)
		return rn_fail(err, r, "the kernel's tables did not take policy %llu: %s", (unsigned long long)version,
			       strerror(-r));
	rn_enforce_waive(e, policy);
	rn_datapath_set_generation(e->dp, generation);
	rn_datapath_set_meta(e->dp, epoch, version);
	e->policy_version = version;
	return 0;
}

static void remember(struct rn_enforce *e, struct rn_policy_record *policy_taken)
{
	rn_policy_record_done(&e->policy);
	e->policy = *policy_taken;
	*policy_taken = (struct rn_policy_record){0};
	e->policy_known = true;
}

int rn_enforce_policy(struct rn_enforce *e, uint32_t epoch, uint64_t version, struct rn_policy_record *policy_taken,
		      struct rn_err *err)
{
	int r = 0;

	if (version < e->policy_version)
		r = rn_fail(err, -ESTALE, "policy %llu is older than %llu, which is in force",
			    (unsigned long long)version, (unsigned long long)e->policy_version);
	else if (!rn_enforce_generation(e) && version < e->policy_least)
		r = rn_fail(err, -EAGAIN, "policy %llu is older than %llu, which devices were signed under",
			    (unsigned long long)version, (unsigned long long)e->policy_least);
	else if (version == e->policy_version && e->policy_known)
		r = 1;
	else if (version == e->policy_version && version)
		rn_enforce_waive(e, policy_taken);
	else if (version > e->policy_version) {
		hold_waiting(e);
		r = flip(e, epoch, version, policy_taken, err);
	}
	if (r == 0) {
		remember(e, policy_taken);
		rn_enforce_waiting_apply(e);
	}
	rn_policy_record_done(policy_taken);
	return r;
}
