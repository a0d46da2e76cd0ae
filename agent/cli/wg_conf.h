/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_WG_CONF_H
#define RN_CLI_WG_CONF_H

#include "base/err.h"
#include "base/json.h"

/*
 * The configuration of a stock WireGuard client in wg-quick(8)'s form, from the answer to POST devices and the private
 * key in base64. Every value is checked and printed anew, so that no answer can put a line of its own (PostUp!) into
 * the file. Heap text that the caller wipes and frees; NULL: err.
 */
char *rn_wg_conf(const struct rn_json *answer, const char *private_key, struct rn_err *err);

#endif
