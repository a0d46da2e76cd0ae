// SPDX-License-Identifier: Apache-2.0
// Verdicts and states by shape and word; colour only repeats them.
import { STATE_TEXT, type DeviceState } from "../logic/states";
import type { FlowEvent, Verdict } from "../types";

const MARKS = {
  allow: <path d="M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM4.9 8.2l2.2 2.2 4.1-4.6" class="mark-line" />,
  deny: (
    <>
      <path d="M5.1 1.2h5.8l3.9 3.9v5.8l-3.9 3.9H5.1l-3.9-3.9V5.1z" class="mark-fill" />
      <path d="M5.5 5.5l5 5M10.5 5.5l-5 5" class="mark-cut" />
    </>
  ),
};

export function VerdictMark({ verdict }: { verdict: Verdict }) {
  return (
    <svg class={`mark ${verdict}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
      {MARKS[verdict]}
    </svg>
  );
}

export const VERDICT_WORD: Record<Verdict, string> = { allow: "Allowed", deny: "Denied" };

export function VerdictBadge({ verdict }: { verdict: Verdict }) {
  return (
    <span class={`verdict ${verdict}`}>
      <VerdictMark verdict={verdict} />
      {VERDICT_WORD[verdict]}
    </span>
  );
}

export const KIND_TEXT: Record<FlowEvent["kind"], string> = {
  new: "A flow began.",
  changed: "A running flow was judged again.",
  denied: "A packet of no flow was dropped.",
};

const STATE_SHAPES: Record<DeviceState, string> = {
  connected: "M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z",
  offline: "M6 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  unmanaged: "M6 1.2 10.8 6 6 10.8 1.2 6z",
  quarantined: "M6 1 11.3 10.5H.7z",
  revoked: "M2 2l8 8M10 2l-8 8",
};

export function StateBadge({ state }: { state: DeviceState }) {
  return (
    <span class={`state ${state}`}>
      <svg viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false">
        <path d={STATE_SHAPES[state]} />
      </svg>
      {STATE_TEXT[state]}
    </span>
  );
}

export function TrustMeter({ value }: { value: number }) {
  const level = value < 40 ? "low" : value < 70 ? "middle" : "high";
  return (
    <span class={`trust ${level}`}>
      <span class="trust-number">{value}</span>
      <svg viewBox="0 0 40 6" width="40" height="6" aria-hidden="true" focusable="false">
        <rect class="trust-track" x="0" y="1" width="40" height="4" rx="2" />
        <rect class="trust-bar" x="0" y="1" width={(Math.min(value, 100) * 40) / 100} height="4" rx="2" />
      </svg>
    </span>
  );
}
