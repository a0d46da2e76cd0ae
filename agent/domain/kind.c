// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "domain/record.h"

static const struct {
	enum rn_kind kind;
	const char *name;
} kinds[] = {
    {RN_KIND_GATEWAY, "gateway"}, {RN_KIND_REGIONAL, "regional"}, {RN_KIND_DEPARTMENTAL, "departmental"},
    {RN_KIND_PROJECT, "project"}, {RN_KIND_DESKTOP, "desktop"},	  {RN_KIND_MOBILE, "mobile"},
    {RN_KIND_SERVER, "server"},	  {RN_KIND_IOT, "iot"},		  {RN_KIND_REGIONAL, "hub"},
};

bool rn_kind_is_hub(enum rn_kind kind)
{
	return kind >= RN_KIND_GATEWAY && kind <= RN_KIND_PROJECT;
}

const char *rn_kind_name(enum rn_kind kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return NULL;
}

int rn_kind_parse(const char *name, enum rn_kind *ret)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*ret = kinds[i].kind;
			return 0;
		}
	}
	return -EINVAL;
}
