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
