/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_NAME_H
#define RN_DOMAIN_NAME_H

#include <stdbool.h>

/* A name that is good for devices, users, tags, groups, rule ids: [a-z0-9][a-z0-9._-]{0,62}. */
bool rn_name_valid(const char *name);

#endif
