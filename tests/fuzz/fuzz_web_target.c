/* SPDX-License-Identifier: Apache-2.0 */
/* Targets into small and large memory, hosts, origins: the first byte says how much memory, then texts ended by
 * newlines. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/web_target.h"

static void target(const char *text, size_t path_size, size_t query_size)
{
	char *path = malloc(path_size);
	uint8_t *query = malloc(query_size ? query_size : 1);
	size_t size = 0, ends = 0;

	if (rn_web_target(text, path, path_size, query, query_size, &size) == 0) {
		CHECK(path[0] == '/' && strnlen(path, path_size) < path_size && size <= query_size);
		for (size_t i = 0; i < size; i++)
			ends += query[i] == 0;
		CHECK(ends % 2 == 0 && (!size || query[size - 1] == 0));
		for (const char *c = path; *c; c++)
			CHECK((unsigned char)*c >= ' ' && *c != 0x7f);
	}
	free(path);
	free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *rest, *first, *host, *origin;

	if (size < 2)
		return 0;
	text = fuzz_text(data + 2, size - 2);
	rest = text;
	first = strsep(&rest, "\n");
	host = rest ? strsep(&rest, "\n") : first;
	origin = rest ? rest : host;
	target(first, 1 + data[0], data[1] * 8u);
	/* A name that stands for this host alone is a valid one. */
	if (rn_web_host_local(host))
		CHECK(rn_web_host_valid(host));
	if (rn_web_origin_same(origin, host, data[0] & 1))
		CHECK(strncmp(origin, data[0] & 1 ? "https://" : "http://", data[0] & 1 ? 8 : 7) == 0);
	free(text);
	return 0;
}
