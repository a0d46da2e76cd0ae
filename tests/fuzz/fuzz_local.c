/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between the processes of one host. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[RN_LOCAL_SIZE_MAX];
	struct rn_local local;

	if (size > RN_LOCAL_SIZE_MAX || rn_local_decode(data, size, &local) < 0)
		return 0;
	CHECK(strnlen(local.text, sizeof(local.text)) < sizeof(local.text));
	CHECK(rn_local_encode(&local, again, sizeof(again)) == (int)size);
	CHECK(memcmp(again, data, size) == 0);
	return 0;
}
