// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "domain/import_tailscale.h"

enum protocol { NONE, TCP, UDP, ICMP4, ICMP6, OTHER };

static enum protocol protocol_of(const char *proto)
{
	static const struct {
		const char *text;
		enum protocol protocol;
	} known[] = {{"tcp", TCP},    {"6", TCP},   {"udp", UDP},	  {"17", UDP},
		     {"icmp", ICMP4}, {"1", ICMP4}, {"ipv6-icmp", ICMP6}, {"58", ICMP6}};

	if (!proto || !proto[0])
		return NONE;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(proto, known[i].text) == 0)
			return known[i].protocol;
	return OTHER;
}

/* A number from 1 to 65535 with nothing but digits, up to end. */
static bool port_of(const char *text, const char *end, unsigned *ret)
{
	unsigned value = 0;

	if (text == end || end - text > 5)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	*ret = value;
	return value <= 65535;
}

/* One port or range as what stands behind "tcp": "", ":22", ":80-90". Port 0 is no port. */
static bool range_of(const char *text, size_t size, char ret[16])
{
	const char *dash = memchr(text, '-', size), *end = text + size;
	unsigned first, last;

	if (size == 1 && *text == '*') {
		ret[0] = '\0';
		return true;
	}
	if (!port_of(text, dash ? dash : end, &first))
		return false;
	last = first;
	if (dash && !port_of(dash + 1, end, &last))
		return false;
	if (last < first || last == 0)
		return false;
	first = first ? first : 1;
	if (first == 1 && last == 65535)
		ret[0] = '\0';
	else if (first == last)
		snprintf(ret, 16, ":%u", first);
	else
		snprintf(ret, 16, ":%u-%u", first, last);
	return true;
}

void rn_tailnet_services(struct rn_tailnet *t, const struct rn_json *at, const char *proto, const char *ports,
			 struct rn_words *services)
{
	enum protocol protocol = protocol_of(proto);
	char range[16];

	if (protocol == OTHER) {
		rn_draft_lost(&t->draft, at,
			      "the protocol \"%.32s\" is none that a rule here can name, so it is left out", proto);
		return;
	}
	for (size_t size; *ports; ports += size + (ports[size] == ',')) {
		size = strcspn(ports, ",");
		while (size && *ports == ' ') {
			ports++;
			size--;
		}
		if (!range_of(ports, size, range)) {
			rn_draft_lost(&t->draft, at,
				      "\"%.*s\" is no port or range of ports from 1 to 65535, so it is left out",
				      (int)(size < 32 ? size : 32), ports);
			continue;
		}
		if ((protocol == ICMP4 || protocol == ICMP6) && range[0]) {
			rn_draft_lost(&t->draft, at, "ICMP has no ports, so it is left out; write *");
			continue;
		}
		if (protocol == NONE || protocol == TCP)
			rn_draft_word(&t->draft, services, "tcp", range);
		if (protocol == NONE || protocol == UDP)
			rn_draft_word(&t->draft, services, "udp", range);
		if (protocol == NONE)
			rn_draft_word(&t->draft, services, "", "icmp");
		if (protocol == ICMP4 || protocol == ICMP6)
			rn_draft_word(&t->draft, services, "", protocol == ICMP4 ? "icmp4" : "icmp6");
	}
}
