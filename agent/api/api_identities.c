/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

static void append(void *context, const struct rn_core_identity *identity)
{
	struct rn_json *root = rn_json_object(), *selectors = rn_json_array();

	rn_json_add_u64(root, "identity", identity->identity);
	for (unsigned i = 0; i < identity->selector_count; i++)
		rn_json_append_text(selectors, identity->selectors[i]);
	rn_json_add_text(root, "state", identity->state);
	rn_json_add(root, "selectors", selectors);
	rn_json_add_u64(root, "devices", identity->devices);
	rn_json_append(context, root);
}

void rn_api_identities(struct rn_api_call *call)
{
	struct rn_json *list = rn_json_array();
	struct rn_err err = {""};

	rn_api_answer_list(call, "identities", list, rn_core_identities(call->core, append, list, &err), &err);
}
