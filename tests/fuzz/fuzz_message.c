/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between hosts: what is taken has one form only. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/message.h"
#include "proto/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[RN_MESSAGE_MAX], signed_part[512];
	struct rn_message message;

	if (size > RN_MESSAGE_MAX || rn_message_decode(data, size, &message) < 0)
		return 0;
	CHECK(rn_message_encode(&message, again, sizeof(again)) == (int)size);
	CHECK(memcmp(again, data, size) == 0);
	if (message.type == RN_MESSAGE_ENROLL)
		CHECK(rn_message_enroll_signed(&message.enroll, signed_part, sizeof(signed_part)) > 0);
	return 0;
}
