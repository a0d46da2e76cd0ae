/* SPDX-License-Identifier: Apache-2.0 */
/* What a handshake carries, read and, where the form is good, judged at first contact. */
#include <string.h>

#include "fuzz.h"
#include "proto/hello.h"
#include "proto/session.h"
#include "service/enroll_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rn_token token;
	static uint8_t again[RN_HELLO_MAX];
	struct rn_hello hello;
	struct rn_err err = {""};

	if (size > RN_HELLO_MAX)
		return 0;
	CHECK(rn_enroll_check_gateway(&token, data, size, 1800000000, &err) < 0);
	if (rn_hello_decode(data, size, &hello) < 0)
		return 0;
	CHECK(rn_hello_encode(&hello, again, sizeof(again)) == (int)size);
	CHECK(size == 0 || memcmp(again, data, size) == 0);
	return 0;
}
