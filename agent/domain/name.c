// SPDX-License-Identifier: Apache-2.0
#include "domain/name.h"

#include <string.h>

#include "domain/record.h"

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool rn_name_valid(const char *name)
{
	size_t size = strnlen(name, RN_NAME_MAX + 1);

	if (size == 0 || size > RN_NAME_MAX || !plain(name[0]))
		return false;
	for (size_t i = 1; i < size; i++)
		if (!plain(name[i]) && name[i] != '.' && name[i] != '_' && name[i] != '-')
			return false;
	return true;
}
