/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's tables have the rules that concern its own device. While that device becomes another, while policies come
 * and kern is killed and starts again, no packet of the node's passes that the policy in force does not let pass.
 * The datapath is memory here, and it is looked at between any two of kern's writings. RN_SEED=N plays one seed again.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enforce_world.h"
#include "sys/datapath_memory.h"
#include "tests/support/rng.h"
#include "tests/support/tables.h"
#include "tests/support/walk.h"

#define OTHERS 6 /* devices 2 to 7 */
#define IDENTITIES 12
#define POLICIES 64
#define RULES_MAX 40000

static struct hub *world;
static uint32_t sets[IDENTITIES + 1][RN_SELECTORS_MAX], set_counts[IDENTITIES + 1];
static struct rn_policy_record policies[POLICIES + 1]; /* by version */
static struct rn_policy_rule rules[POLICIES + 1][24];
static uint32_t numbers[POLICIES + 1][24][3][2];
static struct rn_service everything = {.protocol = 0, .last = 65535};
static unsigned looked, allowed_seen;

/* ---- packets ---- */

static uint32_t index_of(uint32_t number)
{
	struct rn_device_record d = device(number, 1, 0);
	uint32_t index;

	if (rn_datapath_address(world->dp, &d.ipv6, &index) < 0)
		return 0;
	return world->dp->devices[index].state & RN_STATE_PRESENT ? index : 0;
}

static enum rn_reason by_tables(uint32_t from, uint32_t to)
{
	const struct rn_device *a = &world->dp->devices[from], *b = &world->dp->devices[to];
	const struct tables_packet p = {50, 50, RN_TCP, 80, false, 1000};
	struct rn_identity_lists source, destination;
	struct rn_policy_arrays tables = world_half(world, &source, a->identity_slot);

	world_half(world, &destination, b->identity_slot);
	return tables_judge(&tables, &source, &destination, &p).reason;
}

static enum rn_reason by_reference(uint32_t from, uint32_t to)
{
	const struct rn_device *a = &world->dp->devices[from], *b = &world->dp->devices[to];
	const struct walk_end source = {sets[a->identity_number], set_counts[a->identity_number], 0, 50},
			      destination = {sets[b->identity_number], set_counts[b->identity_number], 0, 50};
	uint64_t version = world->dp->policy[world->dp->config->generation & 1].version;

	assert_true(version && version <= POLICIES);
	return walk_rules(&policies[version], &source, &destination, IPPROTO_TCP, 80, 1000).reason;
}

/* exact: everything is the same; else what passes here must pass there. */
static void compare(bool exact)
{
	uint32_t own = index_of(SELF);

	if (!world->dp->config->generation || !own)
		return;
	for (uint32_t n = 2; n < 2 + OTHERS; n++) {
		uint32_t other = index_of(n);

		for (unsigned back = 0; other && back < 2; back++) {
			uint32_t from = back ? other : own, to = back ? own : other;
			enum rn_reason tables = by_tables(from, to), reference = by_reference(from, to);

			looked++;
			allowed_seen += tables == RN_ALLOWED;
			if (exact || tables == RN_ALLOWED)
				assert_int_equal(tables, reference);
		}
	}
}

static void watch(void)
{
	compare(false);
}

/* ---- what is given ---- */

static void define(uint32_t identity, const uint32_t *selectors, uint32_t count)
{
	memcpy(sets[identity], selectors, count * sizeof(*selectors));
	set_counts[identity] = count;
}

static struct rn_device_record as(uint32_t number, uint32_t identity)
{
	struct rn_device_record d = device(number, identity, 0);

	memcpy(d.selectors, sets[identity], sizeof(d.selectors));
	d.selector_count = set_counts[identity];
	return d;
}

static void rule(uint64_t version, bool deny, uint32_t from, uint32_t to)
{
	struct rn_policy_record *p = &policies[version];
	uint32_t i = p->rule_count++;

	p->rules = rules[version];
	numbers[version][i][0][0] = from;
	numbers[version][i][1][0] = to;
	rules[version][i] = (struct rn_policy_rule){.id = "r",
						    .number = i + 1,
						    .deny = deny,
						    .source.any = {numbers[version][i][0], 1},
						    .destination.any = {numbers[version][i][1], 1},
						    .services = &everything,
						    .service_count = 1};
}

