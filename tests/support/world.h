/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_WORLD_H
#define RN_TESTS_WORLD_H

#include "domain/policy.h"
#include "tests/support/rng.h"

/* A small network for property tests: devices with owners and tags, and random policies about them. */
#define WORLD_DEVICES 12
#define WORLD_USERS 5
#define WORLD_TAGS 5
#define WORLD_GROUPS 3
#define WORLD_SELECTORS_MAX 128

struct world_device {
	char name[16];
	uint32_t owner; /* user number from 1, 0: nobody */
	const char *tags[3];
	uint32_t tag_count;
	uint8_t trust;
	uint32_t selectors[8]; /* ascending */
	uint32_t selector_count;
};

struct world {
	struct world_device devices[WORLD_DEVICES];
	char selectors[WORLD_SELECTORS_MAX][RN_NAME_MAX + 16]; /* number n is at n - 1 */
	uint32_t selector_count;
};

void world_random(struct world *w, struct rng *rng);
struct rn_party world_party(const struct world_device *d);
struct rn_selector_source world_selectors(struct world *w);

/* Text of a policy with that many rules, in out; fails the process where it does not fit. */
void world_policy_text(struct rng *rng, unsigned rules, char *out, size_t out_size);
/* A port that some rule of world_policy_text may end or begin at, or its neighbour. */
uint16_t world_port(struct rng *rng);

#endif
