/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

void rn_api_link(struct rn_api_call *call)
{
	bool up;

	if (rn_api_need_bool(call, "up", &up) == 0)
		rn_core_link(call->core, up, rn_api_done, call);
}