/* kern lets go what it has; the test keeps its own. */
static struct rn_policy_record copy_of(const struct rn_policy_record *p)
{
	struct rn_policy_record c = *p;

	c.rules = zeros(p->rule_count + 1, sizeof(*c.rules));
	for (uint32_t i = 0; i < p->rule_count; i++) {
		struct rn_policy_rule *r = &c.rules[i];
		struct rn_selector_set *all[] = {&r->source.any,      &r->source.types,	     &r->source.none,
						 &r->destination.any, &r->destination.types, &r->destination.none};

		*r = p->rules[i];
		r->services = zeros(1, sizeof(everything));
		*r->services = everything;
		for (unsigned s = 0; s < 6; s++) {
			const uint32_t *from = all[s]->numbers;

			all[s]->numbers = zeros(all[s]->count + 1, sizeof(*from));
			if (all[s]->count)
				memcpy(all[s]->numbers, from, all[s]->count * sizeof(*from));
		}
	}
	return c;
}

/* Where there is a shelf, policies lie in parts, and kern keeps them as kern_records does. */
static struct rn_parts *shelf;
static uint32_t last_part;
static uint64_t shelved;

static int place(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	(void)context;
	*ret_number = ++last_part;
	return rn_parts_put(shelf, &(struct rn_part){last_part, body, size}, shelved);
}

static void into_parts(struct rn_policy_record *p, uint64_t version)
{
	const struct rn_part_source source = rn_parts_source(shelf);
	struct rn_policy_record root;

	shelved = version;
	assert_int_equal(rn_policy_split(p, place, NULL, &root), 0);
	*p = root;
	rn_enforce_on_parts(world->enforce, &source);
	rn_parts_keep(shelf, p, rn_enforce_in_force(world->enforce), version);
}

static int put(uint64_t version)
{
	struct rn_policy_record c = copy_of(&policies[version]);
	int r;

	if (shelf)
		into_parts(&c, version);
	r = rn_enforce_policy(world->enforce, 1, version, &c, NULL);
	if (shelf && r >= 0) {
		rn_parts_keep(shelf, rn_enforce_in_force(world->enforce), NULL, version);
		assert_int_equal(rn_enforce_in_force(world->enforce)->rule_count, 0);
	}
	return r;
}

static int own_setup(void **state)
{
	int r = enforce_setup_node(state);

	world = *state;
	world_watch = watch;
	memset(policies, 0, sizeof(policies));
	looked = allowed_seen = 0;
	/* 1 everyone, 20 staff, 21 guests, 30 db */
	define(1, (const uint32_t[]){1, 20}, 2);
	define(2, (const uint32_t[]){1, 21}, 2);
	define(3, (const uint32_t[]){1, 30}, 2);
	define(4, (const uint32_t[]){1}, 1);
	rule(1, true, 21, 30);
	rule(1, true, 30, 31);
	rule(1, false, 1, 1);
	return r;
}

static int parts_setup(void **state)
{
	shelf = rn_parts_new();
	assert_non_null(shelf);
	return own_setup(state);
}

static int own_teardown(void **state)
{
	world_watch = NULL;
	rn_parts_free(shelf);
	shelf = NULL;
	return enforce_teardown(state);
}

static enum rn_reason reaches(uint32_t from, uint32_t to)
{
	uint32_t a = index_of(from), b = index_of(to);

	return a && b ? by_tables(a, b) : RN_UNKNOWN_SOURCE;
}

static uint32_t rules_here(void)
{
	return world->dp->policy[world->dp->config->generation & 1].rules;
}

/* ---- cases ---- */

