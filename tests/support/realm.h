/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_REALM_H
#define RN_TESTS_REALM_H

#include "domain/policy.h"
#include "tests/support/rng.h"

/* A small network for property tests: devices with owners and tags, and random policies about them. */
#define REALM_DEVICES 12
#define REALM_USERS 5
#define REALM_TAGS 5
#define REALM_GROUPS 3
#define REALM_SELECTORS_MAX 128

struct realm_device {
	char name[16];
	uint32_t owner; /* user number from 1, 0: nobody */
	const char *tags[3];
	uint32_t tag_count;
	uint8_t trust;
	enum rn_kind kind;
	bool managed;
	const char *hub;
	struct rn_addr ipv6, ipv4; /* for policies alone: those of its packets may be others */
	uint32_t selectors[24];	   /* ascending */
	uint32_t selector_count;
};

struct realm {
	struct realm_device devices[REALM_DEVICES];
	char selectors[REALM_SELECTORS_MAX][RN_NAME_MAX + 16]; /* number n is at n - 1 */
	uint32_t selector_count;
};

void realm_random(struct realm *r, struct rng *rng);
struct rn_party realm_party(const struct realm_device *d);
struct rn_selector_source realm_selectors(struct realm *r);

/* Text of a policy with that many rules, in out; fails the process where it does not fit. */
void realm_policy_text(struct rng *rng, unsigned rules, char *out, size_t out_size);
/*
 * The same in the whole language: times, grants, what is observed and logged, all criteria, echo of one family. Windows
 * and grants begin and end within a few hours of `around` (Unix seconds, from 1970-01-03 on), in UTC.
 */
void realm_policy_whole(struct rng *rng, unsigned rules, int64_t around, char *out, size_t out_size);
/*
 * Such a policy of the network, read and compiled at `around`; its text is in out. The caller frees the model and
 * rn_policy_record_done()s *ret. Fails the process, with seed and text, where it is not taken.
 */
struct rn_policy_model *realm_policy_made(struct realm *r, struct rng *rng, unsigned rules, int64_t around,
					  uint64_t seed, char *out, size_t out_size, struct rn_policy_record *ret);
/* A port that some rule of realm_policy_text may end or begin at, or its neighbour. */
uint16_t realm_port(struct rng *rng);

#endif
