/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_DIFF_H
#define RN_DOMAIN_POLICY_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/policy_tools.h"

/* Within rn_policy_diff (policy_tools.h): which rules differ, and who loses or gains what as sentences. */

/* ---- policy_diff_rules.c ---- */

/*
 * Marks by number - 1 the rules of either policy that the other has not, or not as they are, and tells each by its id
 * and what became of it ("is new"). 0 or -ENOMEM.
 */
int rn_policy_diff_rules(const struct rn_policy_model *const models[2], bool *const differs[2],
			 void (*tell)(void *context, const char *id, const char *what), void *context);

/* ---- policy_diff_words.c ---- */

#define RN_POLICY_DIFF_WHAT 160u /* bytes of a list of services as text */

/* One pair of devices, by place, and what the source loses or gains there. */
struct rn_policy_diff_change {
	uint32_t source, destination;
	bool gains;
	uint32_t what; /* place among the texts */
};

struct rn_policy_diff_words {
	struct rn_policy_diff_change *changes; /* are put in another order */
	uint32_t change_count;
	const char (*texts)[RN_POLICY_DIFF_WHAT];
	const struct rn_party *devices;
	void (*each)(void *context, const struct rn_difference *difference);
	void *context;
};

/* "tcp:22, udp"; "everything" where nothing is left out. The list is in the order of tcp, udp, icmp4, icmp6. */
void rn_policy_diff_services(const struct rn_service *list, uint32_t count, char out[RN_POLICY_DIFF_WHAT]);
/* A sentence for changes that are alike: what several lose at several others. 0 or -ENOMEM. */
int rn_policy_diff_say(const struct rn_policy_diff_words *words);

#endif
