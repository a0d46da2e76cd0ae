/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka's assertions for the worlds of the unit tests when a fuzzer drives them: outside a test cmocka's own call
 * exit() and keep the message to themselves. These say what failed and abort, as CHECK does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz.h"

void print_error(const char *const format, ...)
{
	va_list values;

	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
}

void _fail(const char *const file, const int line)
{
	fuzz_fail("what is said above", file, line);
}

void _assert_true(const LargestIntegralType result, const char *const expression, const char *const file,
		  const int line)
{
	if (!result)
		fuzz_fail(expression, file, line);
}

void _assert_int_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file, const int line)
{
	if (a == b)
		return;
	fprintf(stderr, "%lld is not %lld\n", (long long)a, (long long)b);
	fuzz_fail("two numbers are equal", file, line);
}

void _assert_memory_equal(const void *const a, const void *const b, const size_t size, const char *const file,
			  const int line)
{
	if (memcmp(a, b, size) != 0)
		fuzz_fail("two blocks are equal", file, line);
}
