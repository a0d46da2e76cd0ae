/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/source_limit.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "proto/wire.h"

#define WAYS 4	   /* places where a source may be; the one seen longest ago makes room */
#define TOKEN 1000 /* a handshake costs this; RN_SOURCE_RATE come back each millisecond */

struct bucket {
	uint64_t source; /* 0: free */
	int64_t seen_ms;
	int64_t tokens;
};

struct rn_source_limit {
	uint8_t key[RN_KEY_SIZE];
	struct bucket buckets[RN_SOURCES];
};

struct rn_source_limit *rn_source_limit_new(void (*random)(void *, size_t))
{
	struct rn_source_limit *l = calloc(1, sizeof(*l));

	if (l)
		random(l->key, sizeof(l->key));
	return l;
}

void rn_source_limit_free(struct rn_source_limit *l)
{
	free(l);
}

static uint64_t mark_of(const struct rn_source_limit *l, const struct rn_addr *source)
{
	uint8_t hash[16];
	uint64_t mark;

	rn_blake2b(l->key, sizeof(l->key), source->b, rn_addr_is_v4(source) ? 16 : 8, hash, sizeof(hash));
	memcpy(&mark, hash, sizeof(mark));
	return mark ? mark : 1;
}

static struct bucket *bucket_of(struct rn_source_limit *l, int64_t now_ms, uint64_t mark)
{
	struct bucket *set = &l->buckets[mark % (RN_SOURCES / WAYS) * WAYS], *oldest = set;
	int i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].source == mark)
			return &set[i];
		if (!set[i].source || (oldest->source && set[i].seen_ms < oldest->seen_ms))
			oldest = &set[i];
	}
	*oldest = (struct bucket){ mark, now_ms, RN_SOURCE_BURST * TOKEN };
	return oldest;
}

bool rn_source_allowed(struct rn_source_limit *l, int64_t now_ms, const struct rn_addr *source)
{
	struct bucket *b = bucket_of(l, now_ms, mark_of(l, source));
	int64_t passed = now_ms - b->seen_ms;

	if (passed > RN_SOURCE_BURST * TOKEN / RN_SOURCE_RATE)
		b->tokens = RN_SOURCE_BURST * TOKEN;
	else if (passed > 0)
		b->tokens += passed * RN_SOURCE_RATE;
	if (b->tokens > RN_SOURCE_BURST * TOKEN)
		b->tokens = RN_SOURCE_BURST * TOKEN;
	b->seen_ms = now_ms;
	if (b->tokens < TOKEN)
		return false;
	b->tokens -= TOKEN;
	return true;
}
