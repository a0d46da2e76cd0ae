/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cookie.h"

#include <stdlib.h>
#include <string.h>

#define GENERATIONS 2 /* now, and the one before */

/* An open-addressed set, at most half full; 0 is an empty place. */
struct generation {
	uint8_t secret[RN_KEY_SIZE];
	uint64_t *spent;
	uint32_t count;
};

struct rn_cookie_jar {
	void (*random)(void *, size_t);
	struct generation generations[GENERATIONS];
	uint8_t set_key[RN_KEY_SIZE];
	int64_t rotated_ms;
	uint32_t places; /* of a set: a power of two */
};

static void derive(const char *label, size_t label_size, const uint8_t public[RN_KEY_SIZE], uint8_t ret[RN_KEY_SIZE])
{
	uint8_t joined[32 + RN_KEY_SIZE] = { 0 };

	memcpy(joined, label, label_size);
	memcpy(joined + 32, public, RN_KEY_SIZE);
	rn_blake2b(NULL, 0, joined, sizeof(joined), ret, RN_KEY_SIZE);
}

void rn_cookie_keys(const uint8_t public[RN_KEY_SIZE], struct rn_cookie_keys *ret)
{
	static const char mac1[] = "rnaut mac1 v1", cookie[] = "rnaut cookie v1";

	derive(mac1, sizeof(mac1), public, ret->mac1);
	derive(cookie, sizeof(cookie), public, ret->cookie);
}

void rn_mac(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size, uint8_t ret[RN_MAC_SIZE])
{
	rn_blake2b(key, key_size, data, size, ret, RN_MAC_SIZE);
}

bool rn_mac_good(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size, const uint8_t mac[RN_MAC_SIZE])
{
	uint8_t expected[RN_MAC_SIZE];

	rn_mac(key, key_size, data, size, expected);
	return rn_equal(expected, mac, sizeof(expected));
}

/* The older half is forgotten: its cookies are no longer good, so what was spent with them cannot come back. */
static void rotate(struct rn_cookie_jar *jar, int64_t now_ms)
{
	struct generation old = jar->generations[GENERATIONS - 1];

	jar->generations[1] = jar->generations[0];
	memset(old.spent, 0, jar->places * sizeof(*old.spent));
	old.count = 0;
	jar->random(old.secret, sizeof(old.secret));
	jar->generations[0] = old;
	jar->rotated_ms = now_ms;
	rn_wipe(&old, sizeof(old));
}

static void keep_fresh(struct rn_cookie_jar *jar, int64_t now_ms)
{
	int64_t age = now_ms - jar->rotated_ms;

	if (age >= GENERATIONS * RN_COOKIE_ROTATE_MS)
		rotate(jar, now_ms);
	if (age >= RN_COOKIE_ROTATE_MS)
		rotate(jar, now_ms);
}

struct rn_cookie_jar *rn_cookie_jar_new(uint32_t spent_max, void (*random)(void *, size_t))
{
	struct rn_cookie_jar *jar = calloc(1, sizeof(*jar));
	int i;

	if (!jar)
		return NULL;
	jar->random = random;
	for (jar->places = 2; jar->places < 2 * spent_max; jar->places *= 2)
		;
	random(jar->set_key, sizeof(jar->set_key));
	for (i = 0; i < GENERATIONS; i++) {
		random(jar->generations[i].secret, RN_KEY_SIZE);
		jar->generations[i].spent = calloc(jar->places, sizeof(uint64_t));
		if (!jar->generations[i].spent)
			goto fail;
	}
	return jar;
fail:
	rn_cookie_jar_free(jar);
	return NULL;
}

void rn_cookie_jar_free(struct rn_cookie_jar *jar)
{
	int i;

	if (!jar)
		return;
	for (i = 0; i < GENERATIONS; i++)
		free(jar->generations[i].spent);
	rn_wipe(jar, sizeof(*jar));
	free(jar);
}

static void cookie_of(const struct generation *g, const struct rn_endpoint *from, uint8_t ret[RN_COOKIE_SIZE])
{
	uint8_t source[sizeof(from->addr.b) + 2];

	memcpy(source, from->addr.b, sizeof(from->addr.b));
	source[16] = (uint8_t)from->port;
	source[17] = (uint8_t)(from->port >> 8);
	rn_blake2b(g->secret, sizeof(g->secret), source, sizeof(source), ret, RN_COOKIE_SIZE);
}

void rn_cookie_make(struct rn_cookie_jar *jar, int64_t now_ms, const struct rn_endpoint *from,
		    uint8_t ret[RN_COOKIE_SIZE])
{
	keep_fresh(jar, now_ms);
	cookie_of(&jar->generations[0], from, ret);
}

bool rn_cookie_proven(struct rn_cookie_jar *jar, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *data,
		      size_t size, const uint8_t mac2[RN_MAC_SIZE], uint8_t ret[RN_COOKIE_SIZE])
{
	uint8_t cookie[RN_COOKIE_SIZE];
	bool good = false;
	int i;

	keep_fresh(jar, now_ms);
	for (i = 0; i < GENERATIONS && !good; i++) {
		cookie_of(&jar->generations[i], from, cookie);
		good = rn_mac_good(cookie, sizeof(cookie), data, size, mac2);
	}
	if (good)
		memcpy(ret, cookie, sizeof(cookie));
	rn_wipe(cookie, sizeof(cookie));
	return good;
}

/* Keyed, so that nobody chooses which keys meet in the set. */
static uint64_t mark_of(const struct rn_cookie_jar *jar, const uint8_t ephemeral[RN_KEY_SIZE])
{
	uint8_t hash[RN_MAC_SIZE];
	uint64_t mark;

	rn_mac(jar->set_key, sizeof(jar->set_key), ephemeral, RN_KEY_SIZE, hash);
	memcpy(&mark, hash, sizeof(mark));
	return mark ? mark : 1;
}

/* The place where the mark is, or would be put. */
static uint64_t *place_of(const struct rn_cookie_jar *jar, const struct generation *g, uint64_t mark)
{
	uint32_t i = (uint32_t)mark & (jar->places - 1);

	while (g->spent[i] && g->spent[i] != mark)
		i = (i + 1) & (jar->places - 1);
	return &g->spent[i];
}

bool rn_cookie_spent(const struct rn_cookie_jar *jar, const uint8_t ephemeral[RN_KEY_SIZE])
{
	uint64_t mark = mark_of(jar, ephemeral);
	int i;

	for (i = 0; i < GENERATIONS; i++)
		if (*place_of(jar, &jar->generations[i], mark))
			return true;
	return false;
}

void rn_cookie_spend(struct rn_cookie_jar *jar, int64_t now_ms, const uint8_t ephemeral[RN_KEY_SIZE])
{
	struct generation *g = &jar->generations[0];
	uint64_t mark = mark_of(jar, ephemeral);

	*place_of(jar, g, mark) = mark;
	g->count++;
	/* Full: every cookie given out ends now, so nothing that is forgotten could be accepted again. */
	if (g->count >= jar->places / 2) {
		rotate(jar, now_ms);
		rotate(jar, now_ms);
	}
}
