// SPDX-License-Identifier: Apache-2.0
#include "import_world.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "domain/policy.h"
#include "domain/policy_tools.h"

#define NOW 1800000000

static uint64_t state;

void chance_begin(const char *test)
{
	const char *seed = getenv("RN_SEED");

	state = seed ? strtoull(seed, NULL, 0) : 1;
	fprintf(stderr, "%s: seed %llu\n", test, (unsigned long long)state);
}

uint32_t chance(uint32_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % below);
}

void add(struct text *text, const char *format, ...)
{
	char piece[1024];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	assert_true(size >= 0 && (size_t)size < sizeof(piece));
	if (text->size + (size_t)size + 1 > text->room) {
		text->room = 2 * text->room + sizeof(piece);
		text->at = realloc(text->at, text->room);
		assert_non_null(text->at);
	}
	memcpy(text->at + text->size, piece, (size_t)size + 1);
	text->size += (size_t)size;
}

static void path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "tests/vectors/import/%s", name);
}

char *vector(const char *name)
{
	char path[200];
	struct text text = {NULL, 0, 0};
	FILE *file;
	int c;

	path_of(name, path, sizeof(path));
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s cannot be read; tests run from the top of the tree", path);
	add(&text, "%s", "");
	while ((c = fgetc(file)) != EOF)
		add(&text, "%c", c);
	fclose(file);
	return text.at;
}

char *report(const struct rn_import *import)
{
	struct text text = {NULL, 0, 0};

	add(&text, "%s", "");
	for (size_t i = 0; i < import->note_count; i++) {
		const struct rn_import_note *n = &import->notes[i];

		add(&text, "%s:%u:%u: %s: %s\n", n->file, n->line, n->column, n->lost ? "lost" : "note", n->text);
	}
	return text.at;
}

void assert_vector(const char *name, const char *text)
{
	char path[200], *expected;
	FILE *file;

	if (getenv("RN_WRITE")) {
		path_of(name, path, sizeof(path));
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(text, file);
		fclose(file);
	}
	expected = vector(name);
	assert_string_equal(text, expected);
	free(expected);
}

/* The language that the importers write, judged by a plain walk over the text's tree, and by the reference evaluator.
 */
struct judge {
	struct rn_json *root;
	struct rn_policy_model *model; /* the same, as the product reads it */
};

struct judge *judge_open(const char *text)
{
	struct judge *j = calloc(1, sizeof(*j));
	struct rn_err err = {""};

	assert_non_null(j);
	j->root = rn_json_parse(text, strlen(text), RN_JSON_COMMENTS, &err);
	if (!j->root)
		fail_msg("%s", err.text);
	j->model = rn_policy_parse(text, strlen(text), &err);
	if (!j->model) {
		fprintf(stderr, "%s\n%s\n", text, err.text);
		fail();
	}
	if (rn_policy_check_tests(j->model, NULL, NULL, NOW, &err) < 0) {
		fprintf(stderr, "%s\n%s\n", text, err.text);
		fail();
	}
	return j;
}

void judge_close(struct judge *judge)
{
	rn_json_free(judge->root);
	rn_policy_model_free(judge->model);
	free(judge);
}

const char *judge_tag(const struct judge *judge, unsigned n)
{
	const struct rn_json *tag = rn_json_first(rn_json_get(judge->root, "tags"));

	for (; tag && n; n--)
		tag = rn_json_next(tag);
	return tag ? rn_json_text(tag) : NULL;
}

static const char *behind(const char *text, const char *word)
{
	size_t size = strlen(word);

	return strncmp(text, word, size) == 0 ? text + size : NULL;
}

static bool in_list(const struct rn_json *list, const char *text)
{
	for (const struct rn_json *n = list ? rn_json_first(list) : NULL; n; n = rn_json_next(n))
		if (strcmp(rn_json_text(n), text) == 0)
			return true;
	return false;
}

static bool in_prefix(const char *text, uint32_t ipv4)
{
	struct rn_addr addr = rn_addr_from_v4(ipv4);
	struct rn_prefix prefix;

	assert_int_equal(rn_prefix_parse(text, &prefix), 0);
	return ipv4 && rn_prefix_contains(&prefix, &addr);
}

static bool is(const struct judge *j, const char *criterion, const struct party *p, const struct party *other)
{
	const char *name;
	struct rn_addr addr;

	if (strcmp(criterion, "everyone") == 0)
		return true;
	if (strcmp(criterion, "same-owner") == 0)
		return p->user && other->user && strcmp(p->user, other->user) == 0;
	if ((name = behind(criterion, "user:")))
		return p->user && strcmp(name, p->user) == 0;
	if ((name = behind(criterion, "group:"))) {
		const struct rn_json *group = rn_json_get(rn_json_get(j->root, "groups"), name);

		assert_non_null(group);
		return p->user && in_list(group, p->user);
	}
	if ((name = behind(criterion, "tag:"))) {
		assert_true(in_list(rn_json_get(j->root, "tags"), name));
		for (unsigned i = 0; i < p->tag_count; i++)
			if (strcmp(name, p->tags[i]) == 0)
				return true;
		return false;
	}
	if ((name = behind(criterion, "host:"))) {
		assert_int_equal(rn_addr_parse(name, &addr), 0);
		return p->ipv4 && rn_addr_is_v4(&addr) && rn_addr_to_v4(&addr) == p->ipv4;
	}
	name = behind(criterion, "prefix:");
	if (!name)
		fail_msg("%s is no criterion", criterion);
	return in_prefix(name, p->ipv4);
}

