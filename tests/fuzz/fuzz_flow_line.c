/* SPDX-License-Identifier: Apache-2.0 */
/* An event of the API as one line on a terminal: nothing that came over the network moves the cursor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flow_line.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rn_err err = {""};
	struct rn_json *root = rn_json_parse((const char *)data, size, 0, &err);
	char *text = NULL;
	size_t text_size = 0;
	FILE *file;

	if (!root)
		return 0;
	file = open_memstream(&text, &text_size);
	CHECK(file);
	rn_flow_line(file, root);
	fclose(file);
	CHECK(text_size && text[text_size - 1] == '\n');
	for (size_t i = 0; i + 1 < text_size; i++)
		CHECK((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
	free(text);
	rn_json_free(root);
	return 0;
}
