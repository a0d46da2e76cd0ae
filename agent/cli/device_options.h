/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_DEVICE_OPTIONS_H
#define RN_CLI_DEVICE_OPTIONS_H

#include "cli/cli.h"

/*
 * --name, --owner, --tag, --hub and the given type as members of a request. Names are checked here, so that what the
 * person wrote wrong is named in the person's words. RN_EXIT_OK, or RN_EXIT_USAGE with a sentence.
 */
int rn_device_options(const struct rn_cli *cli, const char *type, bool hubs, struct rn_json *body);
/* Each --fallback, which may be several names with commas, to the list; as above. */
int rn_fallback_options(const struct rn_cli *cli, struct rn_json *list);
/* RN_EXIT_OK, or RN_EXIT_USAGE and a sentence that says what (`--owner`, `a device name`) must be a name. */
int rn_check_name(const char *what, const char *name);

#endif
