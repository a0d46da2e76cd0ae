// SPDX-License-Identifier: Apache-2.0
#include "domain/import_tailscale.h"

void rn_tailnet_tests(struct rn_tailnet *t)
{
	const struct rn_json *tests = rn_tailnet_get(t->root, "tests");

	if (tests && rn_json_first(tests))
		rn_draft_lost(&t->draft, tests, "the tests are not translated");
}
