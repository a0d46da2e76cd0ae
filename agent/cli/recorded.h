/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_RECORDED_H
#define RN_CLI_RECORDED_H

#include <stddef.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/out.h"

/* Words that commands on recorded flows have in common. */
#define RN_RECORDED_HOURS_MAX (366 * 24)

/* "41 flows of 3 users and 1 device of nobody", painted where there are any, of an object that has these three. */
void rn_recorded_flows(const struct rn_json *side, enum rn_paint paint);
/* "allow by web", "deny (default_deny)": of an object with verdict, reason and rule. */
void rn_recorded_verdict(const struct rn_json *verdict, char *out, size_t size);
/* --since as hours; not given: *ret stays. An exit code. */
int rn_recorded_hours(struct rn_cli *cli, long *ret);
/* What the numbers do not hold, a line each: of an answer that has "missing". */
void rn_recorded_missing(const struct rn_json *answer);

/* cmd_recorded.c: `rnaut flows --recorded`; an exit code. */
int rn_recorded_list(struct rn_cli *cli, long limit);
/* An option that was given and goes with --recorded alone; NULL: none. */
const char *rn_recorded_only(const struct rn_cli *cli);

#endif
