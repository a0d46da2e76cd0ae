/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_ACCESS_H
#define RN_DOMAIN_ACCESS_H

/* What a caller of the API may do; each may do what those before it may. The numbers are stored: never change them. */
enum rn_access {
	RN_ACCESS_NONE = 0, /* a stranger */
	RN_ACCESS_VIEWER = 1,
	RN_ACCESS_OPERATOR = 2,
	RN_ACCESS_ADMIN = 3,
	RN_ACCESS_ROOT = 4, /* this host's root, by the unix socket; never an account's */
};

/* "viewer" ...; "none" for strangers and what is no role. */
const char *rn_access_name(enum rn_access access);
/* viewer, operator or admin: 0 or -EINVAL. */
int rn_access_parse(const char *text, enum rn_access *ret);

#endif
