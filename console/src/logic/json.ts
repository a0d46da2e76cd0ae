// SPDX-License-Identifier: Apache-2.0
/*
 * JSON whose long integers stay exact. A JavaScript number holds integers up to 2^53; the API's counters have 64 bits. One
 * pass over the text turns integers of 16 and more digits into strings; whatever stands in a string is left as it is.
 */
const LONG = /\d{16}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
const INTEGER = /^-?\d{16,}$/;

export function parseExact(text: string): unknown {
  if (!LONG.test(text)) return JSON.parse(text);
  return JSON.parse(text.replace(TOKENS, (token) => (INTEGER.test(token) ? `"${token}"` : token)));
}
