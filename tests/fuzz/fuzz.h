/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_FUZZ_H
#define RN_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the fuzzers share. A target is one file fuzz_X.c with LLVMFuzzerTestOneInput; it takes the input apart with
 * these, gives the parser exact heap copies, so that a read past the end is seen, and states what must hold with CHECK.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fuzz_fail(#condition, __FILE__, __LINE__);                                                     \
	} while (0)
void fuzz_fail(const char *what, const char *file, int line) __attribute__((noreturn));

struct fuzz {
	const uint8_t *data;
	size_t size;
};
/* Zero at the end. */
uint8_t fuzz_u8(struct fuzz *f);
uint16_t fuzz_u16(struct fuzz *f);
uint32_t fuzz_u32(struct fuzz *f);
uint64_t fuzz_u64(struct fuzz *f);
/* At most max bytes, with a u16 length before them, as a heap copy of just that size; the caller frees it. */
uint8_t *fuzz_block(struct fuzz *f, size_t max, size_t *ret_size);
/* Fills all of out, with zeros where the input ends. */
void fuzz_fill(struct fuzz *f, void *out, size_t size);
/* Everything as heap text that ends with NUL. */
char *fuzz_text(const uint8_t *data, size_t size);
/* The same as bytes. */
uint8_t *fuzz_copy(const void *data, size_t size);
/* A directory of this process's in memory, made once and removed at its end. */
const char *fuzz_directory(void);
/* Writes DIRECTORY/NAME with mode 0600; its path. */
const char *fuzz_file(const char *name, const void *data, size_t size);
/* SplitMix64, for what must be random and the same again. */
uint64_t fuzz_random(uint64_t *state);

#endif
