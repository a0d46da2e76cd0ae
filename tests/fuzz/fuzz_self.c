/* SPDX-License-Identifier: Apache-2.0 */
/* self.json, as text. The file's own functions are reached by including it: they are no part of its interface. */
#include "sys/self.c"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *text = fuzz_copy(data, size);
	struct rn_err err = {""};
	struct rn_self self, same;
	char *written;

	if (parse_self((const char *)text, size, &self, &err) == 0) {
		CHECK(self.device && self.hub && rn_kind_name(self.kind));
		written = print_self(&self);
		CHECK(written && parse_self(written, strlen(written), &same, &err) == 0);
		CHECK(memcmp(&self, &same, sizeof(self)) == 0);
		free(written);
	} else {
		CHECK(err.text[0]);
	}
	free(text);
	return 0;
}
