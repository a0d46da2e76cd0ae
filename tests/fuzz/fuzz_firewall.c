/* SPDX-License-Identifier: Apache-2.0 */
/* A ruleset as nft prints it, which may be anybody's: two bytes for the packet, then JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/firewall.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const interfaces[] = {"", "rn0", "eth0"}, *const protocols[] = {NULL, "udp", "tcp"};
	struct rn_firewall_packet packet;
	struct rn_firewall judged;
	struct rn_json *ruleset;
	char remedy[300];
	char *text;

	if (size < 2)
		return 0;
	packet = (struct rn_firewall_packet){interfaces[data[0] % 3], protocols[data[1] % 3],
					     data[1] % 3 ? (uint16_t)(51820 + data[1] / 128) : 0};
	text = fuzz_text(data + 2, size - 2);
	ruleset = rn_json_parse(text, size - 2, 0, NULL);
	if (ruleset) {
		memset(&judged, 0x5a, sizeof(judged));
		rn_firewall_judge(ruleset, &packet, &judged);
		CHECK(judged.answer <= RN_FIREWALL_UNKNOWN);
		CHECK(memchr(judged.family, 0, sizeof(judged.family)) &&
		      memchr(judged.table, 0, sizeof(judged.table)) && memchr(judged.chain, 0, sizeof(judged.chain)));
		rn_firewall_remedy(&judged, &packet, remedy, sizeof(remedy));
		CHECK(memchr(remedy, 0, sizeof(remedy)));
	}
	rn_json_free(ruleset);
	free(text);
	return 0;
}
