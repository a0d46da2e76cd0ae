// SPDX-License-Identifier: Apache-2.0
#include "domain/import_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy.h"

int rn_draft_open(struct rn_draft *draft)
{
	draft->groups = rn_json_object();
	draft->tests = rn_json_array();
	return draft->groups && draft->tests ? 0 : -ENOMEM;
}

static void fail(struct rn_draft *draft, int code)
{
	if (!draft->failed)
		draft->failed = code;
}

/* The array with room for one more of size bytes. */
static void *grow(struct rn_draft *draft, void *array, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? 2 * *room : 4;
	void *grown;

	if (count < *room)
		return array;
	grown = realloc(array, wanted * size);
	if (!grown) {
		fail(draft, -ENOMEM);
		return NULL;
	}
	*room = wanted;
	return grown;
}

bool rn_words_has(const struct rn_words *words, const char *word)
{
	for (uint32_t i = 0; i < words->count; i++)
		if (strcmp(words->text[i], word) == 0)
			return true;
	return false;
}

void rn_draft_word(struct rn_draft *draft, struct rn_words *words, const char *prefix, const char *word)
{
	char text[RN_IMPORT_WORD];
	size_t room = words->room;
	void *grown;

	snprintf(text, sizeof(text), "%s%s", prefix, word);
	if (draft->failed || rn_words_has(words, text))
		return;
	if (draft->words == RN_IMPORT_WORDS_MAX || words->count == RN_RULE_SELECTORS_MAX) {
		fail(draft, -EMSGSIZE);
		return;
	}
	grown = grow(draft, words->text, words->count, &room, sizeof(text));
	if (!grown)
		return;
	words->text = grown;
	words->room = (uint32_t)room;
	memcpy(words->text[words->count++], text, sizeof(text));
	draft->words++;
}

void rn_draft_words(struct rn_draft *draft, struct rn_words *words, const struct rn_words *more)
{
	for (uint32_t i = 0; i < more->count; i++)
		rn_draft_word(draft, words, "", more->text[i]);
}

void rn_words_done(struct rn_words *words)
{
	free(words->text);
	*words = (struct rn_words){NULL, 0, 0};
}

void rn_draft_side_done(struct rn_draft_side *side)
{
	rn_words_done(&side->any);
	rn_words_done(&side->none);
}

static bool same_words(const struct rn_words *a, const struct rn_words *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!rn_words_has(b, a->text[i]))
			return false;
	return true;
}

static bool same_but_source(const struct rn_draft_rule *r, const char *comment, const struct rn_draft_side *source,
			    const struct rn_draft_side *destination, const struct rn_words *services)
{
	return strcmp(r->comment, comment) == 0 && same_words(&r->source.none, &source->none) &&
	       same_words(&r->destination.any, &destination->any) &&
	       same_words(&r->destination.none, &destination->none) && same_words(&r->services, services);
}

/* As a policy counts them: ICMP is of two families. */
static bool too_many(const struct rn_words *services)
{
	return services->count + rn_words_has(services, "icmp") > RN_RULE_SERVICES_MAX;
}

static void bound(struct rn_draft *draft, const struct rn_draft_rule *rule)
{
	if (rule->source.any.count + rule->source.none.count > RN_RULE_SELECTORS_MAX ||
	    rule->destination.any.count + rule->destination.none.count > RN_RULE_SELECTORS_MAX)
		fail(draft, -EMSGSIZE);
}

void rn_draft_rule(struct rn_draft *draft, const char *id, const char *comment, const struct rn_draft_side *source,
		   const struct rn_draft_side *destination, const struct rn_words *services)
{
	struct rn_draft_rule *rule = draft->rule_count ? &draft->rules[draft->rule_count - 1] : NULL;
	size_t room = draft->rule_room;

	if (draft->failed || !source->any.count || !destination->any.count || !services->count)
		return;
	if (rule && same_but_source(rule, comment, source, destination, services)) {
		rn_draft_words(draft, &rule->source.any, &source->any);
		bound(draft, rule);
		return;
	}
	draft->crowded = too_many(services);
	if (draft->crowded || draft->rule_count == RN_IMPORT_RULES_MAX) {
		fail(draft, -EMSGSIZE);
		return;
	}
	rule = grow(draft, draft->rules, draft->rule_count, &room, sizeof(*rule));
	if (!rule)
		return;
	draft->rules = rule;
	draft->rule_room = (uint32_t)room;
	rule += draft->rule_count++;
	memset(rule, 0, sizeof(*rule));
	snprintf(rule->id, sizeof(rule->id), "%s", id);
	snprintf(rule->comment, sizeof(rule->comment), "%s", comment);
	rn_draft_words(draft, &rule->source.any, &source->any);
	rn_draft_words(draft, &rule->source.none, &source->none);
	rn_draft_words(draft, &rule->destination.any, &destination->any);
	rn_draft_words(draft, &rule->destination.none, &destination->none);
	rn_draft_words(draft, &rule->services, services);
	bound(draft, rule);
}

static bool said(const struct rn_draft *draft, const struct rn_import_note *note)
{
	for (size_t i = 0; i < draft->out.note_count; i++) {
		const struct rn_import_note *n = &draft->out.notes[i];

		if (n->line == note->line && n->column == note->column && n->file == note->file &&
		    strcmp(n->text, note->text) == 0)
			return true;
	}
	return false;
}

