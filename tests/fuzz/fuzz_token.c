/* SPDX-License-Identifier: Apache-2.0 */
/* An enrolment token as text: the input is the text, or where it begins with NUL the bytes that the text stands for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/token.h"
#include "fuzz.h"

#define BYTES_MAX 300

/* The check sum is made right, so that the fields are reached. */
static char *wrap(const uint8_t *data, size_t size)
{
	uint8_t bytes[BYTES_MAX + 4], sum[RN_SHA256_SIZE];
	char *text = malloc(2 * BYTES_MAX);

	if (size > BYTES_MAX)
		size = BYTES_MAX;
	memcpy(bytes, data, size);
	rn_sha256(bytes, size, sum);
	memcpy(bytes + size, sum, 4);
	snprintf(text, 6, "rnt1.");
	rn_base64url(bytes, size + 4, text + 5, 2 * BYTES_MAX - 5);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, again[RN_TOKEN_TEXT];
	struct rn_err err = {""};
	struct rn_token token;

	text = size && !data[0] ? wrap(data + 1, size - 1) : fuzz_text(data, size);
	if (rn_token_get(text, &token, &err) == 0) {
		rn_token_put(&token, again);
		CHECK(strstr(text, again));
	} else {
		CHECK(err.text[0]);
	}
	free(text);
	return 0;
}
