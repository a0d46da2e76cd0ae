// SPDX-License-Identifier: Apache-2.0
// Which recorded flows a reader wants to see: the page's query string, and the gateway's.

export const RECORDED_KEYS = ["verdict", "source", "destination", "owner", "rule", "protocol", "port", "hours"] as const;
export type RecordedFilter = Record<(typeof RECORDED_KEYS)[number], string>;

export const NO_RECORDED_FILTER: RecordedFilter = { verdict: "", source: "", destination: "", owner: "", rule: "", protocol: "", port: "", hours: "" };

const CHOICES: Partial<Record<keyof RecordedFilter, readonly string[]>> = { verdict: ["allow", "deny"], protocol: ["tcp", "udp", "icmp"] };

export function recordedFromQuery(query: URLSearchParams): RecordedFilter {
  const filter = { ...NO_RECORDED_FILTER };
  for (const key of RECORDED_KEYS) {
    const value = query.get(key) ?? "";
    if (!CHOICES[key] || CHOICES[key].includes(value)) filter[key] = value;
  }
  return filter;
}

/** The page's query with this filter in place of the one it had; other keys stay. */
export function recordedToQuery(filter: RecordedFilter, query: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const key of RECORDED_KEYS) {
    if (filter[key]) next.set(key, filter[key]);
    else next.delete(key);
  }
  return next;
}

export function isRecordedFiltered(filter: RecordedFilter): boolean {
  return RECORDED_KEYS.some((key) => filter[key] !== "");
}

/** What the gateway is asked for: names as they are typed, without the spaces around them. */
export function recordedRequest(filter: RecordedFilter, before: unknown, limit: number): string {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const key of RECORDED_KEYS) if (filter[key].trim()) query.set(key, filter[key].trim());
  if (before !== null) query.set("before", String(before));
  return query.toString();
}

/** The page of recorded flows with such a filter. */
export function recordedPlace(filter: Partial<RecordedFilter>): string {
  return `/flows?${recordedToQuery({ ...NO_RECORDED_FILTER, ...filter }, new URLSearchParams({ as: "recorded" }))}`;
}
