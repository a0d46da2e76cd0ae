/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_RECORDED_H
#define RN_CLI_RECORDED_H

#include <stddef.h>

#include "base/json.h"
#include "cli/out.h"

/* Words that commands on recorded flows have in common. */
#define RN_RECORDED_HOURS_MAX (366 * 24)

/* "41 flows of 3 users and 1 device of nobody", painted where there are any, of an object that has these three. */
void rn_recorded_flows(const struct rn_json *side, enum rn_paint paint);
/* What the numbers do not hold, a line each: of an answer that has "missing". */
void rn_recorded_missing(const struct rn_json *answer);

#endif
