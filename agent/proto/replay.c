/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/replay.h"

#include <string.h>

#define WORDS (RN_REPLAY_WINDOW / 64)

/* One word less than the bitmap is promised, so that a whole word can be cleared at a time. */
#define REACH (RN_REPLAY_WINDOW - 64)

static void advance(struct rn_replay *r, uint64_t counter)
{
	uint64_t old = r->next ? (r->next - 1) / 64 : 0, new = counter / 64, i;

	if (new - old >= WORDS)
		memset(r->bitmap, 0, sizeof(r->bitmap));
	else
		for (i = old + 1; i <= new; i++)
			r->bitmap[i % WORDS] = 0;
	r->next = counter + 1;
}

bool rn_replay_accept(struct rn_replay *r, uint64_t counter)
{
	uint64_t *word = &r->bitmap[counter / 64 % WORDS], bit = 1ull << counter % 64;

	if (counter >= RN_COUNTER_MAX)
		return false;
	if (counter >= r->next)
		advance(r, counter);
	else if (r->next - counter > REACH || (*word & bit))
		return false;
	*word |= bit;
	return true;
}