/* Another device is a guest already, so the rows are there; the rule that denies guests the database is not. */
static void test_a_rule_that_denies_comes_first(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 2, as(SELF, 1)), 0);
	assert_int_equal(give(h, 3, as(2, 3)), 0);
	assert_int_equal(give(h, 4, as(3, 2)), 0);
	assert_int_equal(put(1), 0);
	assert_int_equal(rules_here(), 1);
	assert_int_equal(reaches(SELF, 2), RN_ALLOWED);
	assert_int_equal(give(h, 5, as(SELF, 2)), 0);
	assert_int_equal(reaches(SELF, 2), RN_DENY_RULE);
	assert_int_equal(reaches(2, SELF), RN_ALLOWED);
	compare(true);
	assert_int_equal(rules_here(), 2);
	assert_int_equal(give(h, 6, as(SELF, 1)), 0); /* and back, for which nothing is missing */
	assert_int_equal(h->dp->config->generation, 2);
	assert_int_equal(reaches(SELF, 2), RN_ALLOWED);
	/* The next policy is for what it is now. */
	policies[2] = policies[1];
	assert_int_equal(put(2), 0);
	assert_int_equal(rules_here(), 1);
	compare(true);
}

/* kern is killed after the half was filled for both: the numbers of the sides are those of both. */
static void test_after_a_restart(void **state)
{
	struct hub *h = *state;

	test_a_rule_that_denies_comes_first(state);
	assert_int_equal(give(h, 7, as(SELF, 2)), 0);
	restart(h);
	compare(true);
	assert_int_equal(give(h, 7, as(SELF, 2)), 0);
	assert_int_equal(give(h, 3, as(2, 3)), 0);
	assert_int_equal(give(h, 8, as(3, 1)), 0); /* waits: nobody knows the rows of staff yet */
	assert_int_equal(put(2), 0);
	assert_int_equal(rules_here(), 2);
	compare(true);
	/* It has become another while kern was away, and it is not known which of the two it was. */
	restart(h);
	assert_int_equal(give(h, 9, as(SELF, 3)), 0);
	assert_int_equal(give(h, 3, as(2, 3)), 0);
	assert_int_equal(give(h, 8, as(3, 1)), 0);
	assert_int_equal(rn_enforce_waiting(h->enforce), 9);
	assert_int_equal(put(2), 0);
	assert_int_equal(rn_enforce_waiting(h->enforce), 0);
	compare(true);
	assert_int_equal(rules_here(), 3);
}

/* A new epoch, and nothing of it but the device: it waits for a policy. */
static void test_not_without_the_policy(void **state)
{
	struct hub *h = *state;

	test_a_rule_that_denies_comes_first(state);
	restart(h);
	rn_enforce_new_epoch(h->enforce, 2);
	assert_int_equal(give(h, 1, as(2, 3)), 0);
	assert_int_equal(give(h, 2, as(3, 2)), 0);
	assert_int_equal(give(h, 3, as(SELF, 2)), 0);
	assert_int_equal(reaches(SELF, 2), RN_ALLOWED); /* as staff */
	assert_int_equal(put(1), 0);
	assert_int_equal(reaches(SELF, 2), RN_DENY_RULE);
	compare(true);
}

static void test_own_device_is_not_known(void **state)
{
	struct hub *h = *state;
	struct rn_device_record revoked = as(SELF, 2);

	assert_int_equal(give(h, 3, as(2, 3)), 0);
	assert_int_equal(put(1), 0);
	assert_int_equal(rules_here(), 0);
	assert_int_equal(give(h, 4, as(SELF, 2)), 0);
	assert_int_equal(rules_here(), 2);
	assert_int_equal(reaches(SELF, 2), RN_DENY_RULE);
	compare(true);
	revoked.flags |= RN_DEVICE_REVOKED;
	assert_int_equal(give(h, 5, revoked), 0);
	assert_false(gets_through(h, SELF));
	assert_int_equal(rn_enforce_remove(h->enforce, SELF), 0);
	policies[2] = policies[1];
	assert_int_equal(put(2), 0);
	assert_int_equal(rules_here(), 0);
	assert_int_equal(reaches(2, SELF), RN_UNKNOWN_SOURCE);
}

