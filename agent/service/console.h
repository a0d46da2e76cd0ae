/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CONSOLE_H
#define RN_SERVICE_CONSOLE_H

#include <stdint.h>

#include "base/err.h"
#include "sys/owner.h"

/*
 * The console's certificates of a gateway's state directory, made by root:
 *
 *   console/        root's, 0700: ca.key; names, one a line, that the certificate is to have beside this host's own
 *   console-ca.pem  0644: what people import in a browser
 *   web/            tls.pem and tls.key, root's, read by the group rnaut-web
 *
 * The CA's key stays, for root alone: a certificate of a year is renewed by it, and who has imported the CA need not do
 * so again. It is apart from root/, which is to be moved away, and no device trusts what it signs.
 */
#define RN_CONSOLE_RENEW_SECONDS (30 * 86400ll) /* before the end */

/* Makes the directory console/ with these names, a NULL-ended list. */
int rn_console_begin(const char *dir, const char *const *names, struct rn_err *err);
/*
 * Makes what is missing, and a new server certificate where it ends within RN_CONSOLE_RENEW_SECONDS or lacks a name.
 * group: rnaut-web's. 0; 1: a new certificate was made; -errno with a sentence (-ENOKEY: it is due, and ca.key is gone).
 */
int rn_console_ensure(const char *dir, gid_t group, int64_t now, struct rn_err *err);

#endif
