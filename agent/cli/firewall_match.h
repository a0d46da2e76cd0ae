/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_FIREWALL_MATCH_H
#define RN_CLI_FIREWALL_MATCH_H

#include "cli/firewall.h"

/* Does a packet meet a condition of a rule? MAYBE: it asks for what is not known of the packet. */
enum rn_match { RN_MATCH_NO, RN_MATCH_MAYBE, RN_MATCH_YES };

/* "match" of a rule: {"op", "left", "right"}. */
enum rn_match rn_firewall_match(const struct rn_json *match, const struct rn_firewall_packet *packet);
/* Is the value of `left` this one? As a verdict map asks. */
enum rn_match rn_firewall_equals(const struct rn_json *left, const struct rn_json *right,
				 const struct rn_firewall_packet *packet);

#endif
