/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/firewall_match.h"

#include <stdlib.h>
#include <string.h>

/* What is known of the packet in one place, as text or as a number. */
struct known {
	bool is;
	const char *text; /* NULL: the number is what counts */
	uint32_t number;
};

static const char *member(const struct rn_json *object, const char *key)
{
	const struct rn_json *node = object && rn_json_type(object) == RN_JSON_OBJECT ? rn_json_get(object, key) : NULL;

	return node && rn_json_type(node) == RN_JSON_STRING ? rn_json_text(node) : "";
}

/* No connection is older than the packet: it is the first of a new one. */
static struct known value_of(const struct rn_json *left, const struct rn_firewall_packet *packet)
{
	const struct rn_json *meta, *ct, *payload;
	const char *key;

	if (!left || rn_json_type(left) != RN_JSON_OBJECT)
		return (struct known){0};
	meta = rn_json_get(left, "meta");
	ct = rn_json_get(left, "ct");
	payload = rn_json_get(left, "payload");
	key = member(meta, "key");
	if ((strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0) && *packet->interface)
		return (struct known){true, packet->interface, 0};
	if (strcmp(key, "l4proto") == 0 && packet->protocol)
		return (struct known){true, packet->protocol, 0};
	if (strcmp(member(ct, "key"), "state") == 0)
		return (struct known){true, "new", 0};
	if (packet->protocol && strcmp(member(payload, "field"), "dport") == 0 &&
	    (strcmp(member(payload, "protocol"), packet->protocol) == 0 ||
	     strcmp(member(payload, "protocol"), "th") == 0))
		return (struct known){true, NULL, packet->port};
	return (struct known){0};
}

/* A rule about another protocol's header, or about ICMP, is not about this packet. */
static bool other_protocol(const struct rn_json *left, const struct rn_firewall_packet *packet)
{
	const struct rn_json *payload =
	    left && rn_json_type(left) == RN_JSON_OBJECT ? rn_json_get(left, "payload") : NULL;
	const char *protocol = member(payload, "protocol");
	static const char *const transports[] = {"tcp",	 "udp",	    "icmp", "icmpv6", "sctp",
						 "dccp", "udplite", "esp",  "ah"};

	if (!packet->protocol || strcmp(protocol, packet->protocol) == 0)
		return false;
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (strcmp(protocol, transports[i]) == 0)
			return true;
	return false;
}

static bool text_is(const char *pattern, const char *text)
{
	size_t length = strlen(pattern);

	if (length && pattern[length - 1] == '*')
		return strncmp(pattern, text, length - 1) == 0;
	return strcmp(pattern, text) == 0;
}

/* A port as JSON number; nft prints numbers, and service names only where it is asked to. */
static bool number_of(const struct rn_json *node, uint32_t *ret)
{
	char *text = rn_json_type(node) == RN_JSON_NUMBER ? rn_json_print(node, false) : NULL;

	if (!text)
		return false;
	*ret = (uint32_t)strtoul(text, NULL, 10);
	free(text);
	return true;
}

static enum rn_match in_range(const struct rn_json *range, uint32_t number)
{
	const struct rn_json *first = rn_json_first(range), *last = first ? rn_json_next(first) : NULL;
	uint32_t from, to;

	if (!last || !number_of(first, &from) || !number_of(last, &to))
		return RN_MATCH_MAYBE;
	return number >= from && number <= to ? RN_MATCH_YES : RN_MATCH_NO;
}

static enum rn_match matches_one(const struct known *value, const struct rn_json *right)
{
	uint32_t number;

	if (rn_json_type(right) == RN_JSON_STRING) {
		if (!value->text || *rn_json_text(right) == '@')
			return RN_MATCH_MAYBE;
		return text_is(rn_json_text(right), value->text) ? RN_MATCH_YES : RN_MATCH_NO;
	}
	if (rn_json_type(right) == RN_JSON_NUMBER && !value->text && number_of(right, &number))
		return number == value->number ? RN_MATCH_YES : RN_MATCH_NO;
	if (rn_json_type(right) == RN_JSON_OBJECT && rn_json_get(right, "range") && !value->text)
		return in_range(rn_json_get(right, "range"), value->number);
	return RN_MATCH_MAYBE;
}

/* The best of the members of {"set": [...]} or of a list of flags; else of the one. */
static enum rn_match matches(const struct known *value, const struct rn_json *right)
{
	const struct rn_json *list = rn_json_type(right) == RN_JSON_OBJECT ? rn_json_get(right, "set") : NULL;
	enum rn_match best = RN_MATCH_NO;

	if (!list && rn_json_type(right) == RN_JSON_ARRAY)
		list = right;
	if (!list || rn_json_type(list) != RN_JSON_ARRAY)
		return list ? matches_one(value, list) : matches_one(value, right);
	for (const struct rn_json *one = rn_json_first(list); one; one = rn_json_next(one)) {
		enum rn_match m = matches_one(value, one);

		best = m > best ? m : best;
	}
	return best;
}

enum rn_match rn_firewall_equals(const struct rn_json *left, const struct rn_json *right,
				 const struct rn_firewall_packet *packet)
{
	struct known value = value_of(left, packet);

	if (other_protocol(left, packet))
		return RN_MATCH_NO;
	return value.is && right ? matches(&value, right) : RN_MATCH_MAYBE;
}

enum rn_match rn_firewall_match(const struct rn_json *match, const struct rn_firewall_packet *packet)
{
	const char *op = member(match, "op");
	enum rn_match m;

	if (rn_json_type(match) != RN_JSON_OBJECT)
		return RN_MATCH_MAYBE;
	m = rn_firewall_equals(rn_json_get(match, "left"), rn_json_get(match, "right"), packet);
	if (strcmp(op, "!=") == 0)
		return other_protocol(rn_json_get(match, "left"), packet) || m == RN_MATCH_YES ? RN_MATCH_NO
		       : m == RN_MATCH_NO						       ? RN_MATCH_YES
											       : RN_MATCH_MAYBE;
	return strcmp(op, "==") == 0 || strcmp(op, "in") == 0 ? m : RN_MATCH_MAYBE;
}
