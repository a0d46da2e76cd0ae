/* SPDX-License-Identifier: Apache-2.0 */
#include "worlds.h"

struct world *hub, *node;

int worlds_open(void **state)
{
	struct rn_bpf_options options = {.role = RN_ROLE_HUB};

	(void)state;
	hub = world_open(&options);
	options.role = RN_ROLE_NODE;
	node = world_open(&options);
	return 0;
}

int worlds_reset(void **state)
{
	(void)state;
	world_reset(hub);
	world_reset(node);
	return 0;
}

int worlds_close(void **state)
{
	(void)state;
	world_close(hub);
	world_close(node);
	return 0;
}