static bool matches(const struct judge *j, const struct rn_json *list, const struct party *p, const struct party *other)
{
	bool any = false, positive = false;

	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		const char *text = rn_json_text(n);

		if (text[0] == '!' && is(j, text + 1, p, other))
			return false;
		positive |= text[0] != '!';
		any |= text[0] != '!' && is(j, text, p, other);
	}
	return any || !positive;
}

static bool serves(const char *service, uint8_t protocol, uint16_t port)
{
	unsigned first = 0, last = 65535;
	const char *ports = strchr(service, ':');

	if (strcmp(service, "icmp") == 0)
		return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
	if (strncmp(service, "icmp", 4) == 0)
		return protocol == (service[4] == '4' ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (protocol != (service[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP))
		return false;
	if (ports && sscanf(ports, ":%u-%u", &first, &last) == 1)
		last = first;
	return port >= first && port <= last;
}

static bool walk_allows(const struct judge *judge, const struct party *source, const struct party *destination,
			uint8_t protocol, uint16_t port)
{
	const struct rn_json *rules = rn_json_get(judge->root, "rules");

	for (const struct rn_json *rule = rn_json_first(rules); rule; rule = rn_json_next(rule)) {
		bool served = false;

		assert_string_equal(rn_json_text(rn_json_get(rule, "action")), "allow");
		for (const struct rn_json *n = rn_json_first(rn_json_get(rule, "services")); n; n = rn_json_next(n))
			served |= serves(rn_json_text(n), protocol, port);
		if (served && matches(judge, rn_json_get(rule, "source_criteria"), source, destination) &&
		    matches(judge, rn_json_get(rule, "destination_criteria"), destination, source))
			return true;
	}
	return false;
}

/* Owners by number: the same name, the same number. */
static uint32_t number_of(const char *name)
{
	uint32_t number = 1;

	for (; *name; name++)
		number = number * 31 + (unsigned char)*name;
	return number | 1u << 31;
}

static struct rn_party party_of(const struct party *p, const char *device, const char **tags)
{
	struct rn_party party = {
	    .device = device, .owner = p->user, .tags = tags, .tag_count = p->tag_count, .trust = 100};

	party.owner_number = p->user ? number_of(p->user) : 0;
	if (p->ipv4)
		party.ipv4 = rn_addr_from_v4(p->ipv4);
	for (unsigned i = 0; i < p->tag_count; i++)
		tags[i] = p->tags[i];
	return party;
}

bool judge_allows(const struct judge *judge, const struct party *source, const struct party *destination,
		  uint8_t protocol, uint16_t port)
{
	const char *source_tags[WORLD_TAGS], *destination_tags[WORLD_TAGS];
	struct rn_question question = {.protocol = protocol, .port = port, .at = NOW};
	bool allows = walk_allows(judge, source, destination, protocol, port);
	struct rn_answer answer;

	question.source = party_of(source, "a", source_tags);
	question.destination = party_of(destination, "b", destination_tags);
	rn_policy_evaluate(judge->model, &question, &answer);
	assert_int_equal(answer.reason == RN_ALLOWED, allows);
	return allows;
}

void assert_example(importer *import, const char *name, const char *ending)
{
	char file[64];
	struct rn_err err = {""};
	struct rn_import out;

	snprintf(file, sizeof(file), "%s.%s", name, ending);
	char *text = vector(file), *lines;
	assert_int_equal(import(text, NULL, &out, &err), 0);
	snprintf(file, sizeof(file), "%s.policy", name);
	assert_vector(file, out.text);
	lines = report(&out);
	snprintf(file, sizeof(file), "%s.report", name);
	assert_vector(file, lines);
	judge_close(judge_open(out.text));
	free(lines);
	free(text);
	rn_import_done(&out);
}

void assert_holds(importer *import, const char *text, const char *option, const char *has, const char *has_not)
{
	struct rn_err err = {""};
	struct rn_import out;

	if (import(text, option, &out, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (has && !strstr(out.text, has))
		fail_msg("%s\nbecame\n%s\nwithout %s", text, out.text, has);
	if (has_not && strstr(out.text, has_not))
		fail_msg("%s\nbecame\n%s\nwith %s", text, out.text, has_not);
	rn_import_done(&out);
}

void assert_refused(importer *import, const char *text, const char *sentence)
{
	struct rn_err err = {""};
	struct rn_import out;

	if (import(text, NULL, &out, &err) != -22 || !strstr(err.text, sentence) || out.text)
		fail_msg("%s: \"%s\", not \"%s\"", text, err.text, sentence);
}
