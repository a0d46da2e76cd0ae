// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import { useShortcuts } from "../hooks/shortcuts";
import { useViewport } from "../hooks/viewport";
import { layout, towards, type Arrow, type MapNode, type Point } from "../logic/layout";
import { SHOWN_MS, type Traffic } from "../logic/traffic";
import type { Device } from "../types";
import { Button } from "../ui/button";
import { MapEdge } from "./map_edges";
import { MapMark } from "./map_nodes";

const EDGES_MAX = 300;
const LABEL_ROOM = 62; // pixels between two devices from which their names fit

interface NetworkMapProps {
  devices: readonly Device[];
  traffic: Traffic;
  now: number;
  /** Devices that are meant; null: all. */
  matching: ReadonlySet<string> | null;
  open: string | null;
  onOpen: (name: string) => void;
}

function useLayout(devices: readonly Device[]) {
  const key = devices.map((d) => `${d.client_id} ${d.hub}`).join();
  return useMemo(
    () => layout(devices.map((d) => ({ name: d.client_id, hub: d.hub, isHub: d.hub_type !== null }))),
    [key],
  );
}

export function NetworkMap({ devices, traffic, now, matching, open, onOpen }: NetworkMapProps) {
  const plan = useLayout(devices);
  const { box, view, pointer, zoom, reveal, reset, moved } = useViewport(plan.bounds);
  const byName = useMemo(() => new Map(devices.map((device) => [device.client_id, device])), [devices]);
  const [current, setCurrent] = useState<string | null>(null);
  const tabbable = current && plan.nodes.has(current) ? current : (plan.nodes.keys().next().value ?? null);
  const place = (point: Point): Point => ({ x: point.x * view.scale + view.x, y: point.y * view.scale + view.y });
  useShortcuts({ "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), "0": reset });

  const onKeyDown = (event: KeyboardEvent) => {
    const from = current ? plan.nodes.get(current) : undefined;
    if (event.key === "Enter" || event.key === " ") {
      if (!current) return;
      event.preventDefault();
      onOpen(current);
    } else if (from && event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = towards(plan.nodes.values(), from, event.key as Arrow);
      if (!next) return;
      reveal(next);
      box.current?.querySelector<SVGGElement>(`[data-node="${CSS.escape(next.name)}"]`)?.focus();
    }
  };

  const edges = traffic.recent(EDGES_MAX, now - SHOWN_MS).flatMap((pair) => {
    const from = plan.nodes.get(pair.source);
    const to = plan.nodes.get(pair.destination);
    if (!from || !to || from === to) return [];
    const hubOf = (node: MapNode) => place(plan.nodes.get(node.hub) ?? node);
    const dimmed = matching !== null && !matching.has(pair.source) && !matching.has(pair.destination);
    const ends = { from: place(from), to: place(to), by: [hubOf(from), hubOf(to)] as [Point, Point] };
    return <MapEdge key={pair.key} pair={pair} ends={ends} now={now} dimmed={dimmed} />;
  });
  return (
    <div class="map-box" ref={box} onKeyDown={onKeyDown} {...pointer}>
      <svg role="group" aria-label="Hubs and devices; arrows move between them, Enter opens one">
        {plan.clusters.map((cluster) => {
          const at = place(cluster);
          return <circle key={cluster.hub} class="cluster" cx={at.x} cy={at.y} r={(cluster.radius - 12) * view.scale} />;
        })}
        <g class={edges.length > 120 ? "edges many" : "edges"}>{edges}</g>
        {[...plan.nodes.values()].map((node) => {
          const device = byName.get(node.name);
          if (!device) return null;
          const at = place(node);
          const room = node.spacing * view.scale;
          return (
            <MapMark
              key={node.name}
              node={node}
              device={device}
              x={at.x}
              y={at.y}
              size={Math.max(3, Math.min(8, room / 3.6))}
              labelled={room >= LABEL_ROOM}
              tabbable={node.name === tabbable}
              open={node.name === open}
              dimmed={matching !== null && !matching.has(node.name)}
              onOpen={onOpen}
              onFocus={setCurrent}
            />
          );
        })}
        {plan.clusters.map((cluster) => {
          if (cluster.devices < 15) return null;
          const at = place(cluster);
          return (
            <text key={cluster.hub} class="cluster-label" x={at.x} y={at.y - (cluster.radius - 12) * view.scale - 6}>
              {cluster.hub}: {cluster.devices} devices
            </text>
          );
        })}
      </svg>
      <div class="map-tools">
        <Button icon="plus" label="Zoom in (+)" size="small" onClick={() => zoom(1.3)} />
        <Button icon="minus" label="Zoom out (-)" size="small" onClick={() => zoom(1 / 1.3)} />
        <Button icon="fit" label="Show all (0)" size="small" onClick={reset} refusal={moved ? null : "Everything is shown."} />
      </div>
    </div>
  );
}
