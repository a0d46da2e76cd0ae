// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, count, plural } from "./format";
import { parseExact } from "./json";

test("counters beyond 2^53 keep every digit", () => {
  const value = parseExact('{"a":18446744073709551615,"b":9007199254740993,"c":12,"d":[-9223372036854775808]}');
  assert.deepEqual(value, { a: "18446744073709551615", b: "9007199254740993", c: 12, d: ["-9223372036854775808"] });
});

test("long digits in strings and fractions are left alone", () => {
  const text = '{"key":"1234567890123456789","quote":"\\" 12345678901234567 \\\\","f":0.12345678901234567,"e":1234567890123456e2}';
  assert.deepEqual(parseExact(text), JSON.parse(text));
});

test("what is no JSON is refused", () => {
  for (const text of ["", "{", "12345678901234567890}", '{"a":12345678901234567 1}']) assert.throws(() => parseExact(text));
});

test("numbers are written with all digits", () => {
  assert.equal(count("18446744073709551615"), "18,446,744,073,709,551,615");
  assert.equal(count(0), "0");
  assert.equal(count(-1234), "-1,234");
  assert.equal(plural(1, "event"), "1 event");
  assert.equal(plural("9007199254740993", "event"), "9,007,199,254,740,993 events");
});

test("bytes round to a binary unit", () => {
  assert.equal(bytes(0), "0 B");
  assert.equal(bytes(1023), "1023 B");
  assert.equal(bytes(1536), "1.50 KiB");
  assert.equal(bytes("18446744073709551615"), "16.0 EiB");
});
