/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/access.h"

#include <errno.h>
#include <string.h>

static const char *const names[] = {
    [RN_ACCESS_NONE] = "none",	 [RN_ACCESS_VIEWER] = "viewer", [RN_ACCESS_OPERATOR] = "operator",
    [RN_ACCESS_ADMIN] = "admin", [RN_ACCESS_ROOT] = "root",
};

const char *rn_access_name(enum rn_access access)
{
	return (unsigned)access < sizeof(names) / sizeof(names[0]) ? names[access] : names[RN_ACCESS_NONE];
}

int rn_access_parse(const char *text, enum rn_access *ret)
{
	for (enum rn_access access = RN_ACCESS_VIEWER; access <= RN_ACCESS_ADMIN; access++)
		if (strcmp(names[access], text) == 0) {
			*ret = access;
			return 0;
		}
	return -EINVAL;
}
