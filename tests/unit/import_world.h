/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_IMPORT_WORLD_H
#define RN_TESTS_IMPORT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/import.h"

/* What the tests of the importers share: chance, files, and judging by the policy that came out. */
uint32_t chance(uint32_t below);
/* From RN_SEED, or 1; said on standard error. */
void chance_begin(const char *test);

struct text {
	char *at;
	size_t size, room;
};
void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Heap text of a whole file below tests/vectors/import; fails the test where there is none. */
char *vector(const char *name);
/* The notes as lines "FILE:LINE:COLUMN: lost: text". */
char *report(const struct rn_import *import);
/* Fails unless the vector NAME is this text; with RN_WRITE=1 writes it instead. */
void assert_vector(const char *name, const char *text);

/* An importer of a text; option: its domain or namespace. Fails the test where the text cannot be read. */
typedef int importer(const char *text, const char *option, struct rn_import *ret, struct rn_err *err);
/* The vector "NAME.ENDING" becomes NAME.policy, a good policy whose tests pass, and NAME.report. */
void assert_example(importer *import, const char *name, const char *ending);
/* What comes out for this text holds `has`, and does not hold `has_not` (either NULL: anything). */
void assert_holds(importer *import, const char *text, const char *option, const char *has, const char *has_not);
/* It is refused, with a sentence that holds this one. */
void assert_refused(importer *import, const char *text, const char *sentence);

#define WORLD_TAGS 64
struct party {
	const char *user; /* its name here; NULL: nobody's */
	char tags[WORLD_TAGS][64];
	unsigned tag_count;
	uint32_t ipv4; /* host order; 0: none */
};
struct judge; /* a policy's text, read */
struct judge *judge_open(const char *text);
bool judge_allows(const struct judge *judge, const struct party *source, const struct party *destination,
		  uint8_t protocol, uint16_t port);
/* The n-th tag that the policy declares; NULL behind the last. */
const char *judge_tag(const struct judge *judge, unsigned n);
void judge_close(struct judge *judge);

#endif
