/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_NEAREST_H
#define RN_BASE_NEAREST_H

/*
 * "Did you mean ...?": start with the word as written, offer every known name, ask for the nearest. Names are borrowed.
 */
struct rn_nearest {
	const char *word, *best;
	unsigned distance;
};

struct rn_nearest rn_nearest(const char *word);
void rn_nearest_offer(struct rn_nearest *n, const char *name);
/* The nearest name offered, or NULL where none is near enough to be what was meant. */
const char *rn_nearest_name(const struct rn_nearest *n);

#endif
