// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "domain/policy_text.h"

static const struct {
	const char *word;
	enum rn_criterion_type type;
	bool named; /* a colon and a name follow */
} words[] = {
    {"everyone", RN_CRITERION_EVERYONE, false},
    {"same-owner", RN_CRITERION_SAME_OWNER, false},
    {"user", RN_CRITERION_USER, true},
    {"group", RN_CRITERION_GROUP, true},
    {"tag", RN_CRITERION_TAG, true},
    {"device", RN_CRITERION_DEVICE, true},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static int text_of(const struct rn_json *node, const char *what, const char **ret, struct rn_err *err)
{
	if (rn_json_type(node) != RN_JSON_STRING)
		return rn_json_fail(node, err, "%s must be text in double quotes", what);
	*ret = rn_json_text(node);
	return 0;
}

int rn_name_read(const struct rn_json *node, const char *what, char ret[RN_NAME_MAX + 1], struct rn_err *err)
{
	const char *text;

	if (text_of(node, what, &text, err) < 0)
		return -EINVAL;
	if (!rn_name_valid(text))
		return rn_json_fail(node, err,
				    "\"%.64s\" is not a good name for %s; names begin with a-z or 0-9 and have at most "
				    "63 of a-z, 0-9, dot, hyphen and underscore",
				    text, what);
	snprintf(ret, RN_NAME_MAX + 1, "%s", text);
	return 0;
}

static int unknown_criterion(const struct rn_json *node, const char *text, bool destination, struct rn_err *err)
{
	char word[RN_NAME_MAX + 1];
	struct rn_nearest nearest;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, ":"), text);
	nearest = rn_nearest(word);
	for (size_t i = 0; i < WORDS; i++) {
		if (strcmp(words[i].word, word) == 0 && words[i].named)
			return rn_json_fail(node, err, "\"%.64s\" needs a colon and a name", text);
		if (strcmp(words[i].word, word) == 0)
			return rn_json_fail(node, err, "\"%.64s\" is wrong: \"%s\" takes no name", text, word);
		rn_nearest_offer(&nearest, words[i].word);
	}
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, err, "\"%.64s\" is not a criterion; did you mean \"%s%.64s\"?", text,
				    rn_nearest_name(&nearest), text + strcspn(text, ":"));
	return rn_json_fail(node, err,
			    "\"%.64s\" is not a criterion; write everyone%s, or user:, group:, tag: or device: and a "
			    "name",
			    text, destination ? ", same-owner" : "");
}

static int unknown_group(const struct rn_json *node, const char *name, const struct rn_policy_model *model,
			 struct rn_err *err)
{
	struct rn_nearest nearest = rn_nearest(name);

	for (uint32_t i = 0; i < model->group_count; i++)
		rn_nearest_offer(&nearest, model->groups[i].name);
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, err, "unknown group \"%.64s\"; did you mean \"%s\"?", name,
				    rn_nearest_name(&nearest));
	return rn_json_fail(node, err, "unknown group \"%.64s\"; list its users in \"groups\" first", name);
}

static int unknown_tag(const struct rn_json *node, const char *name, const struct rn_policy_model *model,
		       struct rn_err *err)
{
	struct rn_nearest nearest = rn_nearest(name);

	for (uint32_t i = 0; i < model->tag_count; i++)
		rn_nearest_offer(&nearest, model->tags[i]);
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, err, "the tag \"%.64s\" is not declared; did you mean \"%s\"?", name,
				    rn_nearest_name(&nearest));
	return rn_json_fail(node, err, "the tag \"%.64s\" is not declared; add it to \"tags\"", name);
}

static int check_known(const struct rn_json *node, const struct rn_criterion *c, const struct rn_policy_model *model,
		       struct rn_err *err)
{
	if (c->type == RN_CRITERION_GROUP) {
		for (uint32_t i = 0; i < model->group_count; i++)
			if (strcmp(model->groups[i].name, c->name) == 0)
				return 0;
		return unknown_group(node, c->name, model, err);
	}
	if (c->type == RN_CRITERION_TAG) {
		for (uint32_t i = 0; i < model->tag_count; i++)
			if (strcmp(model->tags[i], c->name) == 0)
				return 0;
		return unknown_tag(node, c->name, model, err);
	}
	return 0;
}

static int read_name(const struct rn_json *node, const char *text, const char *name, struct rn_criterion *c,
		     const struct rn_policy_model *model, struct rn_err *err)
{
	if (!rn_name_valid(name))
		return rn_json_fail(node, err, "\"%.80s\" has no good name after the colon", text);
	snprintf(c->name, sizeof(c->name), "%s", name);
	return check_known(node, c, model, err);
}

int rn_criterion_read(const struct rn_json *node, bool destination, const struct rn_policy_model *model,
		      struct rn_criterion *ret, struct rn_err *err)
{
	struct rn_criterion c = {0};
	const char *text, *colon;
	size_t size;

	if (text_of(node, "a criterion", &text, err) < 0)
		return -EINVAL;
	size = strcspn(text, ":");
	colon = text[size] ? text + size : NULL;
	for (size_t i = 0; i < WORDS; i++) {
		if (strlen(words[i].word) != size || memcmp(words[i].word, text, size) != 0)
			continue;
		if (words[i].named != (colon != NULL))
			break;
		c.type = words[i].type;
		if (c.type == RN_CRITERION_SAME_OWNER && !destination)
			return rn_json_fail(node, err, "same-owner stands only in \"destination_criteria\"");
		if (colon && read_name(node, text, colon + 1, &c, model, err) < 0)
			return -EINVAL;
		*ret = c;
		return 0;
	}
	return unknown_criterion(node, text, destination, err);
}

/* A port number at *text, which moves past it; 0 where there is none. */
static uint32_t read_port(const char **text)
{
	uint32_t port = 0;

	while (**text >= '0' && **text <= '9' && port <= 65535)
		port = port * 10 + (uint32_t)(*(*text)++ - '0');
	return port <= 65535 ? port : 0;
}

static int read_ports(const struct rn_json *node, const char *text, const char *ports, struct rn_service *s,
		      struct rn_err *err)
{
	uint32_t first = read_port(&ports), last = first;

	if (first && *ports == '-') {
		ports++;
		last = read_port(&ports);
	}
	if (!first || !last || *ports)
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

int rn_service_read(const struct rn_json *node, struct rn_service *ret, struct rn_err *err)
{
	static const struct {
		const char *word;
		uint8_t protocol;
	} protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}};
	struct rn_service s = {.last = 65535};
	const char *text, *colon;

	if (text_of(node, "a service", &text, err) < 0)
		return -EINVAL;
	colon = strchrnul(text, ':');
	for (size_t i = 0; i < 3 && !s.protocol; i++)
		if (strlen(protocols[i].word) == (size_t)(colon - text) &&
		    memcmp(protocols[i].word, text, (size_t)(colon - text)) == 0)
			s.protocol = protocols[i].protocol;
	if (!s.protocol)
		return rn_json_fail(node, err,
				    "\"%.64s\" is not a service; write tcp, udp or icmp, or with ports tcp:22 or "
				    "udp:5000-5100",
				    text);
	if (*colon && s.protocol == IPPROTO_ICMP)
		return rn_json_fail(node, err, "\"%.64s\": icmp has no ports; write \"icmp\"", text);
	if (*colon && read_ports(node, text, colon + 1, &s, err) < 0)
		return -EINVAL;
	*ret = s;
	return 0;
}
