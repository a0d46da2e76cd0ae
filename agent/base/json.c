// SPDX-License-Identifier: Apache-2.0
/*
 * A node is a cJSON item. Two of its fields hold something else than in cJSON, because cJSON keeps numbers as doubles
 * and forgets positions: every number is a cJSON_Raw whose valuestring is the number's exact text, and valueint and
 * valuedouble of a parsed item are its line and column.
 */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/crypto.h"
#include "base/json_scan.h"
#include "base/nearest.h"

static const cJSON *item(const struct rn_json *node)
{
	return (const cJSON *)node;
}

static struct rn_json *node(cJSON *i)
{
	return (struct rn_json *)i;
}

/* Goes forward only: offsets must not fall from one call to the next. Columns count characters. */
struct place {
	const char *text;
	size_t at;
	unsigned line, column;
};

static void place_move(struct place *p, size_t to)
{
	for (; p->at < to; p->at++) {
		if (p->text[p->at] == '\n') {
			p->line++;
			p->column = 1;
		} else if ((p->text[p->at] & 0xc0) != 0x80) {
			p->column++;
		}
	}
}

struct annotate {
	const struct rn_json_scan *scan;
	struct place place;
	size_t next; /* mark of the next item */
};

/* cJSON's tree in document order is the order of the marks. */
static int annotate(struct annotate *a, cJSON *i)
{
	const struct rn_json_mark *mark = &a->scan->marks[a->next++];

	place_move(&a->place, mark->where);
	i->valueint = (int)a->place.line;
	i->valuedouble = a->place.column;
	if (cJSON_IsNumber(i)) {
		i->valuestring = cJSON_malloc(mark->size + 1);
		if (!i->valuestring)
			return -ENOMEM;
		memcpy(i->valuestring, a->scan->text + mark->start, mark->size);
		i->valuestring[mark->size] = '\0';
		i->type = cJSON_Raw;
	}
	for (cJSON *child = i->child; child; child = child->next)
		if (annotate(a, child) < 0)
			return -ENOMEM;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const cJSON *const *x = a, *const *y = b;
	int order = strcmp((*x)->string, (*y)->string);

	if (order)
		return order;
	if ((*x)->valueint != (*y)->valueint)
		return (*x)->valueint < (*y)->valueint ? -1 : 1;
	return (*x)->valuedouble < (*y)->valuedouble ? -1 : 1;
}

static int check_duplicates(const cJSON *object, struct rn_err *err)
{
	int code = 0;
	size_t count = 0, at = 0;
	const cJSON **sorted;

	for (const cJSON *i = object->child; i; i = i->next)
		count++;
	sorted = count > 1 ? malloc(count * sizeof(const cJSON *)) : NULL;
	if (count > 1 && !sorted)
		return rn_fail(err, -ENOMEM, "out of memory");
	for (const cJSON *i = object->child; sorted && i; i = i->next)
		sorted[at++] = i;
	if (sorted)
		qsort(sorted, count, sizeof(const cJSON *), by_key);
	for (size_t i = 1; i < count && code == 0; i++)
		if (strcmp(sorted[i - 1]->string, sorted[i]->string) == 0)
			code = rn_json_fail((const struct rn_json *)sorted[i], err,
					    "the key \"%.64s\" stands twice in one object", sorted[i]->string);
	free(sorted);
	return code;
}

static int check_tree(const cJSON *i, struct rn_err *err)
{
	int code = cJSON_IsObject(i) ? check_duplicates(i, err) : 0;

	for (const cJSON *child = i->child; child && code == 0; child = child->next)
		code = check_tree(child, err);
	return code;
}

static void say_scan(const struct rn_json_scan *s, int code, struct rn_err *err)
{
	struct place p = {.text = s->text, .line = 1, .column = 1};

	if (!s->problem) {
		rn_fail(err, code, "out of memory");
		return;
	}
	place_move(&p, s->problem_at);
	rn_fail(err, code, "line %u, column %u: %s", p.line, p.column, s->problem);
}

static cJSON *build_tree(const struct rn_json_scan *s, struct rn_err *err)
{
	struct annotate a = {.scan = s, .place = {.text = s->text, .line = 1, .column = 1}};
	cJSON *root = cJSON_ParseWithLengthOpts(s->text, s->size + 1, NULL, 1);

	if (!root || annotate(&a, root) < 0) {
		rn_fail(err, -ENOMEM, "out of memory");
		goto fail;
	}
	if (check_tree(root, err) < 0)
		goto fail;
	return root;
fail:
	cJSON_Delete(root);
	return NULL;
}

