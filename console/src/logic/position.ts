// SPDX-License-Identifier: Apache-2.0
export interface Position {
  line: number;
  column: number;
}

/** Where an error message of the policy parser points to, if it does. */
export function positionOf(message: string): Position | null {
  const found = /line (\d+)(?:, column (\d+))?/i.exec(message);
  if (!found) return null;
  return { line: Math.max(1, Number(found[1])), column: Math.max(1, Number(found[2] ?? 1)) };
}

/** The line of the rule with this id, if the text has one. */
export function lineOfRule(text: string, id: string): number | null {
  const escaped = id.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`"id"\\s*:\\s*"${escaped}"`).exec(text);
  return found ? text.slice(0, found.index).split("\n").length : null;
}

export const TAB = 2;

/** How many columns of the screen are before this column (from 1) of a line, tabs and its end considered. */
export function visualColumn(line: string, column: number): number {
  let at = 0;
  for (const character of line.slice(0, column - 1)) at += character === "\t" ? TAB - (at % TAB) : 1;
  return at;
}

export function offsetOf(text: string, { line, column }: Position): number {
  const lines = text.split("\n").slice(0, line - 1);
  return lines.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
}
