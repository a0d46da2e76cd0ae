/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/enforce_state.h"

/* sides NULL: they are not known. */
static int write_slot(struct rn_enforce *e, unsigned half, struct rn_policy_sides *sides, uint32_t slot)
{
	struct rn_identity_lists lists = {0};
	uint32_t count;
	const uint32_t *selectors = rn_slots_selectors(e->slots, slot, &count);
	int r = 0;

	if (selectors && sides)
		r = rn_policy_tables_identity(sides, selectors, count, &lists);
	if (r == 0)
		r = rn_datapath_identity_write(e->dp, half, slot, &lists);
	free(lists.sides);
	return r;
}

uint64_t rn_enforce_generation(const struct rn_enforce *e)
{
	struct rn_config config;

	rn_datapath_config(e->dp, &config);
	return config.generation;
}

/* ---- what of a policy is here ---- */

void rn_enforce_rules_done(struct rn_enforced_rules *rules)
{
	rn_policy_sides_free(rules->sides);
	rn_policy_record_done(&rules->record);
	*rules = (struct rn_enforced_rules){0};
}

/* *ret is to be let go, also on failure. */
static int make_rules(const struct rn_policy_record *policy, const struct rn_narrowed *narrowed,
		      struct rn_enforced_rules *ret)
{
	*ret = (struct rn_enforced_rules){.narrowed = *narrowed};
	if (!narrowed->whole && rn_policy_narrow(policy, narrowed, &ret->record) < 0)
		return -ENOMEM;
	ret->sides = rn_policy_sides_new(narrowed->whole ? policy : &ret->record);
	return ret->sides ? 0 : -ENOMEM;
}

static void take_rules(struct rn_enforce *e, struct rn_enforced_rules *taken)
{
	rn_enforce_rules_done(&e->rules);
	e->rules = *taken;
	*taken = (struct rn_enforced_rules){0};
}

void rn_enforce_on_parts(struct rn_enforce *e, const struct rn_part_source *parts)
{
	e->parts = *parts;
}

const struct rn_policy_record *rn_enforce_in_force(const struct rn_enforce *e)
{
	return e->policy_known ? &e->policy : NULL;
}

/* A node's own rules are a hundredth of a large policy. */
static void let_go_of_the_rest(struct rn_enforce *e)
{
	if (!e->hub && e->parts.part)
		rn_policy_unjoin(&e->policy);
}

static int join_again(struct rn_enforce *e)
{
	return !e->hub && e->parts.part ? rn_policy_join(&e->policy, &e->parts) : 0;
}

/* ---- halves ---- */

/* A policy that is to be in force, or is. */
struct candidate {
	const struct rn_policy_record *policy;
	struct rn_enforced_rules *rules;
	uint64_t version;
};

static int write_rules(struct rn_enforce *e, unsigned half, const struct candidate *c, struct rn_err *err)
{
	const struct rn_policy_record *record = c->rules->narrowed.whole ? c->policy : &c->rules->record;
	struct rn_policy_arrays arrays;
	int r = rn_policy_tables_build(record, c->rules->sides, c->version, &arrays, err);

	if (r < 0)
		return r;
	arrays.policy.narrowed = c->rules->narrowed;
	r = rn_datapath_policy_write(e->dp, half, &arrays);
	rn_policy_tables_done(&arrays);
	if (r == -ENOSPC)
		return rn_fail(err, r,
			       "policy %llu has more rules that concern this host than its tables hold (%u of %u): "
			       "join some",
			       (unsigned long long)c->version, record->rule_count,
			       c->policy->part_count ? c->policy->joined_rules : c->policy->rule_count);
	return r;
}

static int write_half(struct rn_enforce *e, unsigned half, const struct candidate *c, struct rn_err *err)
{
	int r = write_rules(e, half, c, err);

	if (r == -EMSGSIZE || r == -ENOSPC)
		return r;
	for (uint32_t slot = 0; r == 0 && slot < rn_slots_end(e->slots); slot++) {
		uint32_t count;

		if (rn_slots_selectors(e->slots, slot, &count))
			r = write_slot(e, half, c->rules->sides, slot);
	}
	rn_datapath_policy_done(e->dp);
	if (r == -ENOSPC)
		return rn_fail(err, r, "policy %llu has more rules for the devices here than this host's tables hold",
			       (unsigned long long)c->version);
	if (r < 0)
		return rn_fail(err, r, "the kernel's tables did not take policy %llu: %s",
			       (unsigned long long)c->version, strerror(-r));
	return 0;
}

