/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_RANGES_H
#define RN_CLI_RANGES_H

#include "cli/cli.h"

/*
 * --ipv6 and --ipv4 of `gateway init`, or ranges that this host does not route yet. *ret_ipv4 has bits 0 for "none".
 * RN_EXIT_OK, or an exit code after a sentence that names the route in the way.
 */
int rn_ranges_choose(const struct rn_cli *cli, struct rn_prefix *ret_ipv6, struct rn_prefix *ret_ipv4);

#endif
