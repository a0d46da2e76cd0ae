// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/import_networkpolicy.h"

static const char *text_of(const struct rn_json *node)
{
	return node && rn_json_type(node) == RN_JSON_STRING ? rn_json_text(node) : NULL;
}

static bool too_many(struct rn_draft *draft, const struct rn_json *at)
{
	rn_draft_lost(draft, at, "this selector has more parts than one tag can stand for, so it is left out");
	return false;
}

/* Every term with this label, as many times as there are values (one that is NULL: any). Contradictions go away. */
static bool require(struct rn_draft *draft, const struct rn_json *at, bool of_namespace, const char *key,
		    const char *const *values, unsigned count, struct rn_terms *terms)
{
	struct rn_terms wider = {NULL, 0, 0};

	for (unsigned i = 0; i < terms->count; i++) {
		for (unsigned v = 0; v < count; v++) {
			struct rn_term term = terms->list[i];
			int code = rn_term_label(&term, of_namespace, key, values[v]);

			if (code < 0 || wider.count == RN_TERMS_MAX) {
				rn_terms_done(&wider);
				return too_many(draft, at);
			}
			if (code > 0)
				rn_terms_add(draft, &wider, &term);
		}
	}
	rn_terms_done(terms);
	*terms = wider;
	return true;
}

/* Every term without those of this label's values (NULL: any). */
static bool forbid(struct rn_draft *draft, const struct rn_json *at, bool of_namespace, const char *key,
		   const char *value, struct rn_terms *terms)
{
	struct rn_term other = {.type = RN_TERM_PODS};
	char tag[RN_IMPORT_WORD];

	if (rn_term_label(&other, of_namespace, key, value) != 1 || !rn_term_tag(draft, at, &other, tag)) {
		rn_draft_lost(draft, at,
			      "the tag that stands for what is excluded here would have too long a name, so the "
			      "selector is left out");
		return false;
	}
	for (unsigned i = 0; i < terms->count; i++) {
		struct rn_term *term = &terms->list[i];

		if (term->none_count == RN_TERM_NONE)
			return too_many(draft, at);
		snprintf(term->none[term->none_count++], RN_IMPORT_WORD, "%s", tag);
	}
	return true;
}

static bool bad(struct rn_draft *draft, const struct rn_json *at)
{
	rn_draft_lost(draft, at, "this is no label selector, so it is left out");
	return false;
}

static bool read_labels(struct rn_draft *draft, const struct rn_json *labels, bool of_namespace, struct rn_terms *terms)
{
	if (rn_json_type(labels) != RN_JSON_OBJECT)
		return bad(draft, labels);
	for (const struct rn_json *n = rn_json_first(labels); n; n = rn_json_next(n)) {
		const char *value = text_of(n);

		if (!value) {
			rn_draft_lost(
			    draft, n,
			    "the value of the label \"%.60s\" is no text, so the selector is left out; put it into "
			    "quotes",
			    rn_json_key(n));
			return false;
		}
		if (!require(draft, n, of_namespace, rn_json_key(n), &value, 1, terms))
			return false;
	}
	return true;
}

/* The texts of a list; NULL (with *ret_count 0) where it is empty or holds what is none. The caller frees. */
static const char **texts_of(const struct rn_json *list, unsigned *ret_count)
{
	const char **texts;
	unsigned count = 0;

	*ret_count = 0;
	if (!list || rn_json_type(list) != RN_JSON_ARRAY || !rn_json_first(list))
		return NULL;
	texts = malloc(rn_json_count(list) * sizeof(const char *));
	for (const struct rn_json *n = rn_json_first(list); texts && n; n = rn_json_next(n)) {
		texts[count++] = text_of(n);
		if (!texts[count - 1]) {
			free(texts);
			return NULL;
		}
	}
	*ret_count = count;
	return texts;
}

static bool read_expression(struct rn_draft *draft, const struct rn_json *node, bool of_namespace,
			    struct rn_terms *terms)
{
	static const char *const any[] = {NULL};
	bool object = rn_json_type(node) == RN_JSON_OBJECT;
	const char *key = object ? text_of(rn_json_get(node, "key")) : NULL;
	const char *operator= object ? text_of(rn_json_get(node, "operator")) : NULL;
	unsigned count;
	const char **values = texts_of(object ? rn_json_get(node, "values") : NULL, &count);
	bool good = key && operator;

	if (good && strcmp(operator, "In") == 0 && values) {
		good = require(draft, node, of_namespace, key, values, count, terms);
	} else if (good && strcmp(operator, "Exists") == 0 && !values) {
		good = require(draft, node, of_namespace, key, any, 1, terms);
	} else if (good && strcmp(operator, "DoesNotExist") == 0 && !values) {
		good = forbid(draft, node, of_namespace, key, NULL, terms);
	} else if (good && strcmp(operator, "NotIn") == 0 && values) {
		for (unsigned i = 0; i < count && good; i++)
			good = forbid(draft, node, of_namespace, key, values[i], terms);
	} else {
		good = bad(draft, node);
	}
	free(values);
	return good;
}

static bool read_members(struct rn_draft *draft, const struct rn_json *selector, bool of_namespace,
			 struct rn_terms *terms)
{
	if (rn_json_type(selector) == RN_JSON_NULL)
		return true;
	if (rn_json_type(selector) != RN_JSON_OBJECT)
		return bad(draft, selector);
	for (const struct rn_json *n = rn_json_first(selector); n; n = rn_json_next(n)) {
		bool expressions = strcmp(rn_json_key(n), "matchExpressions") == 0;

		if (rn_json_type(n) == RN_JSON_NULL)
			continue;
		if (strcmp(rn_json_key(n), "matchLabels") == 0) {
			if (!read_labels(draft, n, of_namespace, terms))
				return false;
			continue;
		}
		if (!expressions || rn_json_type(n) != RN_JSON_ARRAY)
			return bad(draft, n);
		for (const struct rn_json *e = rn_json_first(n); e; e = rn_json_next(e))
			if (!read_expression(draft, e, of_namespace, terms))
				return false;
	}
	return true;
}

bool rn_selector_read(struct rn_draft *draft, const struct rn_json *selector, bool of_namespace, struct rn_terms *terms)
{
	struct rn_terms read = {NULL, 0, 0};

	for (unsigned i = 0; i < terms->count; i++)
		rn_terms_add(draft, &read, &terms->list[i]);
	if (!read_members(draft, selector, of_namespace, &read)) {
		rn_terms_done(&read);
		return false;
	}
	rn_terms_done(terms);
	*terms = read;
	return true;
}
