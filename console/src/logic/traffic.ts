// SPDX-License-Identifier: Apache-2.0
// Who talks to whom, from flow events: one entry for a pair in one direction.
import { milliseconds } from "./format";
import type { FlowEvent } from "../types";

export interface Pair {
  key: string;
  source: string;
  destination: string;
  allowed: number;
  denied: number;
  /** When it was last allowed and last denied, in ms; 0: never. */
  allowedAt: number;
  deniedAt: number;
  reason: string;
  service: string;
}

export const SHOWN_MS = 60_000;
const PAIRS_MAX = 4000;

export class Traffic {
  private pairs = new Map<string, Pair>();

  add(event: FlowEvent, now: number): void {
    const source = event.source.client_id;
    const destination = event.destination.client_id;
    if (!source || !destination) return;
    const key = `${source} ${destination}`;
    const pair = this.pairs.get(key) ?? { key, source, destination, allowed: 0, denied: 0, allowedAt: 0, deniedAt: 0, reason: "", service: "" };
    const at = Math.min(now, milliseconds(event.time) ?? now);
    if (event.verdict === "allow") {
      pair.allowed++;
      pair.allowedAt = Math.max(pair.allowedAt, at);
    } else {
      pair.denied++;
      pair.deniedAt = Math.max(pair.deniedAt, at);
      pair.reason = event.reason;
    }
    pair.service = event.protocol === "icmp" ? "icmp" : `${event.protocol}/${event.destination.port}`;
    this.pairs.delete(key);
    this.pairs.set(key, pair); // newest last
    if (this.pairs.size > PAIRS_MAX) this.pairs.delete(this.pairs.keys().next().value as string);
  }

  /** Newest first, at most so many. */
  recent(limit: number, since: number): Pair[] {
    const found: Pair[] = [];
    for (const pair of [...this.pairs.values()].reverse()) {
      if (found.length >= limit) break;
      if (Math.max(pair.allowedAt, pair.deniedAt) >= since) found.push(pair);
    }
    return found;
  }
}
