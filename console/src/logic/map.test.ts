// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlowEvent } from "../types";
import { layout, towards, type MapDevice } from "./layout";
import { Traffic } from "./traffic";

function network(hubs: number, devices: number): MapDevice[] {
  const list: MapDevice[] = [];
  for (let h = 0; h < hubs; h++) list.push({ name: `hub-${h}`, hub: null, isHub: true });
  for (let d = 0; d < devices; d++) list.push({ name: `pc-${d}`, hub: `hub-${d % hubs}`, isHub: false });
  return list;
}

for (const [hubs, devices] of [[1, 0], [1, 1], [1, 3], [2, 40], [5, 500], [12, 3000]] as const) {
  test(`${hubs} hubs and ${devices} devices: nothing lies on something else, all is within bounds`, () => {
    const { nodes, clusters, bounds } = layout(network(hubs, devices));
    assert.equal(nodes.size, hubs + devices);
    const list = [...nodes.values()];
    for (let i = 0; i < list.length; i++) {
      const a = list[i]!;
      assert.ok(a.x >= bounds.x && a.y >= bounds.y && a.x <= bounds.x + bounds.width && a.y <= bounds.y + bounds.height);
      for (let k = i + 1; k < Math.min(list.length, i + 400); k++) {
        const b = list[k]!;
        assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 12, `${a.name} and ${b.name}`);
      }
    }
    for (let i = 0; i < clusters.length; i++)
      for (let k = i + 1; k < clusters.length; k++) {
        const [a, b] = [clusters[i]!, clusters[k]!];
        assert.ok(Math.hypot(a.x - b.x, a.y - b.y) >= a.radius + b.radius - 1, `${a.hub} and ${b.hub}`);
      }
  });
}

test("the arrows reach every node of a map", () => {
  const { nodes } = layout(network(3, 30));
  const first = nodes.values().next().value!;
  const reached = new Set([first]);
  const queue = [first];
  for (let node = queue.pop(); node; node = queue.pop())
    for (const arrow of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] as const) {
      const next = towards(nodes.values(), node, arrow);
      if (next && !reached.has(next)) {
        reached.add(next);
        queue.push(next);
      }
    }
  assert.equal(reached.size, nodes.size);
});

test("a device whose hub is unknown is still on the map", () => {
  const { nodes } = layout([{ name: "lost", hub: "gone", isHub: false }, { name: "alone", hub: null, isHub: false }]);
  assert.deepEqual([...nodes.keys()].sort(), ["alone", "lost"]);
});

test("traffic is counted by pair and direction, newest first", () => {
  const traffic = new Traffic();
  const event = (from: string, to: string, verdict: "allow" | "deny", second: number) =>
    ({
      time: `2026-11-27T12:00:0${second}Z`,
      verdict,
      reason: "default_deny",
      protocol: "tcp",
      source: { client_id: from },
      destination: { client_id: to, port: 22 },
    }) as FlowEvent;
  const now = Date.parse("2026-11-27T12:01:00Z");
  traffic.add(event("a", "b", "allow", 1), now);
  traffic.add(event("a", "b", "deny", 3), now);
  traffic.add(event("b", "a", "deny", 2), now);
  assert.deepEqual(traffic.recent(10, 0).map((p) => [p.source, p.allowed, p.denied]), [["b", 0, 1], ["a", 1, 1]]);
  assert.deepEqual(traffic.recent(10, Date.parse("2026-11-27T12:00:03Z")).map((p) => p.source), ["a"]);
});
