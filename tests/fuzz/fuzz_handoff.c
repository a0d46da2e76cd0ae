/* SPDX-License-Identifier: Apache-2.0 */
/* What net hands to kern to be sent, and what kern says to net: whatever net's end of the socket gives. */
#include <string.h>

#include "fuzz.h"
#include "proto/handoff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[RN_HANDOFF_MAX];
	struct rn_handoff_state state;
	struct rn_handoff handoff;

	if (rn_handoff_state_decode(data, size, &state) == 0) {
		rn_handoff_state_encode(&state, again);
		CHECK(size == RN_HANDOFF_STATE_SIZE && memcmp(again, data, size) == 0);
	}
	if (rn_handoff_decode(data, size, &handoff) < 0)
		return 0;
	CHECK(handoff.size >= 4 && handoff.size <= RN_DATAGRAM_MAX && memcmp(handoff.datagram, "RN1", 3) == 0);
	CHECK(rn_handoff_encode(&handoff, again) == (int)size);
	CHECK(memcmp(again, data, size) == 0);
	return 0;
}
