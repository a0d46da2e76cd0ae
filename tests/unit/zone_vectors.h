/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_ZONE_VECTORS_H
#define RN_TESTS_ZONE_VECTORS_H

#include "base/zones.h"

/*
 * tests/vectors/zones.txt (made by zone_vectors.py): calls line for each of its lines that begins with that word, with
 * what follows it and the zone that it is about. How many there were.
 */
unsigned zone_vectors(const char *word, void (*line)(const struct rn_zone *zone, const char *name, char *text));
/* The zone of that name as the file has it, to be freed. */
struct rn_zone *zone_vector(const char *name);

#endif
