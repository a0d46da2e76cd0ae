// SPDX-License-Identifier: Apache-2.0
/*
 * Flow events a second over the last two minutes: allowed above the line, denied hatched below it, so that the two are told
 * apart without colour.
 */
import { feed } from "../hooks/flows";
import { useNow } from "../hooks/media";
import { milliseconds, plural } from "../logic/format";

const SECONDS = 120;
const HEIGHT = 34;
const LOOK_BACK = 20_000;

interface Second {
  allow: number;
  deny: number;
}

/** Events by second, index 0 the oldest; only as far back as the newest so many events reach. */
function bySecond(end: number): Second[] {
  const seconds = Array.from({ length: SECONDS }, () => ({ allow: 0, deny: 0 }));
  for (let id = feed.ring.endId - 1; id >= Math.max(feed.ring.firstId, feed.ring.endId - LOOK_BACK); id--) {
    const event = feed.ring.get(id)?.value;
    const time = milliseconds(event?.time ?? null);
    if (!event || time === null) continue;
    const index = Math.floor(time / 1000) - end + SECONDS - 1;
    if (index < 0) break;
    const second = seconds[index];
    if (second) second[event.verdict]++;
  }
  return seconds;
}

export function Pulse() {
  const end = Math.floor(useNow(1) / 1000);
  const bars = bySecond(end).map((second, i) => ({ ...second, i }));
  const most = Math.max(4, ...bars.map((bar) => Math.max(bar.allow, bar.deny)));
  const sum = (verdict: "allow" | "deny") => bars.reduce((n, bar) => n + bar[verdict], 0);
  const size = (n: number) => (n ? Math.max(1.5, (n / most) * HEIGHT) : 0);
  return (
    <figure class="pulse">
      <svg viewBox={`0 0 ${SECONDS * 5} ${HEIGHT * 2 + 2}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <defs>
          <pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="hatch-back" width="4" height="4" />
            <rect class="hatch-line" width="2.2" height="4" />
          </pattern>
        </defs>
        {bars.map(({ i, allow, deny }) => (
          <g key={end + i}>
            {allow > 0 && <rect class="pulse-allow" x={i * 5} width="4" y={HEIGHT - size(allow)} height={size(allow)} />}
            {deny > 0 && <rect class="pulse-deny" x={i * 5} width="4" y={HEIGHT + 2} height={size(deny)} fill="url(#hatch)" />}
          </g>
        ))}
        <rect class="pulse-axis" x="0" width={SECONDS * 5} y={HEIGHT + 0.5} height="1" />
      </svg>
      <figcaption>
        Last two minutes: {plural(sum("allow"), "event")} allowed (above), {plural(sum("deny"), "event")} denied (below,
        hatched).
      </figcaption>
    </figure>
  );
}