struct rn_json *rn_json_parse(const char *text, size_t size, unsigned flags, struct rn_err *err)
{
	const size_t max = flags & RN_JSON_LARGE ? RN_JSON_LARGE_MAX : RN_JSON_SIZE_MAX;
	struct rn_json_scan scan = {.size = size, .flags = flags};
	cJSON *root = NULL;
	int code;

	if (size > max) {
		rn_fail(err, -EINVAL, "line 1, column 1: the text is larger than %zu bytes", max);
		return NULL;
	}
	scan.text = malloc(size + 1);
	if (!scan.text) {
		rn_fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	if (size)
		memcpy(scan.text, text, size);
	scan.text[size] = '\0';
	code = rn_json_scan(&scan);
	if (code < 0)
		say_scan(&scan, code, err);
	else
		root = build_tree(&scan, err);
	free(scan.marks);
	rn_wipe(scan.text, size);
	free(scan.text);
	return node(root);
}

/* Documents carry passwords and tokens: nothing here knows which text is one. */
static void wipe_texts(cJSON *i)
{
	for (; i; i = i->next) {
		if (i->valuestring)
			rn_wipe(i->valuestring, strlen(i->valuestring));
		wipe_texts(i->child);
	}
}

void rn_json_free(struct rn_json *root)
{
	wipe_texts((cJSON *)root);
	cJSON_Delete((cJSON *)root);
}

void rn_json_where(const struct rn_json *n, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = (unsigned)item(n)->valueint;
	*ret_column = (unsigned)item(n)->valuedouble;
}

int rn_json_fail(const struct rn_json *n, struct rn_err *err, const char *format, ...)
{
	char sentence[sizeof(err->text)];
	unsigned line, column;
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	rn_json_where(n, &line, &column);
	return rn_fail(err, -EINVAL, "line %u, column %u: %s", line, column, sentence);
}

enum rn_json_type rn_json_type(const struct rn_json *n)
{
	switch (item(n)->type & 0xff) {
	case cJSON_True:
	case cJSON_False:
		return RN_JSON_BOOL;
	case cJSON_Raw:
		return RN_JSON_NUMBER;
	case cJSON_String:
		return RN_JSON_STRING;
	case cJSON_Array:
		return RN_JSON_ARRAY;
	case cJSON_Object:
		return RN_JSON_OBJECT;
	default:
		return RN_JSON_NULL;
	}
}

const char *rn_json_key(const struct rn_json *n)
{
	return item(n)->string;
}

const struct rn_json *rn_json_get(const struct rn_json *object, const char *key)
{
	return node(cJSON_GetObjectItemCaseSensitive(item(object), key));
}

const struct rn_json *rn_json_first(const struct rn_json *container)
{
	return node(item(container)->child);
}

const struct rn_json *rn_json_next(const struct rn_json *n)
{
	return node(item(n)->next);
}

size_t rn_json_count(const struct rn_json *container)
{
	return (size_t)cJSON_GetArraySize(item(container));
}

const char *rn_json_text(const struct rn_json *string)
{
	return item(string)->valuestring;
}

bool rn_json_true(const struct rn_json *boolean)
{
	return cJSON_IsTrue(item(boolean));
}

int rn_json_get_text(const struct rn_json *object, const char *key, const char **ret, struct rn_err *err)
{
	const struct rn_json *n = rn_json_get(object, key);

	if (!n)
		return -ENOENT;
	if (rn_json_type(n) != RN_JSON_STRING)
		return rn_json_fail(n, err, "\"%s\" must be text in double quotes", key);
	*ret = rn_json_text(n);
	return 0;
}

int rn_json_get_int(const struct rn_json *object, const char *key, int64_t min, int64_t max, int64_t *ret,
		    struct rn_err *err)
{
	const struct rn_json *n = rn_json_get(object, key);
	int64_t value;

