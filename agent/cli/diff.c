/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * E. W. Myers, An O(ND) Difference Algorithm: forwards, each round's furthest ends kept, so that the way back from the
 * end says which lines went and which came.
 */
#define CONTEXT 3

struct line {
	const char *text;
	size_t size;
};

struct side {
	struct line *lines;
	size_t count;
	bool *changed; /* by line: it went (before), it came (after) */
};

struct diff {
	struct side before, after;
	size_t head;	 /* lines that both begin with; what is compared comes after them, */
	size_t from, to; /* so many of each */
	int32_t **rounds;
};

/* ---- lines ---- */

static int split(const char *text, struct side *ret)
{
	size_t count = 0;

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		count++;
	ret->lines = calloc(count + 1, sizeof(*ret->lines));
	ret->changed = calloc(count + 1, sizeof(*ret->changed));
	if (!ret->lines || !ret->changed)
		return -ENOMEM;
	for (const char *at = text; *at; at += *at == '\n') {
		size_t size = strcspn(at, "\n");

		ret->lines[ret->count++] = (struct line){at, size};
		at += size;
	}
	return 0;
}

static bool same(const struct diff *d, size_t i, size_t j)
{
	const struct line *a = &d->before.lines[i], *b = &d->after.lines[j];

	return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static void trim(struct diff *d)
{
	size_t a = d->before.count, b = d->after.count;

	while (d->head < a && d->head < b && same(d, d->head, d->head))
		d->head++;
	while (a > d->head && b > d->head && same(d, a - 1, b - 1)) {
		a--;
		b--;
	}
	d->from = a - d->head;
	d->to = b - d->head;
}

/* ---- which changed ---- */

/*
 * How many lines of `before` are behind where round n comes to diagonal k (those minus the lines of `after`): by a line
 * that came or, one further, by one that went. -1: it does not come there.
 */
static int32_t enter(const struct diff *d, int32_t n, int32_t k, bool *ret_came)
{
	const int32_t *last = d->rounds[n - 1] + n - 1;
	int32_t came = k < n ? last[k + 1] : -1, went = k > -n && last[k - 1] >= 0 ? last[k - 1] + 1 : -1;

	if (came - k > (int64_t)d->to)
		came = -1;
	if (went > (int64_t)d->from)
		went = -1;
	*ret_came = came >= went;
	return *ret_came ? came : went;
}

/* True: the end is reached. */
static bool play(struct diff *d, int32_t n, int32_t *round)
{
	for (int32_t k = -n; k <= n; k += 2) {
		bool came;
		int32_t x = n ? enter(d, n, k, &came) : 0;

		while (x >= 0 && x < (int64_t)d->from && x - k < (int64_t)d->to &&
		       same(d, d->head + (size_t)x, d->head + (size_t)(x - k)))
			x++;
		round[n + k] = x;
		if (x == (int64_t)d->from && x - k == (int64_t)d->to)
			return true;
	}
	return false;
}

static void walk_back(struct diff *d, int32_t n)
{
	int32_t x = (int32_t)d->from, y = (int32_t)d->to;

	for (; n > 0; n--) {
		int32_t k = x - y;
		bool came;

		x = enter(d, n, k, &came);
		y = x - k;
		if (came)
			d->after.changed[d->head + (size_t)--y] = true;
		else
			d->before.changed[d->head + (size_t)--x] = true;
	}
}

static int compare(struct diff *d)
{
	d->rounds = calloc(RN_DIFF_CHANGES_MAX, sizeof(*d->rounds));
	if (!d->rounds)
		return -ENOMEM;
	for (int32_t n = 0; n < (int32_t)RN_DIFF_CHANGES_MAX; n++) {
		d->rounds[n] = calloc(2 * (size_t)n + 1, sizeof(**d->rounds));
		if (!d->rounds[n])
			return -ENOMEM;
		if (play(d, n, d->rounds[n])) {
			walk_back(d, n);
			return 0;
		}
	}
	memset(d->before.changed + d->head, true, d->from);
	memset(d->after.changed + d->head, true, d->to);
	return 0;
}

/* ---- saying it ---- */

struct place {
	size_t before, after;
};

/* The end of the changes that begin here: where both go on alike. */
static struct place changes_end(const struct diff *d, struct place at)
{
	while (at.before < d->before.count && d->before.changed[at.before])
		at.before++;
	while (at.after < d->after.count && d->after.changed[at.after])
		at.after++;
	return at;
}

/* How many lines are alike from here, at most max. */
static size_t alike(const struct diff *d, struct place at, size_t max)
{
	size_t count = 0;

	while (count < max && at.before + count < d->before.count && !d->before.changed[at.before + count] &&
	       at.after + count < d->after.count && !d->after.changed[at.after + count])
		count++;
	return count;
}

static bool at_end(const struct diff *d, struct place at)
{
	return at.before == d->before.count && at.after == d->after.count;
}

/* Changes that are at most twice the context apart are one hunk. */
static struct place hunk_end(const struct diff *d, struct place at)
{
	for (;;) {
		size_t between;

		at = changes_end(d, at);
		between = alike(d, at, 2 * CONTEXT + 1);
		if (between > 2 * CONTEXT || at_end(d, (struct place){at.before + between, at.after + between})) {
			between = between < CONTEXT ? between : CONTEXT;
			return (struct place){at.before + between, at.after + between};
		}
		at.before += between;
		at.after += between;
	}
}

static void say_hunk(const struct diff *d, struct place at, struct place end, rn_diff_line *each, void *context)
{
	size_t before = end.before - at.before, after = end.after - at.after;
	char head[96];

	snprintf(head, sizeof(head), "@@ -%zu,%zu +%zu,%zu @@", at.before + (before != 0), before,
		 at.after + (after != 0), after);
	each(context, '@', head, strlen(head));
	while (at.before < end.before || at.after < end.after) {
		const struct line *line = &d->before.lines[at.before];

		if (at.before < end.before && d->before.changed[at.before]) {
			each(context, '-', line->text, line->size);
			at.before++;
		} else if (at.after < end.after && d->after.changed[at.after]) {
			line = &d->after.lines[at.after++];
			each(context, '+', line->text, line->size);
		} else {
			each(context, ' ', line->text, line->size);
			at.before++;
			at.after++;
		}
	}
}

static void say(const struct diff *d, rn_diff_line *each, void *context, bool *ret_same)
{
	struct place at = {0, 0};

	*ret_same = true;
	while (!at_end(d, at)) {
		size_t lead = alike(d, at, SIZE_MAX), back = lead < CONTEXT ? lead : CONTEXT;
		struct place end;

		at.before += lead;
		at.after += lead;
		if (at_end(d, at))
			return;
		end = hunk_end(d, at);
		say_hunk(d, (struct place){at.before - back, at.after - back}, end, each, context);
		*ret_same = false;
		at = end;
	}
}

static void diff_done(struct diff *d)
{
	for (unsigned n = 0; d->rounds && n < RN_DIFF_CHANGES_MAX; n++)
		free(d->rounds[n]);
	free(d->rounds);
	free(d->before.lines);
	free(d->before.changed);
	free(d->after.lines);
	free(d->after.changed);
}

int rn_diff(const char *before, const char *after, rn_diff_line *each, void *context, bool *ret_same,
	    struct rn_err *err)
{
	struct diff d = {.head = 0};
	int rc = split(before, &d.before);

	if (!rc)
		rc = split(after, &d.after);
	if (!rc && (d.before.count > INT32_MAX / 4 || d.after.count > INT32_MAX / 4))
		rc = -ENOMEM;
	if (!rc) {
		trim(&d);
		rc = compare(&d);
	}
	if (!rc)
		say(&d, each, context, ret_same);
	diff_done(&d);
	return rc ? rn_fail(err, rc, "out of memory") : 0;
}
