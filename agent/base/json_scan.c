// SPDX-License-Identifier: Apache-2.0
#include "base/json_scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static int scan_value(struct rn_json_scan *s, size_t where);

static int refuse(struct rn_json_scan *s, size_t at, const char *problem)
{
	s->problem = problem;
	s->problem_at = at;
	return -EINVAL;
}

/* -1 at the end of the text. */
static int peek(const struct rn_json_scan *s)
{
	return s->at < s->size ? (unsigned char)s->text[s->at] : -1;
}

static bool take(struct rn_json_scan *s, char c)
{
	if (peek(s) != (unsigned char)c)
		return false;
	s->at++;
	return true;
}

static bool digit(int c)
{
	return c >= '0' && c <= '9';
}

static void blank(struct rn_json_scan *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (s->text[i] != '\n')
			s->text[i] = ' ';
}

/* At a '/': blanks the comment, or refuses it. */
static int scan_comment(struct rn_json_scan *s)
{
	size_t from = s->at;

	if (!(s->flags & RN_JSON_COMMENTS))
		return refuse(s, from, "comments are not allowed here");
	if (s->size - from >= 2 && s->text[from + 1] == '/') {
		while (s->at < s->size && s->text[s->at] != '\n')
			s->at++;
	} else if (s->size - from >= 2 && s->text[from + 1] == '*') {
		const char *end = memmem(s->text + from + 2, s->size - from - 2, "*/", 2);

		if (!end)
			return refuse(s, from, "this comment is never closed with */");
		s->at = (size_t)(end - s->text) + 2;
	} else {
		return refuse(s, from, "a stray /; comments begin with // or /*");
	}
	blank(s, from, s->at);
	return 0;
}

static int scan_space(struct rn_json_scan *s)
{
	int code = 0;

	while (code == 0) {
		int c = peek(s);

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			s->at++;
		else if (c == '/')
			code = scan_comment(s);
		else
			break;
	}
	return code;
}

/* Four hexadecimal digits at s->at, or -1. */
static int scan_hex4(struct rn_json_scan *s)
{
	int v = 0;

	for (int i = 0; i < 4; i++, s->at++) {
		int c = peek(s);

		if (digit(c))
			v = v * 16 + c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return v;
}

/* After "\u". Strings are C strings in memory, so U+0000 has no place in them. */
static int scan_unicode(struct rn_json_scan *s, size_t at)
{
	int v = scan_hex4(s);

	if (v < 0)
		return refuse(s, at, "\\u needs four hexadecimal digits");
	if (v == 0)
		return refuse(s, at, "\\u0000 is not allowed in a string");
	if (v < 0xd800 || v > 0xdfff)
		return 0;
	if (v < 0xdc00 && take(s, '\\') && take(s, 'u')) {
		v = scan_hex4(s);
		if (v >= 0xdc00 && v <= 0xdfff)
			return 0;
	}
	return refuse(s, at, "half of a surrogate pair");
}

static int scan_escape(struct rn_json_scan *s)
{
	size_t at = s->at++;
	int c = peek(s);

	if (c < 0 || !strchr("\"\\/bfnrtu", c) || c == 0)
		return refuse(s, at, "unknown escape in a string");
	s->at++;
	return c == 'u' ? scan_unicode(s, at) : 0;
}

/* One character of UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF. */
static int scan_utf8(struct rn_json_scan *s)
{
	const unsigned char *p = (const unsigned char *)s->text + s->at;
	size_t left = s->size - s->at, size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	bool good = p[0] >= 0xc2 && p[0] <= 0xf4 && left >= size;

	for (size_t i = 1; good && i < size; i++)
		good = (p[i] & 0xc0) == 0x80;
	if (good && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
		     (p[0] == 0xf4 && p[1] > 0x8f)))
		good = false;
	if (!good)
		return refuse(s, s->at, "this is not UTF-8");
	s->at += size;
	return 0;
}

/* At the opening quote. */
static int scan_string(struct rn_json_scan *s)
{
	size_t from = s->at++;
	int code = 0;

	while (code == 0) {
		int c = peek(s);

		if (c < 0)
			return refuse(s, from, "this string is never closed");
		if (c == '"')
			break;
		if (c < 0x20 || c == 0x7f)
			return refuse(s, s->at, "a control character in a string (is a quote missing?)");
		if (c == '\\')
			code = scan_escape(s);
		else if (c >= 0x80)
			code = scan_utf8(s);
		else
			s->at++;
	}
	s->at += code == 0;
	return code;
}

