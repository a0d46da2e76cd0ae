/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/resources.h"

/* For load balancers and strangers: that it works, and not a word of why it does not. */
void rn_api_health(struct rn_api_call *call)
{
	struct rn_json *root = rn_json_object();
	struct rn_core_status s;
	bool good;

	memset(&s, 0, sizeof(s));
	rn_core_status(call->core, &s);
	good = rn_api_enforcing(&s);
	rn_json_add_text(root, "status", good ? "ok" : "degraded");
	rn_api_answer(call, good ? 200 : 503, root);
}
