// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.h"

#include <limits.h>
#include <string.h>

#define WORD_MAX 64u /* longer words are nobody's typo */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance with two rows. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned row[2][WORD_MAX + 1];

	for (size_t j = 0; j <= b_size; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *last = row[(i - 1) & 1], *now = row[i & 1];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++)
			now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
	}
	return row[a_size & 1][b_size];
}

struct rn_nearest rn_nearest(const char *word)
{
	return (struct rn_nearest){.word = word, .distance = UINT_MAX};
}

void rn_nearest_offer(struct rn_nearest *n, const char *name)
{
	size_t word_size = strlen(n->word), name_size = strlen(name);
	unsigned d;

	if (word_size > WORD_MAX || name_size > WORD_MAX)
		return;
	d = distance(n->word, word_size, name, name_size);
	if (d < n->distance) {
		n->distance = d;
		n->best = name;
	}
}

const char *rn_nearest_name(const struct rn_nearest *n)
{
	size_t third = (strlen(n->word) + 2) / 3;

	return n->best && n->distance <= (third < 3 ? third : 3) ? n->best : NULL;
}
