// SPDX-License-Identifier: Apache-2.0
#include "sys/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

/* What is being filled: the array of documents, then the lists and mappings that are open. */
struct level {
	struct rn_json *node;
	char *key;	       /* of a mapping: the key whose value comes next; NULL: a key comes next */
	unsigned line, column; /* of that key */
};

struct reader {
	yaml_parser_t parser;
	struct level levels[RN_YAML_DEPTH_MAX + 1];
	unsigned depth; /* of the innermost level */
	unsigned events;
	struct rn_err *err;
};

static int refuse(struct reader *r, const yaml_mark_t *mark, const char *what)
{
	return rn_fail(r->err, -EINVAL, "line %zu, column %zu: %s", mark->line + 1, mark->column + 1, what);
}

static int no_memory(struct reader *r)
{
	return rn_fail(r->err, -ENOMEM, "out of memory");
}

static bool one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool is_number(const char *t)
{
	size_t digits;

	t += *t == '-';
	digits = strspn(t, "0123456789");
	if (!digits || (digits > 1 && t[0] == '0') || strlen(t) > 32)
		return false;
	t += digits;
	if (*t == '.') {
		digits = strspn(t + 1, "0123456789");
		t += digits ? digits + 1 : 0;
	}
	if (*t == 'e' || *t == 'E') {
		size_t sign = t[1] == '-' || t[1] == '+';

		digits = strspn(t + 1 + sign, "0123456789");
		t += digits ? 1 + sign + digits : 0;
	}
	return !*t;
}

static enum rn_json_type scalar_type(const yaml_event_t *event)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};
	const char *text = (const char *)event->data.scalar.value;

	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return RN_JSON_STRING;
	return one_of(text, nulls)   ? RN_JSON_NULL
	       : one_of(text, bools) ? RN_JSON_BOOL
	       : is_number(text)     ? RN_JSON_NUMBER
				     : RN_JSON_STRING;
}

/* The value goes into the innermost level; then it may be opened as a level of its own. */
static int put(struct reader *r, struct rn_json *value)
{
	struct level *l = &r->levels[r->depth];

	if (!value)
		return no_memory(r);
	if (l->key)
		rn_json_add(l->node, l->key, value);
	else
		rn_json_append(l->node, value);
	free(l->key);
	l->key = NULL;
	return rn_json_type(l->node) == RN_JSON_NULL ? no_memory(r) : 0; /* it was spoiled, and the value freed */
}

static int take_key(struct reader *r, const yaml_event_t *event)
{
	struct level *l = &r->levels[r->depth];
	const char *text = (const char *)event->data.scalar.value;

	if (strcmp(text, "<<") == 0)
		return refuse(r, &event->start_mark, "merge keys are not taken here; write the members out");
	l->key = strdup(text);
	l->line = (unsigned)event->start_mark.line + 1;
	l->column = (unsigned)event->start_mark.column + 1;
	return l->key ? 0 : no_memory(r);
}

/* A node's place: of a member that of its key. */
static struct rn_json *make(struct reader *r, const yaml_event_t *event, enum rn_json_type type, const char *text)
{
	const struct level *l = &r->levels[r->depth];

	if (l->key)
		return rn_json_new(type, text, l->line, l->column);
	return rn_json_new(type, text, (unsigned)event->start_mark.line + 1, (unsigned)event->start_mark.column + 1);
}

static bool wants_key(const struct reader *r)
{
	const struct level *l = &r->levels[r->depth];

	return !l->key && rn_json_type(l->node) == RN_JSON_OBJECT;
}

static int on_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	enum rn_json_type type = scalar_type(event);

	if (event->data.scalar.tag)
		return refuse(r, &event->start_mark, "tags (!name) are not taken here");
	if (event->data.scalar.anchor)
		return refuse(r, &event->start_mark, "anchors (&name) are not taken here; write the value out");
	if (strlen(text) != event->data.scalar.length)
		return refuse(r, &event->start_mark, "a NUL character in a text");
	if (wants_key(r))
		return take_key(r, event);
	if (type == RN_JSON_BOOL)
		text = text[0] == 't' || text[0] == 'T' ? "true" : "false";
	return put(r, make(r, event, type, text));
}

static int open_level(struct reader *r, const yaml_event_t *event, enum rn_json_type type, const void *anchor,
		      const void *tag)
{
	struct rn_json *node;

	if (tag)
		return refuse(r, &event->start_mark, "tags (!name) are not taken here");
	if (anchor)
		return refuse(r, &event->start_mark, "anchors (&name) are not taken here; write the value out");
	if (wants_key(r))
		return refuse(r, &event->start_mark, "a key must be one word, not a list or a mapping");
	if (r->depth == RN_YAML_DEPTH_MAX)
		return refuse(r, &event->start_mark, "lists and mappings are nested too deeply");
	node = make(r, event, type, NULL);
	if (put(r, node) < 0)
		return -ENOMEM;
	r->levels[++r->depth] = (struct level){.node = node};
	return 0;
}

static int on_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_level(r, event, RN_JSON_ARRAY, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_level(r, event, RN_JSON_OBJECT, event->data.mapping_start.anchor,
				  event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(r, &event->start_mark, "aliases (*name) are not taken here; write the value out");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int parser_failed(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const yaml_mark_t *mark = p->error == YAML_READER_ERROR ? &p->mark : &p->problem_mark;

	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(r);
	return refuse(r, mark, p->problem ? p->problem : "this is not YAML");
}

static int read_all(struct reader *r)
{
	bool end = false;
	int code = 0;

	while (code == 0 && !end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&r->parser, &event))
			return parser_failed(r);
		end = event.type == YAML_STREAM_END_EVENT;
		code = ++r->events > RN_YAML_EVENTS_MAX ? refuse(r, &event.start_mark, "too many values in one text")
							: on_event(r, &event);
		yaml_event_delete(&event);
	}
	return code;
}

struct rn_json *rn_yaml_parse(const char *text, size_t size, struct rn_err *err)
{
	struct reader r = {.err = err};
	struct rn_json *root;
	int code;

	if (size > RN_YAML_SIZE_MAX) {
		rn_fail(err, -EINVAL, "line 1, column 1: the text is larger than %u bytes", RN_YAML_SIZE_MAX);
		return NULL;
	}
	root = rn_json_new(RN_JSON_ARRAY, NULL, 1, 1);
	if (!root || !yaml_parser_initialize(&r.parser)) {
		no_memory(&r);
		rn_json_free(root);
		return NULL;
	}
	r.levels[0].node = root;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
	code = read_all(&r);
	yaml_parser_delete(&r.parser);
	for (unsigned i = 0; i <= RN_YAML_DEPTH_MAX; i++)
		free(r.levels[i].key);
	if (code == 0)
		code = rn_json_check(root, err);
	if (code < 0) {
		rn_json_free(root);
		return NULL;
	}
	return root;
}
