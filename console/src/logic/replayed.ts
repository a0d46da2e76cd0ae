// SPDX-License-Identifier: Apache-2.0
// What a replay found, in sentences.
import type { PolicyReplay, ReplayChange, ReplaySide } from "../types";
import { plural } from "./format";

/** "41 flows of 3 users and 1 device of nobody" */
function flowsOf(side: ReplaySide): string {
  const who = [];
  if (BigInt(side.users)) who.push(plural(side.users, "user"));
  if (BigInt(side.unowned_devices)) who.push(`${plural(side.unowned_devices, "device")} of nobody`);
  return plural(side.flows, "flow") + (who.length ? ` of ${who.join(" and ")}` : "");
}

/** The last hour, the last 24 h. */
export function lastHours(hours: number): string {
  return hours === 1 ? "the last hour" : `the last ${hours} h`;
}

/** What would have been denied, what allowed; null: no such flow. */
export function replaySentences(replay: PolicyReplay, hours: number): { deny: string | null; allow: string | null } {
  const sentence = (side: ReplaySide, what: string) =>
    BigInt(side.flows) ? `${flowsOf(side)} in ${lastHours(hours)} would have been ${what}.` : null;
  return { deny: sentence(replay.would_deny, "denied"), allow: sentence(replay.would_allow, "allowed") };
}

/** What the numbers do not hold: a replay is of what was recorded, never of all that there was. */
export function missingSentences({ missing }: PolicyReplay): string[] {
  const one = (value: ReplaySide["flows"], single: string, many: string) => (BigInt(value) ? [`${plural(value, single, many)}.`] : []);
  return [
    ...one(missing.lost_events, "event was not recorded", "events were not recorded"),
    ...one(missing.damaged_rows, "recorded row cannot be read", "recorded rows cannot be read"),
    ...one(missing.unknown_devices, "flow is of a device that is unknown now", "flows are of devices that are unknown now"),
    ...one(
      missing.stopped,
      "flow is of a device that is revoked or quarantined now, and denied with either policy",
      "flows are of devices that are revoked or quarantined now, and denied with either policy",
    ),
    ...(BigInt(missing.silences) ? [`Nothing was recorded for up to ${plural(missing.silent_seconds, "second")} while core did not run.`] : []),
  ];
}

/** The device that the flows came from; of several at least how many. */
export function sourceText(change: ReplayChange): string {
  return change.source ?? (change.devices >= 8 ? "8 devices or more" : `${change.devices} devices`);
}
