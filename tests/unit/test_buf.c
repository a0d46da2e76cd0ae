/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t write_all(uint8_t *out, size_t size)
{
	struct rn_writer w = rn_writer(out, size);

	rn_write_u8(&w, 0x01);
	rn_write_u16(&w, 0x0302);
	rn_write_u32(&w, 0x07060504);
	rn_write_u64(&w, 0x0f0e0d0c0b0a0908);
	rn_write_bytes(&w, "abc", 3);
	rn_write_block(&w, "block", 5);
	rn_write_text(&w, "text");
	return w.failed ? 0 : w.at;
}

static void little_endian(void **state)
{
	static const uint8_t expected[] = { 1,	 2,   3,   4, 5, 6,   7,   8,	9,   10,  11, 12,  13,	14,  15,
					    'a', 'b', 'c', 5, 0, 'b', 'l', 'o', 'c', 'k', 4,  't', 'e', 'x', 't' };
	uint8_t out[64];

	(void)state;
	assert_int_equal(write_all(out, sizeof(out)), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
	assert_int_equal(write_all(out, sizeof(expected)), sizeof(expected));
}

static void writer_stops_at_the_end(void **state)
{
	uint8_t out[64];
	size_t i;

	(void)state;
	for (i = 0; i < 30; i++) {
		memset(out, 0xee, sizeof(out));
		assert_int_equal(write_all(out, i), 0);
		assert_int_equal(out[i], 0xee);
	}
}

static bool read_all(const uint8_t *data, size_t size)
{
	struct rn_reader r = rn_reader(data, size);
	char text[5];
	uint8_t bytes[3];
	size_t block_size;
	const uint8_t *block;

	rn_read_u8(&r);
	rn_read_u16(&r);
	rn_read_u32(&r);
	rn_read_u64(&r);
	rn_read_bytes(&r, bytes, sizeof(bytes));
	block = rn_read_block(&r, 5, &block_size);
	rn_read_text(&r, text, sizeof(text));
	if (!rn_reader_done(&r)) {
		assert_true(block || block_size == 0);
		return false;
	}
	assert_memory_equal(bytes, "abc", 3);
	assert_int_equal(block_size, 5);
	assert_memory_equal(block, "block", 5);
	assert_string_equal(text, "text");
	return true;
}

static void reader_wants_every_byte(void **state)
{
	uint8_t out[64];
	size_t size = write_all(out, sizeof(out)), i;

	(void)state;
	assert_true(read_all(out, size));
	for (i = 0; i < size; i++)
		assert_false(read_all(out, i));
	assert_false(read_all(out, size + 1));
}

static void failed_reads_are_zero(void **state)
{
	uint8_t data[2] = { 1, 2 }, bytes[4] = { 9, 9, 9, 9 };
	struct rn_reader r = rn_reader(data, sizeof(data));

	(void)state;
	assert_int_equal(rn_read_u32(&r), 0);
	assert_true(r.failed);
	assert_int_equal(rn_read_u8(&r), 0);
	rn_read_bytes(&r, bytes, sizeof(bytes));
	assert_memory_equal(bytes, "\0\0\0\0", 4);
	assert_null(rn_read_view(&r, 0));
	assert_int_equal(rn_reader_left(&r), 0);
}

static void text_has_no_nul_and_fits(void **state)
{
	static const struct {
		const char *wire;
		size_t size;
		bool good;
	} cases[] = { { "\4abcd", 5, true }, { "\5abcde", 6, false }, { "\3a\0b", 4, false }, { "\0", 1, true } };
	char text[5];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rn_reader r = rn_reader(cases[i].wire, cases[i].size);

		rn_read_text(&r, text, sizeof(text));
		assert_int_equal(rn_reader_done(&r), cases[i].good);
		if (!cases[i].good)
			assert_string_equal(text, "");
	}
}

static void too_long_for_the_length_field(void **state)
{
	static uint8_t out[70000], data[65536];
	struct rn_writer w = rn_writer(out, sizeof(out));
	char text[257];

	(void)state;
	rn_write_block(&w, data, sizeof(data));
	assert_true(w.failed);
	assert_int_equal(w.at, 0);
	memset(text, 'x', 256);
	text[256] = 0;
	w = rn_writer(out, sizeof(out));
	rn_write_text(&w, text);
	assert_true(w.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_endian),
		cmocka_unit_test(writer_stops_at_the_end),
		cmocka_unit_test(reader_wants_every_byte),
		cmocka_unit_test(failed_reads_are_zero),
		cmocka_unit_test(text_has_no_nul_and_fits),
		cmocka_unit_test(too_long_for_the_length_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
