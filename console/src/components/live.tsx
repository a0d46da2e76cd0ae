// SPDX-License-Identifier: Apache-2.0
import type { LiveState } from "../hooks/flows";

const TEXT: Record<LiveState, string> = {
  idle: "Not connected",
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
};

/** Is what is shown still moving? */
export function LiveBadge({ state, paused }: { state: LiveState; paused?: boolean }) {
  const shown = paused && state === "live" ? "paused" : state;
  return (
    <span class={`live ${shown}`} role="status">
      <svg viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false">
        {shown === "live" ? <circle cx="6" cy="6" r="4" /> : shown === "paused" ? <path d="M3 2h2v8H3zM7 2h2v8H7z" /> : <circle class="ring" cx="6" cy="6" r="3.5" />}
      </svg>
      {shown === "paused" ? "Paused" : TEXT[state]}
    </span>
  );
}
