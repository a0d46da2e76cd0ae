/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_TOOLS_H
#define RN_DOMAIN_POLICY_TOOLS_H

#include "domain/policy.h"

/* What is asked of a policy beside judging by it: its tests, what is wrong with its rules, what another would change.
 */

/* ---- policy_test.c ---- */

/* The network that tests name devices of. */
struct rn_policy_network {
	void *context;
	/* 0, -ENOENT, -errno. end: 0 source, 1 destination; *ret stays good until the same end is asked for again. */
	int (*device)(void *context, unsigned end, const char *name, struct rn_party *ret);
};
struct rn_test_result {
	const struct rn_policy_test *test;
	bool passed;
	char text[400]; /* "" where it passed, else one sentence */
};
/*
 * Runs every test at `now` (those without "at"), until each returns false. network NULL: there are no devices. The
 * number that failed, or -errno of the network.
 */
int rn_policy_run_tests(const struct rn_policy_model *model, const struct rn_policy_network *network,
			const struct rn_zone_source *zones, int64_t now,
			bool (*each)(void *context, const struct rn_test_result *result), void *context);
/* -EINVAL with line, column and sentence of the first that failed, and how many more of `failed` did. */
int rn_policy_test_fail(const struct rn_test_result *first, unsigned failed, struct rn_err *err);
/* 0, or -EINVAL with line, column and sentence of the first that fails, and how many more do. */
int rn_policy_check_tests(const struct rn_policy_model *model, const struct rn_policy_network *network,
			  const struct rn_zone_source *zones, int64_t now, struct rn_err *err);

/* ---- policy_findings.c ---- */

enum rn_policy_finding_kind {
	RN_FINDING_NEVER,	 /* no packet can match it, or not any more */
	RN_FINDING_SHADOWED,	 /* a rule before it decides all that it would */
	RN_FINDING_CONTRADICTED, /* a rule of the other action decides all that it would */
	RN_FINDING_REDUNDANT,	 /* something in it says nothing */
};
/* "never", "shadowed", "contradicted", "redundant" */
const char *rn_policy_finding_name(enum rn_policy_finding_kind kind);
struct rn_policy_finding {
	enum rn_policy_finding_kind kind;
	uint32_t rule, other; /* numbers; other 0: none */
	unsigned line, column;
	char text[400]; /* a sentence */
};
#define RN_POLICY_FINDINGS_MAX 1000u /* are told */
/*
 * What is said is true; that nothing is said proves nothing. In the order of the text. *ret_cut: the policy was too
 * large to hold every rule against every other, or there were more findings. 0 or -ENOMEM.
 */
int rn_policy_findings(const struct rn_policy_model *model, const struct rn_zone_source *zones, int64_t now,
		       void (*each)(void *context, const struct rn_policy_finding *finding), void *context,
		       bool *ret_cut);

/* ---- policy_diff.c ---- */

enum rn_difference_kind { RN_DIFFERENCE_RULE, RN_DIFFERENCE_LOSES, RN_DIFFERENCE_GAINS };
struct rn_difference {
	enum rn_difference_kind kind;
	uint32_t sources, destinations; /* how many devices; 0 of a rule */
	char text[800];			/* a sentence: "3 devices lose access to db-1:5432" */
};
#define RN_DIFFERENCES_MAX 1000u /* are told */
/*
 * What changes where `after` takes the place of `before`: rules that are new, gone or changed, and who loses or gains
 * access to what, as judged at `now` with the trust that devices have. Devices that are out (revoked, quarantined) are
 * the caller's to leave away. *ret_cut: not all pairs were looked at, or there were more differences. 0 or -ENOMEM.
 */
int rn_policy_diff(const struct rn_policy_model *before, const struct rn_policy_model *after,
		   const struct rn_party *devices, uint32_t device_count, const struct rn_zone_source *zones,
		   int64_t now, void (*each)(void *context, const struct rn_difference *difference), void *context,
		   bool *ret_cut);

#endif