/* What is not there in parts cannot be chosen from; and in a new epoch their numbers mean others. */
static void test_parts_that_are_gone(void **state)
{
	struct hub *h = *state;

	test_a_rule_that_denies_comes_first(state);
	rn_parts_keep(shelf, NULL, NULL, 0);
	assert_int_equal(give(h, 7, as(SELF, 3)), -ENOENT);
	assert_int_equal(rules_here(), 1);
	assert_int_equal(reaches(SELF, 2), RN_ALLOWED); /* as staff */
	rn_enforce_new_epoch(h->enforce, 2);
	assert_null(rn_enforce_in_force(h->enforce));
	assert_int_equal(give(h, 1, as(2, 3)), 0);
	assert_int_equal(give(h, 2, as(SELF, 2)), 0);
	assert_int_equal(rn_enforce_waiting(h->enforce), 2);
	assert_int_equal(reaches(SELF, 2), RN_ALLOWED);
	assert_int_equal(put(1), 0);
	assert_int_equal(rn_enforce_waiting(h->enforce), 0);
	assert_int_equal(reaches(SELF, 2), RN_DENY_RULE);
	compare(true);
}

/* ---- what fits ---- */

static struct rn_policy_rule many[RULES_MAX];
static uint32_t ends[RULES_MAX][2], db = 30, elsewhere = 40;

/* So many rules about 20, so many about 21, and the rest about nobody here; each of other sources. */
static void large(uint64_t version, uint32_t staff, uint32_t guests, uint32_t all)
{
	assert_true(all <= RULES_MAX);
	for (uint32_t i = 0; i < all; i++) {
		ends[i][0] = i < staff ? 20 : i < staff + guests ? 21 : 999;
		ends[i][1] = 1000 + i;
		many[i] = (struct rn_policy_rule){.number = i + 1,
						  .deny = i == 1 || i == staff,
						  .source.any = {ends[i], 2},
						  .destination.any = {i == 1 || i == staff ? &db : &elsewhere, 1},
						  .services = &everything,
						  .service_count = 1};
	}
	many[all - 1].source = many[all - 1].destination = (struct rn_rule_side){0}; /* everyone */
	policies[version] = (struct rn_policy_record){.rules = many, .rule_count = all};
}

static void test_no_room_for_both(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 2, as(SELF, 1)), 0);
	assert_int_equal(give(h, 3, as(2, 3)), 0);
	large(1, 10000, 10000, 40000);
	assert_int_equal(put(1), 0);
	assert_int_equal(rules_here(), 10001);
	assert_int_equal(reaches(SELF, 2), RN_DENY_RULE);
	assert_int_equal(give(h, 5, as(SELF, 2)), 0);
	assert_int_equal(rules_here(), 10001);
	compare(true);
	/* More than fits even so: what there was stays, and so does the device. */
	large(2, 17000, 500, 40000);
	assert_int_equal(put(2), 0);
	assert_int_equal(rules_here(), 501);
	assert_int_equal(give(h, 6, as(SELF, 1)), -ENOSPC);
	assert_int_equal(rules_here(), 501);
	assert_int_equal(h->dp->devices[index_of(SELF)].identity_number, 2);
	large(3, 500, 17000, 40000);
	assert_int_equal(put(3), -ENOSPC);
	assert_int_equal(rules_here(), 501);
	assert_int_equal(give(h, 6, as(SELF, 1)), -ENOSPC);
}

static void test_the_last_identity(void **state)
{
	struct hub *h = *state;
	struct rn_identity_lists lists = {0};

	assert_int_equal(rn_datapath_identity_write(h->dp, 1, RN_IDENTITIES_MAX - 1, &lists), 0);
	assert_int_equal(rn_datapath_identity_write(h->dp, 1, RN_IDENTITIES_MAX, &lists), -ERANGE);
}

/* ---- at random ---- */

static void random_rule(uint64_t version, bool deny, struct rng *rng)
{
	uint32_t i = policies[version].rule_count;
	struct rn_policy_rule *r = &rules[version][i];

	rule(version, deny, 1 + rng_below(rng, 8), 1 + rng_below(rng, 8));
	numbers[version][i][2][0] = 1 + rng_below(rng, 8);
	if (rng_percent(rng, 20))
		r->source.any.count = 0;
	if (rng_percent(rng, 20))
		r->destination.any.count = 0;
	if (rng_percent(rng, 25))
		(rng_percent(rng, 50) ? &r->source : &r->destination)->none =
		    (struct rn_selector_set){numbers[version][i][2], 1};
}