static bool scan_digits(struct rn_json_scan *s)
{
	size_t from = s->at;

	while (digit(peek(s)))
		s->at++;
	return s->at > from;
}

static int scan_number(struct rn_json_scan *s)
{
	size_t from = s->at;
	bool good;

	take(s, '-');
	good = take(s, '0') ? !digit(peek(s)) : scan_digits(s);
	if (good && take(s, '.'))
		good = scan_digits(s);
	if (good && (peek(s) == 'e' || peek(s) == 'E')) {
		s->at++;
		if (!take(s, '+'))
			take(s, '-');
		good = scan_digits(s);
	}
	if (s->at - from > 32)
		return refuse(s, from, "a number of more than 32 characters");
	return good ? 0 : refuse(s, from, "this is not a number");
}

static int scan_word(struct rn_json_scan *s)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < 3; i++) {
		size_t size = strlen(words[i]);

		if (s->size - s->at >= size && memcmp(s->text + s->at, words[i], size) == 0) {
			s->at += size;
			return 0;
		}
	}
	if (s->at == s->size)
		return refuse(s, s->at, "the text ends where a value is expected");
	return refuse(s, s->at, "a value is expected here");
}

/*
 * After an element: 1 where another follows, 0 where the closing bracket was taken. A trailing comma is blanked, since
 * cJSON knows none.
 */
static int scan_more(struct rn_json_scan *s, char close)
{
	size_t comma;
	int code = scan_space(s);

	if (code < 0)
		return code;
	if (take(s, close))
		return 0;
	comma = s->at;
	if (!take(s, ','))
		return refuse(s, s->at,
			      s->at == s->size ? "the text ends inside an array or object"
			      : close == '}'   ? "a comma or } is expected here"
					       : "a comma or ] is expected here");
	code = scan_space(s);
	if (code < 0)
		return code;
	if (peek(s) != (unsigned char)close)
		return 1;
	if (!(s->flags & RN_JSON_COMMENTS))
		return refuse(s, comma, "a comma after the last element");
	blank(s, comma, comma + 1);
	s->at++;
	return 0;
}

static int scan_member(struct rn_json_scan *s)
{
	size_t key = s->at;
	int code;

	if (peek(s) != '"')
		return refuse(s, s->at,
			      s->at == s->size ? "the text ends inside an object"
					       : "a key in double quotes is expected here");
	code = scan_string(s);
	if (code == 0)
		code = scan_space(s);
	if (code == 0 && !take(s, ':'))
		code = refuse(s, s->at, "a colon is expected after the key");
	if (code == 0)
		code = scan_space(s);
	return code < 0 ? code : scan_value(s, key);
}

static int scan_container(struct rn_json_scan *s, char close)
{
	size_t from = s->at++;
	int code;

	if (++s->depth > RN_JSON_DEPTH_MAX)
		return refuse(s, from, "arrays and objects are nested too deeply");
	code = scan_space(s);
	if (code == 0 && !take(s, close)) {
		do {
			code = close == '}' ? scan_member(s) : scan_value(s, s->at);
			if (code == 0)
				code = scan_more(s, close);
		} while (code > 0);
	}
	s->depth--;
	return code;
}

static int add_mark(struct rn_json_scan *s, size_t where)
{
	if (s->count == (s->flags & RN_JSON_LARGE ? RN_JSON_LARGE_NODES_MAX : RN_JSON_NODES_MAX))
		return refuse(s, s->at, "too many values in one text");
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct rn_json_mark *grown = realloc(s->marks, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->marks = grown;
		s->room = room;
	}
	s->marks[s->count++] = (struct rn_json_mark){.where = (uint32_t)where, .start = (uint32_t)s->at};
	return 0;
}

static int scan_value(struct rn_json_scan *s, size_t where)
{
	size_t mark = s->count;
	int code = add_mark(s, where), c = peek(s);

	if (code < 0)
		return code;
	if (c == '{' || c == '[')
		return scan_container(s, c == '{' ? '}' : ']');
	if (c == '"')
		code = scan_string(s);
	else if (c == '-' || digit(c))
		code = scan_number(s);
	else
		code = scan_word(s);
	s->marks[mark].size = (uint32_t)s->at - s->marks[mark].start;
	return code;
}

int rn_json_scan(struct rn_json_scan *s)
{
	int code = scan_space(s);

	if (code == 0)
		code = scan_value(s, s->at);
	if (code == 0)
		code = scan_space(s);
	if (code == 0 && s->at < s->size)
		code = refuse(s, s->at, "text after the end of the document");
	return code;
}
