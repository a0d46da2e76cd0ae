/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_NAMES_H
#define RN_DOMAIN_POLICY_NAMES_H

#include <stdint.h>

struct rn_json;

/* Many names, none looked for by a walk. */
struct rn_named {
	const char *name; /* borrowed */
	const struct rn_json *node;
	uint32_t place; /* in the list that it is from */
};
struct rn_named_list {
	struct rn_named *list; /* ascending by name, then by place; heap */
	uint32_t count;
};
/* Sorts; the first that stands twice (the later of the two, in *ret_first the earlier's place), or NULL. */
const struct rn_named *rn_named_sort(struct rn_named_list *names, uint32_t *ret_first);
const struct rn_named *rn_named_find(const struct rn_named_list *names, const char *name); /* NULL: none */

#endif