static void random_policy(uint64_t version, struct rng *rng)
{
	unsigned count = 2 + rng_below(rng, 20), denied = rng_below(rng, count);

	policies[version] = (struct rn_policy_record){.rules = rules[version]};
	for (unsigned i = 0; i < count; i++)
		random_rule(version, i < denied, rng);
}

static void random_sets(struct rng *rng)
{
	for (uint32_t identity = 1; identity <= IDENTITIES; identity++) {
		set_counts[identity] = 0;
		for (uint32_t selector = 1; selector <= 8; selector++)
			if (selector == 1 || rng_percent(rng, 35))
				sets[identity][set_counts[identity]++] = selector;
		sets[identity][set_counts[identity]++] = 100 + identity; /* no two are the same */
	}
}

/* Some devices become others while kern is away, and then everything comes again. */
static void comes_again(struct rn_device_record *now, uint64_t *versions, uint64_t *version, uint64_t latest,
			struct rng *rng)
{
	restart(world);
	rn_enforce_sync_begin(world->enforce);
	for (uint32_t n = 1; n < 2 + OTHERS; n++) {
		if (!now[n].number)
			continue;
		if (rng_percent(rng, 25)) {
			now[n] = as(n, 1 + rng_below(rng, IDENTITIES));
			versions[n] = ++*version;
		}
		assert_true(give(world, versions[n], now[n]) >= 0);
	}
	if (latest)
		assert_true(put(latest) >= 0);
	rn_enforce_sync_end(world->enforce, nobody, NULL);
}

static void play(uint64_t seed)
{
	struct rng rng = {seed};
	struct rn_device_record now[2 + OTHERS] = {0};
	uint64_t versions[2 + OTHERS] = {0}, version = POLICIES + 1, latest = 0;
	void *state;

	(seed % 2 ? own_setup : parts_setup)(&state);
	random_sets(&rng);
	for (unsigned step = 0; step < 80; step++) {
		unsigned what = rng_below(&rng, 100);
		uint32_t n = what < 35 ? SELF : 2 + rng_below(&rng, OTHERS);

		if (what < 65) {
			now[n] = as(n, 1 + rng_below(&rng, IDENTITIES));
			versions[n] = ++version;
			assert_true(give(world, version, now[n]) >= 0);
		} else if (what < 72) {
			rn_enforce_remove(world->enforce, n = 1 + rng_below(&rng, 1 + OTHERS));
			now[n].number = 0;
		} else if (what < 90 && latest < POLICIES) {
			random_policy(++latest, &rng);
			assert_int_equal(put(latest), 0);
		} else {
			comes_again(now, versions, &version, latest, &rng);
		}
		compare(true);
	}
	own_teardown(&state);
}

static void test_random(void **state)
{
	const char *seed = getenv("RN_SEED");
	unsigned all = 0, allowed = 0;

	(void)state;
	for (uint64_t s = seed ? strtoull(seed, NULL, 10) : 1; s <= (seed ? strtoull(seed, NULL, 10) : 60); s++) {
		play(s);
		all += looked;
		allowed += allowed_seen;
	}
	print_message("%u packets judged between kern's writings, %u passed\n", all, allowed);
	assert_true(seed || (all > 100000 && allowed > all / 10 && allowed < all * 9 / 10));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, own_setup, own_teardown)
#define P(f) cmocka_unit_test_setup_teardown(f, parts_setup, own_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_a_rule_that_denies_comes_first), T(test_after_a_restart),	 T(test_not_without_the_policy),
	    T(test_own_device_is_not_known),	    T(test_no_room_for_both),	 T(test_the_last_identity),
	    P(test_a_rule_that_denies_comes_first), P(test_after_a_restart),	 P(test_not_without_the_policy),
	    P(test_own_device_is_not_known),	    P(test_parts_that_are_gone), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
