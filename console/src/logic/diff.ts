// SPDX-License-Identifier: Apache-2.0
/*
 * What one text has that another has not, by lines: the shortest way from one to the other (E. W. Myers, An O(ND)
 * Difference Algorithm), where fewer than MOST lines differ; beyond that what lies between is one change.
 */
const MOST = 1000;
const CONTEXT = 3;

export interface DiffRow {
  kind: "same" | "gone" | "come" | "gap";
  /** Line numbers from 1; null where that text has no such line. */
  before: number | null;
  after: number | null;
  text: string;
}

export function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  return lines;
}

interface Marks {
  gone: boolean[];
  come: boolean[];
}

/** How far round n gets on diagonal k, by a line that came or one that went; -1: nowhere. */
function enter(last: Int32Array, n: number, k: number, from: number, to: number): [x: number, came: boolean] {
  const at = (diagonal: number) => last[diagonal + n - 1] ?? -1;
  let came = k < n ? at(k + 1) : -1;
  let went = k > -n && at(k - 1) >= 0 ? at(k - 1) + 1 : -1;
  if (came - k > to) came = -1;
  if (went > from) went = -1;
  return came >= went ? [came, true] : [went, false];
}

function mark(a: readonly string[], b: readonly string[]): Marks {
  const marks: Marks = { gone: a.map(() => false), come: b.map(() => false) };
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const from = a.length - head - tail;
  const to = b.length - head - tail;
  const rounds: Int32Array[] = [];
  for (let n = 0; n < MOST; n++) {
    const last = rounds[n - 1];
    const round = new Int32Array(2 * n + 1);
    rounds.push(round);
    for (let k = -n; k <= n; k += 2) {
      let x = last ? enter(last, n, k, from, to)[0] : 0;
      while (x >= 0 && x < from && x - k < to && a[head + x] === b[head + x - k]) x++;
      round[n + k] = x;
      if (x === from && x - k === to) {
        walkBack(rounds, n, head, from, to, marks);
        return marks;
      }
    }
  }
  marks.gone.fill(true, head, head + from);
  marks.come.fill(true, head, head + to);
  return marks;
}

function walkBack(rounds: readonly Int32Array[], n: number, head: number, from: number, to: number, marks: Marks): void {
  let x = from;
  let y = to;
  for (; n > 0; n--) {
    const k = x - y;
    const [start, came] = enter(rounds[n - 1] as Int32Array, n, k, from, to);
    x = start;
    y = start - k;
    if (came) marks.come[head + --y] = true;
    else marks.gone[head + --x] = true;
  }
}

/** Every line of both, in order. */
function rows(before: string, after: string): DiffRow[] {
  const a = linesOf(before);
  const b = linesOf(after);
  const { gone, come } = mark(a, b);
  const found: DiffRow[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && gone[i]) found.push({ kind: "gone", before: ++i, after: null, text: a[i - 1] ?? "" });
    else if (j < b.length && come[j]) found.push({ kind: "come", before: null, after: ++j, text: b[j - 1] ?? "" });
    else found.push({ kind: "same", before: ++i, after: ++j, text: a[i - 1] ?? "" });
  }
  return found;
}

/** The changes with a few lines around each; [] where there are none. A gap's text says how many lines it leaves out. */
export function diff(before: string, after: string): DiffRow[] {
  const all = rows(before, after);
  const shown = all.map(() => false);
  all.forEach((row, i) => {
    if (row.kind !== "same") shown.fill(true, Math.max(0, i - CONTEXT), i + CONTEXT + 1);
  });
  const found: DiffRow[] = [];
  if (!shown.includes(true)) return found;
  for (let i = 0; i < all.length; ) {
    const row = all[i] as DiffRow;
    if (shown[i]) {
      found.push(row);
      i++;
      continue;
    }
    let end = i;
    while (end < all.length && !shown[end]) end++;
    found.push({ kind: "gap", before: row.before, after: row.after, text: end - i === 1 ? "1 line" : `${end - i} lines` });
    i = end;
  }
  return found;
}

export function counts(found: readonly DiffRow[]): { come: number; gone: number } {
  return { come: found.filter((row) => row.kind === "come").length, gone: found.filter((row) => row.kind === "gone").length };
}
