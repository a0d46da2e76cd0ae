/* SPDX-License-Identifier: Apache-2.0 */
#include "large_text.h"

#include <stdio.h>
#include <stdlib.h>

char *large_text(const char *first, unsigned people, unsigned rules, unsigned extra)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort();
	fprintf(out, "{\"groups\": {\"all\": [\"%s\"", first);
	for (unsigned i = 0; i < people; i++)
		fprintf(out, ", \"p%u\"", i);
	fputs("]}, \"rules\": [", out);
	for (unsigned i = 0; i < rules; i++)
		fprintf(
		    out,
		    "{\"id\": \"r%u\", \"source_criteria\": [\"group:all\"], \"destination_criteria\": [\"everyone\"], "
		    "\"services\": [\"tcp:%u\"%s], \"action\": \"allow\"},",
		    i, 1000 + i, i == extra ? ", \"tcp:7\"" : "");
	fputs("]}", out);
	if (fclose(out))
		abort();
	return text;
}
