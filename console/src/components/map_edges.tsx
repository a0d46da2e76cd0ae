// SPDX-License-Identifier: Apache-2.0
/*
 * Traffic between two devices as a curve by way of their hubs. Allowed is a whole line along which dots travel; denied is a
 * broken line that stops half way at an octagon with a cross. Both fade as they get older.
 */
import type { Point } from "../logic/layout";
import { SHOWN_MS, type Pair } from "../logic/traffic";

const HOT_MS = 1600;
const WARM_MS = 9000;
const STOP = 0.34; // where on its way a denied packet is drawn to stop
const LANE = 9; // pixels from the middle to a direction's lane; denied runs further out

export interface EdgeEnds {
  from: Point;
  to: Point;
  /** The hubs of both ends. */
  by: [Point, Point];
}

const mix = (a: Point, b: Point, t: number): Point => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
const text = (point: Point) => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;

/** Each direction keeps to its own side, as on a road. */
function lane({ from, to, by: [a, b] }: EdgeEnds, width: number): [Point, Point] {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const dx = (-(to.y - from.y) / length) * width;
  const dy = ((to.x - from.x) / length) * width;
  return [
    { x: a.x + dx, y: a.y + dy },
    { x: b.x + dx, y: b.y + dy },
  ];
}

/** The way of what is allowed. */
function whole(ends: EdgeEnds): string {
  const [a, b] = lane(ends, LANE);
  return `M${text(ends.from)}C${text(a)} ${text(b)} ${text(ends.to)}`;
}

/** The way of what is denied, up to the point where it stops (de Casteljau). */
function part(ends: EdgeEnds): { path: string; stop: Point } {
  const [a, b] = lane(ends, 2.4 * LANE);
  const ab = mix(a, b, STOP);
  const one = mix(ends.from, a, STOP);
  const two = mix(one, ab, STOP);
  const stop = mix(two, mix(ab, mix(b, ends.to, STOP), STOP), STOP);
  return { path: `M${text(ends.from)}C${text(one)} ${text(two)} ${text(stop)}`, stop };
}

function age(at: number, now: number): string {
  const ms = now - at;
  return ms < HOT_MS ? "hot" : ms < WARM_MS ? "warm" : "cool";
}

export function MapEdge({ pair, ends, now, dimmed }: { pair: Pair; ends: EdgeEnds; now: number; dimmed: boolean }) {
  const allowed = now - pair.allowedAt < SHOWN_MS ? age(pair.allowedAt, now) : null;
  const denied = now - pair.deniedAt < SHOWN_MS ? age(pair.deniedAt, now) : null;
  const way = allowed ? whole(ends) : "";
  const dead = denied ? part(ends) : null;
  return (
    <g class={dimmed ? "edge dimmed" : "edge"}>
      {allowed && <path class={`edge-line allow ${allowed}`} d={way} />}
      {allowed === "hot" && <path class="edge-dots" d={way} />}
      {dead && (
        <>
          <path class={`edge-line deny ${denied}`} d={dead.path} />
          <g class={`edge-mark ${denied}`} transform={`translate(${text(dead.stop)})`}>
            <path class="mark-fill" d="M-3-7h6l4 4v6l-4 4h-6l-4-4v-6z" />
            <path class="mark-cut" d="M-2.5-2.5l5 5M2.5-2.5l-5 5" />
          </g>
        </>
      )}
    </g>
  );
}
