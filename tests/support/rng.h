/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_RNG_H
#define RN_TESTS_RNG_H

#include <stdbool.h>
#include <stdint.h>

/* splitmix64: a test that prints its seed can be run again. */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0..bound-1 */
static inline uint32_t rng_below(struct rng *r, uint32_t bound)
{
	return (uint32_t)(rng_next(r) % bound);
}

static inline bool rng_percent(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

#endif
