/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_attempts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define SETS 256
#define WAYS 8

struct slot {
	uint64_t tag; /* 0: free */
	int64_t since_ms;
	unsigned failures;
};

struct rn_attempts {
	uint8_t key[RN_KEY_SIZE];
	/* Apart: sources cost their inventor nothing, and would push out the accounts, each of which costs a hash. */
	struct slot accounts[SETS][WAYS], sources[SETS][WAYS];
	int64_t second_ms;
	unsigned hashes;
};

struct rn_attempts *rn_attempts_new(void)
{
	struct rn_attempts *a = calloc(1, sizeof(*a));

	if (a) {
		rn_random(a->key, sizeof(a->key));
		a->second_ms = INT64_MIN / 2;
	}
	return a;
}

void rn_attempts_free(struct rn_attempts *a)
{
	if (a)
		rn_wipe(a, sizeof(*a));
	free(a);
}

/* Strangers choose what is hashed, so where it lands is not theirs to know. */
static uint64_t tag_of(const struct rn_attempts *a, char kind, const void *data, size_t size)
{
	uint8_t text[80] = {(uint8_t)kind}, hash[16];
	uint64_t tag;

	size = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
	memcpy(text + 1, data, size);
	rn_blake2b(a->key, sizeof(a->key), text, size + 1, hash, sizeof(hash));
	memcpy(&tag, hash, sizeof(tag));
	return tag ? tag : 1;
}

static uint64_t tag_of_account(const struct rn_attempts *a, const char *account)
{
	return tag_of(a, 'a', account, strlen(account));
}

static uint64_t tag_of_source(const struct rn_attempts *a, const struct rn_addr *source)
{
	return tag_of(a, 's', source, rn_addr_is_v4(source) ? 16 : 8);
}

static bool fresh(const struct slot *slot, int64_t now_ms)
{
	return slot->tag && now_ms - slot->since_ms < RN_ATTEMPTS_MS;
}

static int64_t wait_of(const struct slot (*table)[WAYS], uint64_t tag, int64_t now_ms)
{
	const struct slot *set = table[tag % SETS];

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].tag == tag && fresh(&set[i], now_ms) && set[i].failures >= RN_ATTEMPTS)
			return set[i].since_ms + RN_ATTEMPTS_MS - now_ms;
	return 0;
}

int64_t rn_attempts_wait(const struct rn_attempts *a, const char *account, const struct rn_addr *source, int64_t now_ms)
{
	int64_t by_account = account ? wait_of(a->accounts, tag_of_account(a, account), now_ms) : 0;
	int64_t by_source = wait_of(a->sources, tag_of_source(a, source), now_ms);

	return by_account > by_source ? by_account : by_source;
}

static void fail(struct slot (*table)[WAYS], uint64_t tag, int64_t now_ms)
{
	struct slot *set = table[tag % SETS], *to = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].tag == tag && fresh(&set[i], now_ms)) {
			set[i].failures++;
			return;
		}
		if (!fresh(&set[i], now_ms))
			to = &set[i];
		else if (fresh(to, now_ms) && set[i].since_ms < to->since_ms)
			to = &set[i];
	}
	*to = (struct slot){.tag = tag, .since_ms = now_ms, .failures = 1};
}

void rn_attempts_failed(struct rn_attempts *a, const char *account, const struct rn_addr *source, int64_t now_ms)
{
	if (account)
		fail(a->accounts, tag_of_account(a, account), now_ms);
	fail(a->sources, tag_of_source(a, source), now_ms);
}

void rn_attempts_forget(struct rn_attempts *a, const char *account)
{
	uint64_t tag = tag_of_account(a, account);
	struct slot *set = a->accounts[tag % SETS];

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].tag == tag)
			set[i] = (struct slot){0};
}

int64_t rn_attempts_hash(struct rn_attempts *a, int64_t now_ms)
{
	if (now_ms - a->second_ms >= 1000) {
		a->second_ms = now_ms;
		a->hashes = 0;
	}
	if (a->hashes >= RN_HASHES_A_SECOND)
		return a->second_ms + 1000 - now_ms;
	a->hashes++;
	return 0;
}
