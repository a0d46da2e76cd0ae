/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_X509_CONSOLE_H
#define RN_SYS_X509_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The console's own certificates, which no device trusts: ECDSA P-256, because browsers refuse Ed25519.
 *
 *   CA      self-signed, 10 years, pathlen 0, CN "rnaut console CA SERIAL"
 *   server  signed by it, RN_CONSOLE_DAYS, serverAuth, one subjectAltName for each name or address
 *
 * All texts are PEM with a NUL.
 */
#define RN_CONSOLE_PEM_MAX 4096
#define RN_CONSOLE_DAYS 365

/* 0, or -EIO. */
int rn_console_ca(int64_t now, char ret_key[RN_CONSOLE_PEM_MAX], char ret_certificate[RN_CONSOLE_PEM_MAX]);
/* names: DNS names and addresses, at least one, NULL-ended. 0; -EBADMSG: the CA's texts are not; -EINVAL: no name;
 * -EIO. */
int rn_console_certificate(const char *ca_key, const char *ca_certificate, const char *const *names, int64_t now,
			   char ret_key[RN_CONSOLE_PEM_MAX], char ret_certificate[RN_CONSOLE_PEM_MAX]);
/* Did this CA sign it, does it name all of these, and is it valid from now until then? */
bool rn_console_good(const char *ca_certificate, const char *certificate, const char *const *names, int64_t now,
		     int64_t until);

#endif