int rn_enforce_fill(struct rn_enforce *e, const struct rn_narrowed *narrowed, bool apart, struct rn_err *err)
{
	const uint64_t generation = rn_enforce_generation(e) + 1;
	struct rn_enforced_rules rules = {0};
	const struct candidate c = {&e->policy, &rules, e->policy_version};
	int r = join_again(e);

	if (r == 0)
		r = make_rules(&e->policy, narrowed, &rules);
	let_go_of_the_rest(e);
	if (r < 0)
		rn_fail(err, r, "policy %llu cannot be read again: %s", (unsigned long long)e->policy_version,
			strerror(-r));
	else
		r = write_half(e, generation & 1, &c, err);
	if (r == 0) {
		uint32_t own = rn_numbers_get(e->by_number, e->self);

		if (apart && own && e->devices[own].present)
			rn_enforce_retire(e, own);
		rn_datapath_set_generation(e->dp, generation);
		take_rules(e, &rules);
	}
	rn_enforce_rules_done(&rules);
	return r;
}

/* The same in the other half, without what was left over: there is room for new identities then. */
static int fill_anew(struct rn_enforce *e)
{
	const struct candidate same = {&e->policy, &e->rules, e->policy_version};
	uint64_t generation = rn_enforce_generation(e) + 1;
	int r = write_half(e, generation & 1, &same, NULL);

	if (r == 0)
		rn_datapath_set_generation(e->dp, generation);
	return r;
}

int rn_enforce_slot_write(struct rn_enforce *e, uint32_t slot)
{
	uint64_t generation = rn_enforce_generation(e);
	int r;

	if (generation == 0)
		return 0;
	r = write_slot(e, generation & 1, e->rules.sides, slot);
	rn_datapath_policy_done(e->dp);
	if (r == -ENOSPC && e->policy_known && !e->syncing) /* while it syncs, not every slot's selectors are known */
		r = fill_anew(e);
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

static int flip(struct rn_enforce *e, uint32_t epoch, const struct candidate *c, struct rn_err *err)
{
	uint64_t generation = rn_enforce_generation(e) + 1;
	int r = write_half(e, generation & 1, c, err);

	if (r < 0)
		return r;
	rn_enforce_waive(e, c->policy);
	rn_datapath_set_generation(e->dp, generation);
	rn_datapath_set_meta(e->dp, epoch, c->version);
	e->policy_version = c->version;
	return 0;
}

static void remember(struct rn_enforce *e, struct rn_policy_record *policy_taken, struct rn_enforced_rules *rules_taken)
{
	take_rules(e, rules_taken);
	rn_policy_record_done(&e->policy);
	e->policy = *policy_taken;
	*policy_taken = (struct rn_policy_record){0};
	e->policy_known = true;
	let_go_of_the_rest(e);
}

/* What becomes of the policy but for what it is to be known by. */
static int take(struct rn_enforce *e, uint32_t epoch, const struct candidate *c, struct rn_err *err)
{
	if (c->version == e->policy_version && c->version) {
		rn_enforce_waive(e, c->policy);
		return 0;
	}
	if (c->version <= e->policy_version)
		return 0;
	hold_waiting(e);
	return flip(e, epoch, c, err);
}

/* Of the policy that is in force, after a restart, those that the tables have. */
static int find_rules(const struct rn_enforce *e, const struct candidate *c)
{
	struct rn_narrowed narrowed = e->rules.narrowed;

	if (c->version != e->policy_version || !c->version)
		rn_enforce_narrowed(e, &narrowed);
	return make_rules(c->policy, &narrowed, c->rules);
}

int rn_enforce_policy(struct rn_enforce *e, uint32_t epoch, uint64_t version, struct rn_policy_record *policy_taken,
		      struct rn_err *err)
{
	struct rn_enforced_rules rules = {0};
	const struct candidate c = {policy_taken, &rules, version};
	int r = 0;

	if (version < e->policy_version)
		r = rn_fail(err, -ESTALE, "policy %llu is older than %llu, which is in force",
			    (unsigned long long)version, (unsigned long long)e->policy_version);
	else if (!rn_enforce_generation(e) && version < e->policy_least)
		r = rn_fail(err, -EAGAIN, "policy %llu is older than %llu, which devices were signed under",
			    (unsigned long long)version, (unsigned long long)e->policy_least);
	else if (version == e->policy_version && e->policy_known)
		r = 1;
	else if (find_rules(e, &c) < 0)
		r = rn_fail(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = take(e, epoch, &c, err);
	if (r == 0) {
		remember(e, policy_taken, &rules);
		rn_enforce_waiting_apply(e);
	}
	rn_enforce_rules_done(&rules);
	rn_policy_record_done(policy_taken);
	return r;
}
