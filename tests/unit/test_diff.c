/* SPDX-License-Identifier: Apache-2.0 */
/* A diff's lines put together again are both texts; it is as short as it can be; its heads say the places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/diff.h"

struct told {
	char text[4096];
	size_t at;
};

static void tell(void *context, char kind, const char *line, size_t size)
{
	struct told *t = context;

	t->at += (size_t)snprintf(t->text + t->at, sizeof(t->text) - t->at, "%c%.*s\n", kind, (int)size, line);
}

static void expect(const char *before, const char *after, const char *wanted)
{
	struct told t = {.at = 0};
	struct rn_err err = {""};
	bool same;

	assert_int_equal(rn_diff(before, after, tell, &t, &same, &err), 0);
	assert_string_equal(t.text, wanted);
	assert_int_equal(same, !*wanted);
}

static void examples(void **state)
{
	(void)state;
	expect("", "", "");
	expect("a\nb\n", "a\nb\n", "");
	expect("a\nb", "a\nb\n", "");
	expect("", "a\n", "@@@ -0,0 +1,1 @@\n+a\n");
	expect("a\n", "", "@@@ -1,1 +0,0 @@\n-a\n");
	expect("a\nb\nc\n", "a\nx\nc\n", "@@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
	expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n9\n",
	       "@@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n");
	expect("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	       "@@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
	expect("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
	       "@@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
}

/* ---- against the texts themselves ---- */

#define LINES 40

struct rebuilt {
	char before[LINES * 4], after[LINES * 4];
	const char *const *texts;
	unsigned changes;
};

static void add(char out[LINES * 4], const char *text, size_t size)
{
	size_t at = strlen(out);

	assert_true(at + size < LINES * 4);
	memcpy(out + at, text, size);
	out[at + size] = 0;
}

static void rebuild(void *context, char kind, const char *line, size_t size)
{
	struct rebuilt *r = context;
	char text[8];

	if (kind == '@') {
		unsigned long from, count;

		/* What stands before this hunk and was not said is the same in both. */
		assert_int_equal(sscanf(line, "@@ -%lu,%lu", &from, &count), 2);
		while (strlen(r->before) / 2 + (count != 0) < from) {
			const char *at = r->texts[0] + strlen(r->before);

			add(r->before, at, 2);
			add(r->after, at, 2);
		}
		return;
	}
	snprintf(text, sizeof(text), "%.*s\n", (int)size, line);
	r->changes += kind != ' ';
	if (kind != '+')
		add(r->before, text, size + 1);
	if (kind != '-')
		add(r->after, text, size + 1);
}

/* The number of lines that must go or come, by the table of the longest common subsequence. */
static unsigned least(const char *a, unsigned m, const char *b, unsigned n)
{
	static unsigned table[LINES + 1][LINES + 1];

	for (unsigned i = 0; i <= m; i++)
		for (unsigned j = 0; j <= n; j++)
			table[i][j] = !i || !j				  ? 0
				      : a[2 * i - 2] == b[2 * j - 2]	  ? table[i - 1][j - 1] + 1
				      : table[i - 1][j] > table[i][j - 1] ? table[i - 1][j]
									  : table[i][j - 1];
	return m + n - 2 * table[m][n];
}

static void random_texts(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		char texts[2][LINES * 2 + 1];
		unsigned counts[2];
		struct rebuilt r = {.texts = (const char *const[]){texts[0], texts[1]}};
		struct rn_err err = {""};
		bool same;

		for (unsigned t = 0; t < 2; t++) {
			seed = seed * 1664525 + 1013904223;
			counts[t] = (seed >> 16) % (LINES + 1);
			for (unsigned i = 0; i < counts[t]; i++) {
				seed = seed * 1664525 + 1013904223;
				texts[t][2 * i] = (char)('a' + (seed >> 16) % (2 + round % 6));
				texts[t][2 * i + 1] = '\n';
			}
			texts[t][2 * counts[t]] = 0;
		}
		assert_int_equal(rn_diff(texts[0], texts[1], rebuild, &r, &same, &err), 0);
		assert_int_equal(r.changes, least(texts[0], counts[0], texts[1], counts[1]));
		/* The hunks are where they say: what follows the last is the same in both. */
		assert_int_equal(strncmp(r.before, texts[0], strlen(r.before)), 0);
		assert_int_equal(strncmp(r.after, texts[1], strlen(r.after)), 0);
		assert_string_equal(texts[0] + strlen(r.before), texts[1] + strlen(r.after));
		assert_int_equal(same, strcmp(texts[0], texts[1]) == 0);
	}
}

static void count(void *context, char kind, const char *line, size_t size)
{
	size_t *counts = context;

	(void)line;
	(void)size;
	counts[kind == '+' ? 0 : kind == '-' ? 1 : 2]++;
}

/* More differences than are looked for: one change, and no more time than that takes. */
static void wholly_different(void **state)
{
	size_t lines = 200000, counts[3] = {0};
	char *a = malloc(lines * 8 + 1), *b = malloc(lines * 8 + 1);
	struct rn_err err = {""};
	bool same;

	(void)state;
	assert_true(a && b);
	for (size_t i = 0; i < lines; i++) {
		snprintf(a + 8 * i, 9, "a%06zu\n", i);
		snprintf(b + 8 * i, 9, "b%06zu\n", i);
	}
	assert_int_equal(rn_diff(a, b, count, counts, &same, &err), 0);
	assert_int_equal(counts[0], lines);
	assert_int_equal(counts[1], lines);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples),
	    cmocka_unit_test(random_texts),
	    cmocka_unit_test(wholly_different),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