static void add_note(struct rn_draft *draft, const struct rn_json *at, bool lost, const char *format, va_list args)
{
	struct rn_import_note note = {.file = draft->document->file, .lost = lost};
	struct rn_import_note *grown;

	vsnprintf(note.text, sizeof(note.text), format, args);
	rn_json_where(at, &note.line, &note.column);
	if (draft->out.note_count == RN_IMPORT_NOTES_MAX) {
		draft->out.lost += lost;
		draft->out.unsaid++;
		return;
	}
	if (said(draft, &note))
		return;
	grown = grow(draft, draft->out.notes, draft->out.note_count, &draft->note_room, sizeof(note));
	if (!grown)
		return;
	draft->out.notes = grown;
	draft->out.notes[draft->out.note_count++] = note;
	draft->out.lost += lost;
}

void rn_draft_lost(struct rn_draft *draft, const struct rn_json *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_note(draft, at, true, format, args);
	va_end(args);
}

void rn_draft_note(struct rn_draft *draft, const struct rn_json *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_note(draft, at, false, format, args);
	va_end(args);
}

static struct rn_json *word_list(const struct rn_words *any, const struct rn_words *none)
{
	struct rn_json *list = rn_json_array();

	for (uint32_t i = 0; i < any->count; i++)
		rn_json_append_text(list, any->text[i]);
	for (uint32_t i = 0; none && i < none->count; i++) {
		char word[RN_IMPORT_WORD + 1];

		snprintf(word, sizeof(word), "!%s", none->text[i]);
		rn_json_append_text(list, word);
	}
	return list;
}

static struct rn_json *rule_node(const struct rn_draft_rule *rule)
{
	struct rn_json *node = rn_json_object();

	rn_json_add_text(node, "id", rule->id);
	rn_json_add_text(node, "comment", rule->comment);
	rn_json_add(node, "source_criteria", word_list(&rule->source.any, &rule->source.none));
	rn_json_add(node, "destination_criteria", word_list(&rule->destination.any, &rule->destination.none));
	rn_json_add(node, "services", word_list(&rule->services, NULL));
	rn_json_add_text(node, "action", "allow");
	return node;
}

/* Everything as text; groups and tests go into it. NULL: out of memory. */
static char *print(struct rn_draft *draft, const char *heading)
{
	struct rn_json *root = rn_json_object(), *rules = rn_json_array();
	char *body, *text = NULL;
	size_t size;

	if (rn_json_first(draft->groups))
		rn_json_add(root, "groups", draft->groups);
	else
		rn_json_free(draft->groups);
	rn_json_add(root, "tags", word_list(&draft->tags, NULL));
	for (uint32_t i = 0; i < draft->rule_count; i++)
		rn_json_append(rules, rule_node(&draft->rules[i]));
	rn_json_add(root, "rules", rules);
	if (rn_json_first(draft->tests))
		rn_json_add(root, "tests", draft->tests);
	else
		rn_json_free(draft->tests);
	draft->groups = draft->tests = NULL;
	body = rn_json_print(root, true);
	rn_json_free(root);
	size = body ? strlen(heading) + strlen(body) + 3 : 0;
	text = body ? malloc(size) : NULL;
	if (text)
		snprintf(text, size, "%s\n%s\n", heading, body);
	free(body);
	return text;
}

static void free_rules(struct rn_draft *draft)
{
	for (uint32_t i = 0; i < draft->rule_count; i++) {
		rn_draft_side_done(&draft->rules[i].source);
		rn_draft_side_done(&draft->rules[i].destination);
		rn_words_done(&draft->rules[i].services);
	}
	free(draft->rules);
	rn_words_done(&draft->tags);
}

int rn_draft_close(struct rn_draft *draft, const char *heading, struct rn_import *ret, struct rn_err *err)
{
	if (!draft->failed) {
		draft->out.text = print(draft, heading);
		if (!draft->out.text)
			fail(draft, -ENOMEM);
		else if (strlen(draft->out.text) > RN_POLICY_TEXT_MAX)
			fail(draft, -EMSGSIZE);
	}
	rn_json_free(draft->groups);
	rn_json_free(draft->tests);
	free_rules(draft);
	if (draft->failed) {
		rn_import_done(&draft->out);
		return rn_fail(err, draft->failed, "%s",
			       draft->failed != -EMSGSIZE ? "out of memory"
			       : draft->crowded
				   ? "a rule would have more than 256 services; write ranges of ports, or several rules"
				   : "what comes out is larger than a policy may be; import parts of it");
	}
	*ret = draft->out;
	return 0;
}

void rn_import_done(struct rn_import *import)
{
	free(import->text);
	free(import->notes);
	memset(import, 0, sizeof(*import));
}

void rn_import_name_raw(struct rn_import_name *name, const char *text)
{
	size_t size = strlen(text);

	if (name->size + size > RN_IMPORT_NAME_MAX)
		name->failed = true;
	if (name->failed)
		return;
	memcpy(name->text + name->size, text, size + 1);
	name->size += size;
}

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

void rn_import_name_escaped(struct rn_import_name *name, const char *text, size_t size, bool dots)
{
	if (name->size == 0 && size && !plain(text[0]))
		rn_import_name_raw(name, "x__");
	for (size_t i = 0; i < size; i++) {
		char c = text[i], out[5] = {c, '\0'};

		if (c == '@')
			snprintf(out, sizeof(out), "_at_");
		else if (!plain(c) && c != '-' && !(dots && c == '.'))
			snprintf(out, sizeof(out), "_%02x", (unsigned char)c);
		rn_import_name_raw(name, out);
	}
}

bool rn_import_name_good(const struct rn_import_name *name)
{
	return !name->failed && name->size > 0 && name->size <= RN_NAME_MAX;
}
