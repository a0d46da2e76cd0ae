// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "domain/import_networkpolicy.h"

#define NAME_LABEL "kubernetes.io/metadata.name" /* every namespace has its name as this label */

/* Pairs are kept by key: the order of labels in a selector does not make another tag. */
static int add_pair(struct rn_pair *pairs, unsigned *count, const char *key, const char *value)
{
	unsigned at = 0;

	while (at < *count && strcmp(pairs[at].key, key) < 0)
		at++;
	if (at < *count && strcmp(pairs[at].key, key) == 0) {
		if (value && pairs[at].value && strcmp(pairs[at].value, value) != 0)
			return 0;
		if (value)
			pairs[at].value = value;
		return 1;
	}
	if (*count == RN_TERM_PAIRS)
		return -EMSGSIZE;
	memmove(pairs + at + 1, pairs + at, (*count - at) * sizeof(*pairs));
	pairs[at] = (struct rn_pair){key, value};
	(*count)++;
	return 1;
}

static int add_namespace(struct rn_term *term, const char *name)
{
	if (term->namespace && strcmp(term->namespace, name) != 0)
		return 0;
	term->namespace = name;
	return 1;
}

int rn_term_label(struct rn_term *term, bool of_namespace, const char *key, const char *value)
{
	if (!of_namespace)
		return add_pair(term->pods, &term->pod_count, key, value);
	if (strcmp(key, NAME_LABEL) == 0)
		return value ? add_namespace(term, value) : 1;
	return add_pair(term->spaces, &term->space_count, key, value);
}

static int add_none(struct rn_term *term, const char *word)
{
	for (unsigned i = 0; i < term->none_count; i++)
		if (strcmp(term->none[i], word) == 0)
			return 1;
	if (term->none_count == RN_TERM_NONE)
		return -EMSGSIZE;
	snprintf(term->none[term->none_count++], RN_IMPORT_WORD, "%s", word);
	return 1;
}

static int both_blocks(const struct rn_term *a, const struct rn_term *b, struct rn_term *ret)
{
	if (!rn_prefix_overlap(&a->prefix, &b->prefix))
		return 0;
	ret->prefix = a->prefix.bits >= b->prefix.bits ? a->prefix : b->prefix;
	return 1;
}

int rn_term_and(const struct rn_term *a, const struct rn_term *b, struct rn_term *ret)
{
	int code = 1;

	if (a->type == RN_TERM_EVERYONE) {
		const struct rn_term *other = a;

		a = b;
		b = other;
	}
	*ret = *a;
	if (b->type != RN_TERM_EVERYONE && a->type != b->type)
		return 0;
	if (b->type == RN_TERM_BLOCK)
		code = both_blocks(a, b, ret);
	if (code == 1 && b->namespace)
		code = add_namespace(ret, b->namespace);
	for (unsigned i = 0; i < b->space_count && code == 1; i++)
		code = add_pair(ret->spaces, &ret->space_count, b->spaces[i].key, b->spaces[i].value);
	for (unsigned i = 0; i < b->pod_count && code == 1; i++)
		code = add_pair(ret->pods, &ret->pod_count, b->pods[i].key, b->pods[i].value);
	for (unsigned i = 0; i < b->none_count && code == 1; i++)
		code = add_none(ret, b->none[i]);
	return code;
}

static bool has_pairs(const struct rn_pair *pairs, unsigned count, const struct rn_pair *wanted, unsigned wanted_count)
{
	for (unsigned i = 0; i < wanted_count; i++) {
		unsigned k = 0;

		while (k < count && strcmp(pairs[k].key, wanted[i].key) != 0)
			k++;
		if (k == count ||
		    (wanted[i].value && (!pairs[k].value || strcmp(pairs[k].value, wanted[i].value) != 0)))
			return false;
	}
	return true;
}

