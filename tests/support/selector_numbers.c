/* SPDX-License-Identifier: Apache-2.0 */
#include "selector_numbers.h"

#include <stdio.h>
#include <string.h>

static uint32_t number(void *context, const char *selector)
{
	struct selector_numbers *n = context;

	for (uint32_t i = 0; i < n->count; i++)
		if (strcmp(n->names[i], selector) == 0)
			return i + 1;
	if (n->count == n->most)
		return 0;
	snprintf(n->names[n->count], sizeof(n->names[0]), "%s", selector);
	return ++n->count;
}

struct rn_selector_source selector_source(struct selector_numbers *numbers)
{
	return (struct rn_selector_source){numbers, number};
}
