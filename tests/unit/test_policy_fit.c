/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a policy's tables fit is said without making them: what making them says, at each exact bound. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy_fit.h"
#include "domain/policy_tables.h"
#include "tests/support/rng.h"

/* Rules from each of some sources to each of some destinations, in any order. */
struct shape {
	uint32_t sources, destinations, alike, services; /* alike: rules of a pair */
	uint32_t more;					 /* rules of the last pair beside these, of one service */
};

struct policy {
	struct rn_policy_record record;
	uint32_t *numbers;
	struct rn_service *services;
};

static void swap(struct rn_policy_record *p, uint32_t a, uint32_t b)
{
	struct rn_policy_rule was = p->rules[a];
	p->rules[a] = p->rules[b];
	p->rules[b] = was;
}

static uint64_t seed = 7; /* of the rules' order */

static struct policy make(const struct shape *s)
{
	uint32_t pairs = s->sources * s->destinations, count = pairs * s->alike + s->more;
	struct policy p = {.record = {.rules = calloc(count, sizeof(struct rn_policy_rule)), .rule_count = count},
			   .numbers = calloc(s->sources + s->destinations, sizeof(uint32_t)),
			   .services = calloc(s->services + 1, sizeof(struct rn_service))};
	struct rng rng = {.state = seed};
	assert_true(p.record.rules && p.numbers && p.services);
	for (uint32_t i = 0; i < s->sources + s->destinations; i++)
		p.numbers[i] = 1 + i;
	for (uint32_t i = 0; i < s->services; i++)
		p.services[i] = (struct rn_service){6, (uint16_t)(2 * i), (uint16_t)(2 * i)};
	for (uint32_t i = 0; i < count; i++) {
		bool more = i >= pairs * s->alike;
		uint32_t pair = more ? pairs - 1 : i / s->alike;
		p.record.rules[i] =
		    (struct rn_policy_rule){.id = "r",
					    .number = i + 1,
					    .source.any = {&p.numbers[pair / s->destinations], 1},
					    .destination.any = {&p.numbers[s->sources + pair % s->destinations], 1},
					    .services = p.services,
					    .service_count = more ? 1 : s->services};
	}
	for (uint32_t i = count - 1; i > 0; i--)
		swap(&p.record, i, rng_below(&rng, i + 1));
	for (uint32_t i = 0; i < count && s->more && seed % 2; i++)
		if (p.record.rules[i].service_count == 1) {
			swap(&p.record, 0, i);
			break;
		}
	return p;
}

/* As both say, with the sentence. */
static int fits(const struct shape *shape, const char *why)
{
	struct policy p = make(shape);
	struct rn_policy_sides *sides = rn_policy_sides_new(&p.record);
	struct rn_policy_arrays arrays;
	struct rn_err errs[2] = {{""}, {""}};
	assert_non_null(sides);
	int built = rn_policy_tables_build(&p.record, sides, 1, &arrays, &errs[0]);
	if (!built)
		rn_policy_tables_done(&arrays);
	assert_int_equal(rn_policy_fit(&p.record, &errs[1]), built);
	assert_string_equal(errs[1].text, errs[0].text);
	if (built)
		assert_non_null(strstr(errs[1].text, why));
	rn_policy_sides_free(sides);
	free(p.record.rules);
	free(p.numbers);
	free(p.services);
	return built;
}

static void small_ones(void **state)
{
	(void)state;
	for (uint32_t sources = 1; sources < 9; sources++)
		for (uint32_t destinations = 1; destinations < 9; destinations++)
			for (uint32_t alike = 1; alike < 3; alike++)
				assert_int_equal(fits(&(struct shape){sources, destinations, alike, 2, 1}, ""), 0);
	assert_int_equal(fits(&(struct shape){1, 9, 1, 1, 0}, ""), 0);
	assert_int_equal(fits(&(struct shape){9, 1, 1, 1, 0}, ""), 0);
}

static void so_many_rules(void **state)
{
	(void)state;
	assert_int_equal(fits(&(struct shape){64, 32, 63, 1, 2047}, ""), 0);
	assert_int_equal(fits(&(struct shape){64, 32, 63, 1, 2048}, "131072 rules after compilation, but 131071 fit"),
			 -EMSGSIZE);
}

/* Of one pair; of two of one source, and of one destination, each for itself. */
static void so_many_about_the_same_two(void **state)
{
	static const struct shape good[] = {{1, 1, 16, 256, 0}, {1, 2, 16, 256, 0}, {2, 1, 16, 256, 0}};
	(void)state;
	for (seed = 0; seed < 24; seed++) {
		const struct shape *so_many = &good[seed % 3];
		struct shape more = *so_many;
		assert_int_equal(fits(so_many, ""), 0);
		more.more = 1;
		assert_int_equal(fits(&more, "more than 4096 rules or ranges of ports"), -EMSGSIZE);
	}
}

static void so_many_ranges(void **state)
{
	(void)state;
	assert_int_equal(fits(&(struct shape){64, 16, 1, 256, 0}, ""), 0);
	assert_int_equal(fits(&(struct shape){64, 16, 1, 256, 1}, "more than 262144 ranges of ports in all"),
			 -EMSGSIZE);
}

/* Many destinations collide: their set takes several times the places. */
static void so_many_pairs(void **state)
{
	static const uint32_t destinations[] = {1, 2, 3, 200, 300, 400, 500};
	bool bound = false;
	(void)state;
	for (unsigned i = 0; i < sizeof(destinations) / sizeof(*destinations); i++) {
		struct rn_policy_sides *sides;
		struct policy p = make(&(struct shape){1, destinations[i], 1, 1, 0});
		uint32_t set[4096], order[512], places = 1;
		sides = rn_policy_sides_new(&p.record);
		assert_non_null(sides);
		for (uint32_t k = 0; k < destinations[i]; k++)
			order[k] = rn_policy_side_of(sides, RN_DESTINATION, k);
		while (places < destinations[i] || !rn_policy_place_sides(set, places, order, destinations[i]))
			places *= 2;
		rn_policy_sides_free(sides);
		free(p.record.rules);
		free(p.numbers);
		free(p.services);
		printf("%u destinations: %u places\n", destinations[i], places);
		uint32_t sources = RN_PAIRS_MAX / places;
		if (sources * (uint64_t)destinations[i] + destinations[i] >= RN_RULES_MAX)
			continue;
		bound = true;
		assert_int_equal(fits(&(struct shape){sources, destinations[i], 1, 1, 0}, ""), 0);
		assert_int_equal(fits(&(struct shape){sources + 1, destinations[i], 1, 1, 0},
				      "more pairs of a source and a destination than 262144 places"),
				 -EMSGSIZE);
	}
	assert_true(bound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(small_ones),
	    cmocka_unit_test(so_many_rules),
	    cmocka_unit_test(so_many_about_the_same_two),
	    cmocka_unit_test(so_many_ranges),
	    cmocka_unit_test(so_many_pairs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
