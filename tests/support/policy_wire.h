/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_POLICY_WIRE_H
#define RN_TESTS_POLICY_WIRE_H

#include <stddef.h>

#include "domain/record.h"

/* All rules and schedules as parts have them, to be compared; returns the size, 0 where there is no room. */
size_t policy_wire(const struct rn_policy_record *policy, uint8_t *to, size_t room);

#endif
