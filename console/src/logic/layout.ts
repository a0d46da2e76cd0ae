// SPDX-License-Identifier: Apache-2.0
/*
 * Where hubs and devices stand on the map: every hub in the middle of its own devices, who lie around it like the seeds of a
 * sunflower (in rings while they are few), and the clusters side by side on a circle. The same devices give the same picture.
 */
export interface MapDevice {
  name: string;
  hub: string | null;
  isHub: boolean;
}

export interface Point {
  x: number;
  y: number;
}

export interface MapNode extends Point {
  name: string;
  hub: string;
  isHub: boolean;
  /** Space to the next node of its cluster. */
  spacing: number;
}

export interface MapLayout {
  nodes: Map<string, MapNode>;
  clusters: { hub: string; x: number; y: number; radius: number; devices: number }[];
  bounds: { x: number; y: number; width: number; height: number };
}

const NO_HUB = "no hub";
const RING = 14; // so many devices still get a ring of their own
const RING_RADIUS = 120;
const SEED = 17; // area that a device of a large cluster takes, as a length
const HUB_ROOM = 66;
const MARGIN = 46;
const GOLDEN = Math.PI * (3 - Math.sqrt(5));
const names = new Intl.Collator("en", { numeric: true });

function inRing(count: number, index: number): Point {
  const angle = -Math.PI / 2 + (2 * Math.PI * (index + 0.5)) / count;
  return { x: Math.cos(angle) * RING_RADIUS, y: Math.sin(angle) * RING_RADIUS };
}

function asSeed(index: number): Point {
  const first = (HUB_ROOM / SEED) ** 2;
  const radius = SEED * Math.sqrt(first + index);
  return { x: Math.cos(index * GOLDEN) * radius, y: Math.sin(index * GOLDEN) * radius };
}

function cluster(devices: readonly string[]): { points: Point[]; radius: number; spacing: number } {
  const ring = devices.length <= RING;
  const points = devices.map((_, index) => (ring ? inRing(devices.length, index) : asSeed(index)));
  const radius = devices.length ? Math.max(HUB_ROOM, ...points.map((p) => Math.hypot(p.x, p.y))) + MARGIN : HUB_ROOM;
  const spacing = ring ? (devices.length > 1 ? 2 * RING_RADIUS * Math.sin(Math.PI / devices.length) : 200) : SEED * 1.7;
  return { points, radius, spacing };
}

/** Centres for circles of these sizes: none touches another. */
function centres(radii: readonly number[]): Point[] {
  if (radii.length === 1) return [{ x: 0, y: 0 }];
  if (radii.length <= 3) {
    let x = 0;
    return radii.map((radius, i) => ({ x: i === 0 ? 0 : (x += (radii[i - 1] ?? 0) + radius), y: 0 }));
  }
  const around = radii.reduce((sum, radius) => sum + 2 * radius, 0);
  const distance = Math.max(around / (2 * Math.PI), Math.max(...radii) * 1.3) * 1.12;
  let angle = -Math.PI / 2;
  return radii.map((radius, i) => {
    if (i > 0) angle += (Math.PI * ((radii[i - 1] ?? 0) + radius) * 2) / around;
    return { x: Math.cos(angle) * distance, y: Math.sin(angle) * distance };
  });
}

export function layout(devices: readonly MapDevice[]): MapLayout {
  const members = new Map<string, string[]>();
  const hubs = new Set<string>();
  for (const device of devices) {
    if (device.isHub) hubs.add(device.name);
    const hub = device.isHub ? device.name : (device.hub ?? NO_HUB);
    const list = members.get(hub) ?? [];
    if (!device.isHub) list.push(device.name);
    members.set(hub, list);
  }
  const order = [...members.keys()].sort(names.compare);
  const parts = order.map((hub) => cluster((members.get(hub) ?? []).sort(names.compare)));
  const middle = centres(parts.map((part) => part.radius));
  const nodes = new Map<string, MapNode>();
  order.forEach((hub, i) => {
    const { x, y } = middle[i] ?? { x: 0, y: 0 };
    if (hubs.has(hub)) nodes.set(hub, { name: hub, hub, isHub: true, x, y, spacing: 200 });
    members.get(hub)?.forEach((name, k) => {
      const point = parts[i]?.points[k] ?? { x: 0, y: 0 };
      nodes.set(name, { name, hub, isHub: false, x: x + point.x, y: y + point.y, spacing: parts[i]?.spacing ?? 0 });
    });
  });
  const clusters = order.map((hub, i) => ({
    hub,
    ...(middle[i] ?? { x: 0, y: 0 }),
    radius: parts[i]?.radius ?? 0,
    devices: members.get(hub)?.length ?? 0,
  }));
  const left = Math.min(0, ...clusters.map((c) => c.x - c.radius));
  const top = Math.min(0, ...clusters.map((c) => c.y - c.radius));
  const right = Math.max(1, ...clusters.map((c) => c.x + c.radius));
  const bottom = Math.max(1, ...clusters.map((c) => c.y + c.radius));
  return { nodes, clusters, bounds: { x: left, y: top, width: right - left, height: bottom - top } };
}

export type Arrow = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight";
const WAY: Record<Arrow, Point> = {
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
};

/** The node one means by pressing an arrow: near, and more ahead than aside. */
export function towards(nodes: Iterable<MapNode>, from: MapNode, arrow: Arrow): MapNode | null {
  const way = WAY[arrow];
  let best: MapNode | null = null;
  let least = Infinity;
  for (const node of nodes) {
    const dx = node.x - from.x;
    const dy = node.y - from.y;
    const ahead = dx * way.x + dy * way.y;
    if (ahead <= 0.5) continue;
    const aside = Math.abs(dx * way.y - dy * way.x);
    const cost = ahead + 2.5 * aside;
    if (cost < least) [best, least] = [node, cost];
  }
  return best;
}
