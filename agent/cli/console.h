/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_CONSOLE_H
#define RN_CLI_CONSOLE_H

#include "cli/cli.h"

/* Where the console is, by the configuration; host: the address at which others reach this one, or NULL. */
struct rn_json *rn_console_urls(const struct rn_conf *conf, const struct rn_addr *host); /* texts, the public first */
/* "Open this, it works once ...": each address with the link behind it. expires is RFC 3339. */
void rn_console_print(const struct rn_json *urls, const char *link, const char *expires);

#endif
