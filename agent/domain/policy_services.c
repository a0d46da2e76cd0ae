// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "domain/policy_text.h"

static const struct {
	const char *word;
	uint8_t protocols[2]; /* the second 0: none */
	uint8_t echo;	      /* the number of an echo request; 0: it has ports */
} words[] = {
    {"tcp", {IPPROTO_TCP}, 0},	  {"udp", {IPPROTO_UDP}, 0},	    {"icmp", {IPPROTO_ICMP, IPPROTO_ICMPV6}, 8},
    {"icmp4", {IPPROTO_ICMP}, 8}, {"icmp6", {IPPROTO_ICMPV6}, 128},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* A number at *text, which moves past it; above max where there is none, or where it is more. */
static uint32_t read_number(const char **text, uint32_t max)
{
	const char *from = *text;
	uint32_t number = 0;

	while (**text >= '0' && **text <= '9' && number <= max)
		number = number * 10 + (uint32_t)(*(*text)++ - '0');
	return *text == from ? max + 1 : number;
}

static int read_ports(const struct rn_json *node, const char *text, const char *ports, struct rn_service *s,
		      struct rn_err *err)
{
	uint32_t first = read_number(&ports, 65535), last = first;

	if (*ports == '-') {
		ports++;
		last = read_number(&ports, 65535);
	}
	if (!first || !last || first > 65535 || last > 65535 || *ports)
		return rn_json_fail(node, err,
				    "\"%.64s\" needs a port or a range of ports from 1 to 65535, as in tcp:22 or "
				    "udp:5000-5100",
				    text);
	if (last < first)
		return rn_json_fail(node, err, "the range of \"%.64s\" is backward; write %u-%u", text, last, first);
	s->first = (uint16_t)first;
	s->last = (uint16_t)last;
	return 0;
}

/* Only echo begins a flow; errors belong to one, and answers to a request. */
static int read_icmp(const struct rn_json *node, const char *text, const char *type, unsigned word, struct rn_err *err)
{
	if (words[word].protocols[1])
		return rn_json_fail(node, err,
				    "\"%.64s\": write icmp for echo of both families, or icmp4:echo or icmp6:echo for "
				    "that of one",
				    text);
	if (strcmp(type, "echo") == 0)
		return 0;
	if (read_number(&type, 255) == words[word].echo && !*type)
		return 0;
	return rn_json_fail(node, err,
			    "\"%.64s\": no rule can name this ICMP type: only echo begins a flow, and errors belong to "
			    "flows and pass with them; write %s:echo",
			    text, words[word].word);
}

static int unknown_service(const struct rn_json *node, const char *text, const char *word, struct rn_err *err)
{
	struct rn_nearest nearest = rn_nearest(word);

	for (unsigned i = 0; i < WORDS; i++)
		rn_nearest_offer(&nearest, words[i].word);
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, err, "\"%.64s\" is not a service; did you mean \"%s%.64s\"?", text,
				    rn_nearest_name(&nearest), text + strlen(word));
	return rn_json_fail(node, err,
			    "\"%.64s\" is not a service; write tcp, udp or icmp, with ports as tcp:22 or "
			    "udp:5000-5100, or with a family as icmp6",
			    text);
}

/* One or two services. */
static int read_service(const struct rn_json *node, struct rn_service ret[2], uint32_t *ret_count, struct rn_err *err)
{
	char word[64] = "";
	const char *text, *colon;
	unsigned i;

	if (rn_string_read(node, "a service", &text, err) < 0)
		return -EINVAL;
	colon = strchrnul(text, ':');
	if ((size_t)(colon - text) < sizeof(word))
		memcpy(word, text, (size_t)(colon - text));
	for (i = 0; i < WORDS && strcmp(word, words[i].word) != 0; i++)
		continue;
	if (i == WORDS)
		return unknown_service(node, text, word, err);
	for (*ret_count = 0; *ret_count < 2 && words[i].protocols[*ret_count]; ++*ret_count)
		ret[*ret_count] = (struct rn_service){.protocol = words[i].protocols[*ret_count], .last = 65535};
	if (!*colon)
		return 0;
	return words[i].echo ? read_icmp(node, text, colon + 1, i, err) : read_ports(node, text, colon + 1, ret, err);
}

int rn_services_read(const struct rn_json *node, struct rn_service **ret, uint32_t *ret_count, struct rn_err *err)
{
	const struct rn_json *list;
	int code = rn_list_read(node, "services", RN_RULE_SERVICES_MAX, "leave it out if the rule means all services",
				&list, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	*ret = rn_list_room(list, 2 * sizeof(**ret), err);
	if (!*ret)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		uint32_t count = 0;

		if (read_service(n, *ret + *ret_count, &count, err) < 0)
			return -EINVAL;
		*ret_count += count;
		if (*ret_count > RN_RULE_SERVICES_MAX)
			return rn_json_fail(n, err, "these are more than %d services (icmp counts twice)",
					    RN_RULE_SERVICES_MAX);
	}
	return 0;
}

const char *rn_service_format(const struct rn_service *s, char out[RN_SERVICE_TEXT])
{
	const char *word = s->protocol == IPPROTO_TCP	   ? "tcp"
			   : s->protocol == IPPROTO_UDP	   ? "udp"
			   : s->protocol == IPPROTO_ICMP   ? "icmp4"
			   : s->protocol == IPPROTO_ICMPV6 ? "icmp6"
							   : "everything";

	if (s->first <= 1 && s->last == 65535)
		snprintf(out, RN_SERVICE_TEXT, "%s", word);
	else if (s->first == s->last)
		snprintf(out, RN_SERVICE_TEXT, "%s:%u", word, s->first);
	else
		snprintf(out, RN_SERVICE_TEXT, "%s:%u-%u", word, s->first, s->last);
	return out;
}
