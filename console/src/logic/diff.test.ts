// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { counts, diff, linesOf } from "./diff";
import { lineOfRule, visualColumn } from "./position";

const short = (before: string, after: string) =>
  diff(before, after).map((row) => ({ same: " ", gone: "-", come: "+", gap: "~" })[row.kind] + row.text);

test("what is the same has no rows", () => {
  assert.deepEqual(short("a\nb\n", "a\nb\n"), []);
  assert.deepEqual(short("a\nb", "a\nb\n"), []);
  assert.deepEqual(short("", ""), []);
});

test("changes come with three lines around them, gaps say how many are left out", () => {
  const many = Array.from({ length: 20 }, (_, i) => `${i}`);
  const other = many.map((line) => (line === "10" ? "ten" : line));
  assert.deepEqual(short(many.join("\n"), other.join("\n")), ["~7 lines", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", "~6 lines"]);
  assert.deepEqual(short("a\n", ""), ["-a"]);
  assert.deepEqual(short("", "a\n"), ["+a"]);
});

test("line numbers are those of each text", () => {
  assert.deepEqual(diff("a\nb\nc", "a\nc\nd"), [
    { kind: "same", before: 1, after: 1, text: "a" },
    { kind: "gone", before: 2, after: null, text: "b" },
    { kind: "same", before: 3, after: 2, text: "c" },
    { kind: "come", before: null, after: 3, text: "d" },
  ]);
});

/** Lines that must go or come, by the table of the longest common subsequence. */
function least(a: string[], b: string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i]![j] = a[i - 1] === b[j - 1] ? table[i - 1]![j - 1]! + 1 : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
  return a.length + b.length - 2 * table[a.length]![b.length]!;
}

test("random texts: both come out again, by the fewest changes", () => {
  let seed = 5;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  for (let round = 0; round < 2000; round++) {
    const [a, b] = [0, 1].map(() => Array.from({ length: random(12) }, () => "abcd".charAt(random(2 + (round % 3))))) as [string[], string[]];
    const found = diff(a.join("\n"), b.join("\n"));
    const { come, gone } = counts(found);
    // An empty last line is no line.
    assert.equal(come + gone, least(linesOf(a.join("\n")), linesOf(b.join("\n"))));
    for (const row of found) {
      if (row.before !== null && row.kind !== "gap") assert.equal(a[row.before - 1], row.text);
      if (row.after !== null && row.kind !== "gap") assert.equal(b[row.after - 1], row.text);
    }
  }
});

test("texts with nothing in common are one change", () => {
  const a = Array.from({ length: 3000 }, (_, i) => `a${i}`).join("\n");
  const b = Array.from({ length: 3000 }, (_, i) => `b${i}`).join("\n");
  assert.deepEqual(counts(diff(a, b)), { come: 3000, gone: 3000 });
});

test("a rule's line, and where a column is seen", () => {
  const text = '{\n  "rules": [\n    {"id": "a.b"},\n    { "id" : "axb" }\n]}';
  assert.equal(lineOfRule(text, "a.b"), 3);
  assert.equal(lineOfRule(text, "axb"), 4);
  assert.equal(lineOfRule(text, "none"), null);
  assert.equal(visualColumn("\t\tx", 3), 4);
  assert.equal(visualColumn("a\tx", 3), 2);
  assert.equal(visualColumn("abc", 9), 3);
});
