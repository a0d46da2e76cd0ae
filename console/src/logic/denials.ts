// SPDX-License-Identifier: Apache-2.0
// The newest denials, those of one kind (the same ends, service, reason and rule) told once with their number.
import type { FlowEvent } from "../types";
import type { Ring } from "./ring";

export interface Denial {
  event: FlowEvent;
  count: number;
}

const LOOK_BACK = 5000;

const kind = ({ source, destination, protocol, reason, rule }: FlowEvent) =>
  [source.client_id ?? source.virtual_ip, destination.client_id ?? destination.virtual_ip, protocol, destination.port, reason, rule].join(" ");

export function newestDenials(ring: Ring<FlowEvent>, most: number): Denial[] {
  const found = new Map<string, Denial>();
  for (let id = ring.endId - 1; id >= Math.max(ring.firstId, ring.endId - LOOK_BACK); id--) {
    const event = ring.get(id)?.value;
    if (event?.verdict !== "deny") continue;
    const key = kind(event);
    const known = found.get(key);
    if (known) known.count++;
    else if (found.size < most) found.set(key, { event, count: 1 });
  }
  return [...found.values()];
}
