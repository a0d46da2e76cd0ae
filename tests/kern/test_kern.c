/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "scenarios.h"

/*
 * rnautd kern, with a real WireGuard and the real datapath, alone on a host of its own; this program is core and the
 * gateway. Each scenario runs in a process and namespaces of its own.
 */
int main(void)
{
	if (geteuid() != 0) {
		puts("kern needs root to be tested\n0 passed, 1 failed");
		return 1;
	}
	rn_crypto_start();
	check_run("a state that is missing, newer or not whole", bad_starts, true, 1);
	check_run("hub", hub, true, 1);
	check_run("node", node, false, 2);
	check_run("a policy that is larger than a node's tables", large_policy, false, 2);
	check_run("a node of two hubs", node_of_two, false, 2);
	check_run("a device that was revoked", revocation, true, 1);
	return check_tally();
}
