// SPDX-License-Identifier: Apache-2.0
#include "domain/policy_cursor.h"

#include <string.h>

struct rn_cursor rn_cursor(const char *text, size_t size)
{
	return (struct rn_cursor){.text = text, .size = size, .line = 1};
}

unsigned rn_cursor_column(const struct rn_cursor *c)
{
	return c->column + (unsigned)(c->at - c->counted) + 1;
}

static void end_line(struct rn_cursor *c)
{
	c->at++;
	c->line++;
	c->column = 0;
	c->counted = c->at;
}

/* At its slash. rn_json_parse blanks comments, so that each byte of one is a column. */
static bool skip_comment(struct rn_cursor *c)
{
	const char *from = c->text + c->at, *end;
	size_t left = c->size - c->at;

	if (left >= 2 && from[1] == '/') {
		end = memchr(from, '\n', left);
		c->at = end ? (size_t)(end - c->text) : c->size;
		return true;
	}
	end = left >= 4 && from[1] == '*' ? memmem(from + 2, left - 2, "*/", 2) : NULL;
	if (!end)
		return false;
	while (c->text + c->at < end)
		if (c->text[c->at] == '\n')
			end_line(c);
		else
			c->at++;
	c->at += 2;
	return true;
}

bool rn_cursor_space(struct rn_cursor *c)
{
	while (c->at < c->size) {
		switch (c->text[c->at]) {
		case ' ':
		case '\t':
		case '\r':
			c->at++;
			break;
		case '\n':
			end_line(c);
			break;
		case '/':
			if (!skip_comment(c))
				return false;
			break;
		default:
			return true;
		}
	}
	return true;
}

bool rn_cursor_take(struct rn_cursor *c, char what)
{
	if (c->at == c->size || c->text[c->at] != what)
		return false;
	c->at++;
	return true;
}

/* At its quote. A character of several bytes is one column. */
static bool skip_string(struct rn_cursor *c)
{
	for (c->at++; c->at < c->size; c->at++) {
		char byte = c->text[c->at];

		if (byte == '"') {
			c->at++;
			return true;
		}
		if (byte == '\\' && ++c->at == c->size)
			return false;
		if (((unsigned char)byte & 0xc0) == 0x80)
			c->counted++;
	}
	return false;
}

bool rn_cursor_value(struct rn_cursor *c)
{
	size_t depth = 0;
	bool good = true;

	while (good && c->at < c->size) {
		switch (c->text[c->at]) {
		case '"':
			good = skip_string(c);
			if (depth == 0)
				return good;
			break;
		case '{':
		case '[':
			depth++;
			c->at++;
			break;
		case '}':
		case ']':
			c->at++;
			if (depth <= 1)
				return depth == 1;
			depth--;
			break;
		case '/':
			good = skip_comment(c);
			break;
		case '\n':
			end_line(c);
			break;
		default:
			if (depth == 0)
				return false;
			c->at++;
		}
	}
	return false;
}

void rn_cursor_pass(struct rn_cursor *c, const struct rn_rule_extent *extent)
{
	c->column = extent->tail + (extent->lines ? 0 : c->column + (unsigned)(c->at - c->counted));
	c->line += extent->lines;
	c->at += extent->size;
	c->counted = c->at;
}

struct rn_rule_extent rn_cursor_since(const struct rn_cursor *from, const struct rn_cursor *to)
{
	struct rn_rule_extent ret = {.size = (uint32_t)(to->at - from->at), .lines = to->line - from->line};

	ret.tail = rn_cursor_column(to) - 1;
	if (!ret.lines)
		ret.tail -= rn_cursor_column(from) - 1;
	return ret;
}
