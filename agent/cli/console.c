/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console.h"

#include <stdio.h>

static bool any(const struct rn_addr *addr)
{
	return rn_addr_is_zero(addr) || (rn_addr_is_v4(addr) && rn_addr_to_v4(addr) == 0);
}

static void append(struct rn_json *urls, const char *scheme, struct rn_endpoint at)
{
	char text[RN_ENDPOINT_TEXT], url[RN_ENDPOINT_TEXT + 16];

	snprintf(url, sizeof(url), "%s://%s", scheme, rn_endpoint_format(&at, text));
	rn_json_append_text(urls, url);
}

struct rn_json *rn_console_urls(const struct rn_conf *conf, const struct rn_addr *host)
{
	struct rn_json *urls = rn_json_array();
	struct rn_endpoint outside = conf->console_listen.at;

	if (any(&outside.addr) && host)
		outside.addr = *host;
	if (conf->console_listen.on && !any(&outside.addr))
		append(urls, "https", outside);
	if (conf->console_local.on)
		append(urls, "http", conf->console_local.at);
	return urls;
}

void rn_console_print(const struct rn_json *urls, const char *link, const char *expires)
{
	printf("The console; this address works once, until %s:\n", expires);
	for (const struct rn_json *url = rn_json_first(urls); url; url = rn_json_next(url))
		printf("    %s%s\n", rn_json_text(url), link);
	if (!rn_json_first(urls))
		printf("    %s (console_listen and console_local are off in the configuration)\n", link);
}