	if (!n)
		return -ENOENT;
	if (rn_json_type(n) != RN_JSON_NUMBER || strpbrk(rn_json_text(n), ".eE"))
		return rn_json_fail(n, err, "\"%s\" must be a whole number from %" PRId64 " to %" PRId64, key, min,
				    max);
	errno = 0;
	value = strtoll(rn_json_text(n), NULL, 10);
	if (errno || value < min || value > max)
		return rn_json_fail(n, err, "\"%s\" is %.32s, but must be from %" PRId64 " to %" PRId64, key,
				    rn_json_text(n), min, max);
	*ret = value;
	return 0;
}

int rn_json_get_bool(const struct rn_json *object, const char *key, bool *ret, struct rn_err *err)
{
	const struct rn_json *n = rn_json_get(object, key);

	if (!n)
		return -ENOENT;
	if (rn_json_type(n) != RN_JSON_BOOL)
		return rn_json_fail(n, err, "\"%s\" must be true or false", key);
	*ret = rn_json_true(n);
	return 0;
}

static bool known(const char *key, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(key, *names) == 0)
			return true;
	return false;
}

static int fail_unknown(const struct rn_json *n, const char *const *names, struct rn_err *err)
{
	struct rn_nearest nearest = rn_nearest(rn_json_key(n));
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; names[i]; i++)
		rn_nearest_offer(&nearest, names[i]);
	if (rn_nearest_name(&nearest))
		return rn_json_fail(n, err, "unknown key \"%.64s\"; did you mean \"%s\"?", rn_json_key(n),
				    rn_nearest_name(&nearest));
	for (size_t i = 0; names[i] && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
	return rn_json_fail(n, err, "unknown key \"%.64s\"; known here: %s", rn_json_key(n), list);
}

int rn_json_only(const struct rn_json *object, const char *const *names, struct rn_err *err)
{
	for (const struct rn_json *n = rn_json_first(object); n; n = rn_json_next(n))
		if (!known(rn_json_key(n), names))
			return fail_unknown(n, names, err);
	return 0;
}

struct rn_json *rn_json_object(void)
{
	return node(cJSON_CreateObject());
}

struct rn_json *rn_json_array(void)
{
	return node(cJSON_CreateArray());
}

/* A parent that missed an element must not print as if it were whole: it becomes invalid, which cJSON refuses. */
static void spoil(struct rn_json *parent)
{
	if (parent)
		((cJSON *)parent)->type = cJSON_Invalid;
}

void rn_json_add(struct rn_json *object, const char *key, struct rn_json *value)
{
	if (object && value && cJSON_AddItemToObject((cJSON *)object, key, (cJSON *)value))
		return;
	rn_json_free(value);
	spoil(object);
}

void rn_json_append(struct rn_json *array, struct rn_json *value)
{
	if (array && value && cJSON_AddItemToArray((cJSON *)array, (cJSON *)value))
		return;
	rn_json_free(value);
	spoil(array);
}

void rn_json_add_text(struct rn_json *object, const char *key, const char *value)
{
	rn_json_add(object, key, node(value ? cJSON_CreateString(value) : cJSON_CreateNull()));
}

void rn_json_add_int(struct rn_json *object, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	rn_json_add(object, key, node(cJSON_CreateRaw(text)));
}

void rn_json_add_u64(struct rn_json *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	rn_json_add(object, key, node(cJSON_CreateRaw(text)));
}

void rn_json_add_bool(struct rn_json *object, const char *key, bool value)
{
	rn_json_add(object, key, node(cJSON_CreateBool(value)));
}

void rn_json_append_text(struct rn_json *array, const char *value)
{
	rn_json_append(array, node(cJSON_CreateString(value)));
}

static cJSON *new_item(enum rn_json_type type, const char *text)
{
	switch (type) {
	case RN_JSON_BOOL:
		return cJSON_CreateBool(strcmp(text, "true") == 0);
	case RN_JSON_NUMBER:
		return cJSON_CreateRaw(text);
	case RN_JSON_STRING:
		return cJSON_CreateString(text);
	case RN_JSON_ARRAY:
		return cJSON_CreateArray();
	case RN_JSON_OBJECT:
		return cJSON_CreateObject();
	case RN_JSON_NULL:
		break;
	}
	return cJSON_CreateNull();
}

struct rn_json *rn_json_new(enum rn_json_type type, const char *text, unsigned line, unsigned column)
{
	cJSON *i = new_item(type, text);

	if (i) {
		i->valueint = (int)line;
		i->valuedouble = column;
	}
	return node(i);
}

int rn_json_check(const struct rn_json *root, struct rn_err *err)
{
	return check_tree(item(root), err);
}

char *rn_json_print(const struct rn_json *root, bool indented)
{
	if (!root)
		return NULL;
	return indented ? cJSON_Print(item(root)) : cJSON_PrintUnformatted(item(root));
}
