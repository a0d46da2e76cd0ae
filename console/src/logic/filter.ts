// SPDX-License-Identifier: Apache-2.0
// Which flow events a reader wants to see. The query string of the page is the only place where a filter lives.
import type { FlowEvent } from "../types";
import { reasonText } from "./reasons";
import { endName, service } from "./format";

export interface FlowFilter {
  verdict: string;
  device: string;
  reason: string;
  rule: string;
  text: string;
}

export const NO_FILTER: FlowFilter = { verdict: "", device: "", reason: "", rule: "", text: "" };
const KEYS = { verdict: "verdict", device: "device", reason: "reason", rule: "rule", text: "q" } as const;

export function filterFromQuery(query: URLSearchParams): FlowFilter {
  const verdict = query.get("verdict") ?? "";
  return {
    verdict: verdict === "allow" || verdict === "deny" ? verdict : "",
    device: query.get("device") ?? "",
    reason: query.get("reason") ?? "",
    rule: query.get("rule") ?? "",
    text: query.get("q") ?? "",
  };
}

/** The query with this filter in place of the one it had; other keys stay. */
export function filterToQuery(filter: FlowFilter, query: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const name of Object.keys(KEYS) as (keyof FlowFilter)[]) {
    if (filter[name]) next.set(KEYS[name], filter[name]);
    else next.delete(KEYS[name]);
  }
  return next;
}

export function isFiltered(filter: FlowFilter): boolean {
  return Object.values(filter).some((value) => value !== "");
}

function words(event: FlowEvent): string {
  const { source, destination } = event;
  return [
    endName(source),
    source.virtual_ip,
    endName(destination),
    destination.virtual_ip,
    service(event.protocol, destination.port),
    event.rule,
    event.reason,
    reasonText(event.reason),
    event.hub,
    event.verdict,
  ]
    .join(" ")
    .toLowerCase();
}

const isEnd = (event: FlowEvent, name: string) =>
  [event.source, event.destination].some((end) => end.client_id === name || end.virtual_ip === name);

/** A function rather than a test per event: the filter is taken apart once. */
export function matcher(filter: FlowFilter): (event: FlowEvent) => boolean {
  const needles = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return (event) => {
    if (filter.verdict && event.verdict !== filter.verdict) return false;
    if (filter.reason && event.reason !== filter.reason) return false;
    if (filter.rule && event.rule !== filter.rule) return false;
    if (filter.device && !isEnd(event, filter.device)) return false;
    if (needles.length === 0) return true;
    const text = words(event);
    return needles.every((needle) => text.includes(needle));
  };
}
