// SPDX-License-Identifier: Apache-2.0
/*
 * Traffic between two devices as a curve by way of their hubs. Allowed is a whole line along which dots travel; denied is a
 * broken line that stops half way at an octagon with a cross. Both fade as they get older.
 */
import type { Point } from "../logic/layout";
import { SHOWN_MS, type Pair } from "../logic/traffic";

const HOT_MS = 1600;
const WARM_MS = 9000;
const STOP = 0.4; // where on its way a denied packet is drawn to stop
const LANE = 9; // pixels between the lines of the two directions

export interface EdgeEnds {
  from: Point;
  to: Point;
  /** The hubs of both ends. */
  by: [Point, Point];
}

const mix = (a: Point, b: Point, t: number): Point => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
const text = (point: Point) => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;

/** Each direction keeps to its own side, as on a road. */
function lane({ from, to, by: [a, b] }: EdgeEnds): [Point, Point] {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const dx = (-(to.y - from.y) / length) * LANE;
  const dy = ((to.x - from.x) / length) * LANE;
  return [
    { x: a.x + dx, y: a.y + dy },
    { x: b.x + dx, y: b.y + dy },
  ];
}

/** The whole curve, the part of it up to STOP, and the point there (de Casteljau). */
export function curves(ends: EdgeEnds): { whole: string; part: string; stop: Point } {
  const { from, to } = ends;
  const [a, b] = lane(ends);
  const ab = mix(a, b, STOP);
  const one = mix(from, a, STOP);
  const two = mix(one, ab, STOP);
  const stop = mix(two, mix(ab, mix(b, to, STOP), STOP), STOP);
  return {
    whole: `M${text(from)}C${text(a)} ${text(b)} ${text(to)}`,
    part: `M${text(from)}C${text(one)} ${text(two)} ${text(stop)}`,
    stop,
  };
}

function age(at: number, now: number): string {
  const ms = now - at;
  return ms < HOT_MS ? "hot" : ms < WARM_MS ? "warm" : "cool";
}

export function MapEdge({ pair, ends, now, dimmed }: { pair: Pair; ends: EdgeEnds; now: number; dimmed: boolean }) {
  const { whole, part, stop } = curves(ends);
  const allowed = now - pair.allowedAt < SHOWN_MS ? age(pair.allowedAt, now) : null;
  const denied = now - pair.deniedAt < SHOWN_MS ? age(pair.deniedAt, now) : null;
  return (
    <g class={dimmed ? "edge dimmed" : "edge"}>
      {allowed && <path class={`edge-line allow ${allowed}`} d={whole} />}
      {allowed === "hot" && <path class="edge-dots" d={whole} />}
      {denied && <path class={`edge-line deny ${denied}`} d={part} />}
      {denied && (
        <g class={`edge-mark ${denied}`} transform={`translate(${text(stop)})`}>
          <path class="mark-fill" d="M-3-7h6l4 4v6l-4 4h-6l-4-4v-6z" />
          <path class="mark-cut" d="M-2.5-2.5l5 5M2.5-2.5l-5 5" />
        </g>
      )}
    </g>
  );
}
