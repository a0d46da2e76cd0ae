/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_FLOW_LINE_H
#define RN_CLI_FLOW_LINE_H

#include <stdio.h>

#include "base/json.h"

/* "14:03:07.123 allow laptop -> server:22/tcp  rule ssh  allowed  on hub": one flow event (docs/openapi.json) a line.
 */
void rn_flow_line(FILE *file, const struct rn_json *event);

#endif