bool rn_term_implies(const struct rn_term *a, const struct rn_term *b)
{
	if (b->type == RN_TERM_EVERYONE)
		return b->none_count == 0;
	if (a->type != RN_TERM_PODS || b->type != RN_TERM_PODS || b->none_count)
		return false;
	if (b->namespace && (!a->namespace || strcmp(a->namespace, b->namespace) != 0))
		return false;
	return has_pairs(a->spaces, a->space_count, b->spaces, b->space_count) &&
	       has_pairs(a->pods, a->pod_count, b->pods, b->pod_count);
}

static void name_part(struct rn_import_name *name, const char *text)
{
	rn_import_name_raw(name, ".");
	rn_import_name_escaped(name, text, strlen(text), false);
}

static void name_value(struct rn_import_name *name, const char *value)
{
	if (!value)
		rn_import_name_raw(name, "._any");
	else if (!value[0])
		rn_import_name_raw(name, "._empty");
	else
		name_part(name, value);
}

static void full_name(const struct rn_term *term, struct rn_import_name *name)
{
	rn_import_name_raw(name, term->namespace ? "k8s-ns" : "k8s");
	if (term->namespace)
		name_part(name, term->namespace);
	for (unsigned i = 0; i < term->space_count; i++) {
		rn_import_name_raw(name, "._ns");
		name_part(name, term->spaces[i].key);
		name_value(name, term->spaces[i].value);
	}
	for (unsigned i = 0; i < term->pod_count; i++) {
		name_part(name, term->pods[i].key);
		name_value(name, term->pods[i].value);
	}
}

bool rn_term_tag(struct rn_draft *draft, const struct rn_json *at, const struct rn_term *term, char ret[RN_IMPORT_WORD])
{
	struct rn_import_name name = {.size = 0};
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	full_name(term, &name);
	if (name.failed)
		return false;
	if (rn_import_name_good(&name)) {
		snprintf(ret, RN_IMPORT_WORD, "tag:%.63s", name.text);
	} else {
		rn_blake2b(NULL, 0, name.text, name.size, hash, sizeof(hash));
		rn_hex(hash, sizeof(hash), hex, sizeof(hex));
		snprintf(ret, RN_IMPORT_WORD, "tag:k8s._h.%s", hex);
		rn_draft_note(draft, at, "the tag %s stands for %s", ret + strlen("tag:"), name.text);
	}
	rn_draft_word(draft, &draft->tags, "", ret + strlen("tag:"));
	return true;
}

bool rn_term_side(struct rn_draft *draft, const struct rn_json *at, const struct rn_term *term,
		  struct rn_draft_side *ret)
{
	const struct rn_term pod = {.type = RN_TERM_PODS};
	char word[RN_IMPORT_WORD], prefix[RN_PREFIX_TEXT];

	if (term->type == RN_TERM_EVERYONE) {
		rn_draft_word(draft, &ret->any, "", "everyone");
	} else if (term->type == RN_TERM_BLOCK) {
		snprintf(word, sizeof(word), "prefix:%s", rn_prefix_format(&term->prefix, prefix));
		rn_draft_word(draft, &ret->any, "", word);
		rn_term_tag(draft, at, &pod, word);
		rn_draft_word(draft, &ret->none, "", word);
	} else {
		if (!rn_term_tag(draft, at, term, word))
			return false;
		rn_draft_word(draft, &ret->any, "", word);
	}
	for (unsigned i = 0; i < term->none_count; i++)
		rn_draft_word(draft, &ret->none, "", term->none[i]);
	return true;
}

void rn_terms_add(struct rn_draft *draft, struct rn_terms *terms, const struct rn_term *term)
{
	if (terms->count == terms->room) {
		unsigned room = terms->room ? 2 * terms->room : 1;
		struct rn_term *grown = realloc(terms->list, room * sizeof(*grown));

		if (!grown) {
			draft->failed = -ENOMEM;
			return;
		}
		terms->list = grown;
		terms->room = room;
	}
	terms->list[terms->count++] = *term;
}

void rn_terms_done(struct rn_terms *terms)
{
	free(terms->list);
	memset(terms, 0, sizeof(*terms));
}
