/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_TEXT_H
#define RN_DOMAIN_POLICY_TEXT_H

#include "base/json.h"
#include "domain/policy.h"

/* policy_criteria.c: the strings of a rule, read for policy_parse.c; nobody else includes it. */

/* "everyone", "user:alice", ...; groups and tags must be in the model already. 0 or -EINVAL with a sentence. */
int rn_criterion_read(const struct rn_json *node, bool destination, const struct rn_policy_model *model,
		      struct rn_criterion *ret, struct rn_err *err);
/* "tcp:22", "udp:5000-5100", "tcp", "icmp". 0 or -EINVAL with a sentence. */
int rn_service_read(const struct rn_json *node, struct rn_service *ret, struct rn_err *err);
/* A string that is a good name; what says what it names, "a tag". */
int rn_name_read(const struct rn_json *node, const char *what, char ret[RN_NAME_MAX + 1], struct rn_err *err);

#endif
