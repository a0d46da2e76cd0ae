/* SPDX-License-Identifier: Apache-2.0 */
/* A stock client's configuration out of an answer: no answer can put a line of its own into it. */
#include <stdlib.h>
#include <string.h>

#include "cli/wg_conf.h"
#include "fuzz.h"

static void check_lines(char *text)
{
	static const char *const begins[] = {"# ",
					     "[Interface]",
					     "PrivateKey = ",
					     "Address = ",
					     "MTU = ",
					     "",
					     "[Peer]",
					     "PublicKey = ",
					     "Endpoint = ",
					     "AllowedIPs = ",
					     "PersistentKeepalive = 25"};
	char *line, *rest = text;
	unsigned at = 0;

	while ((line = strsep(&rest, "\n")) && rest) {
		CHECK(at < sizeof(begins) / sizeof(begins[0]));
		CHECK(strncmp(line, begins[at], strlen(begins[at])) == 0);
		for (const char *c = line; *c; c++)
			CHECK(*c >= ' ' && *c < 0x7f);
		at++;
	}
	CHECK(at == sizeof(begins) / sizeof(begins[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rn_err err = {""};
	struct rn_json *root = rn_json_parse((const char *)data, size, 0, &err);
	char *text = root ? rn_wg_conf(root, "cHJpdmF0ZSBrZXkgb2YgYSBjbGllbnQsIDMyIGJ5dGU=", &err) : NULL;

	if (text)
		check_lines(text);
	free(text);
	rn_json_free(root);
	return 0;
}
