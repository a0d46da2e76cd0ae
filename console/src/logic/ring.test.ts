// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlowEvent } from "../types";
import { newestDenials } from "./denials";
import { Ring, View } from "./ring";

test("the newest are kept under ids that rise", () => {
  const ring = new Ring<number>(3);
  for (let i = 0; i < 10; i++) ring.push(i);
  assert.equal(ring.length, 3);
  assert.equal(ring.firstId, 8);
  assert.deepEqual([8, 9, 10].map((id) => ring.get(id)?.value), [7, 8, 9]);
  assert.equal(ring.get(7), undefined);
  assert.equal(ring.get(11), undefined);
});

test("a view follows the ring as filtering everything anew would", () => {
  const ring = new Ring<number>(100);
  const even = (n: number) => n % 2 === 0;
  const view = new View(ring, even);
  let next = 0;
  for (let round = 0; round < 400; round++) {
    for (let i = 0; i < (round * 7) % 37; i++) ring.push(next++);
    view.update();
    const wanted = [];
    for (let id = ring.endId - 1; id >= ring.firstId; id--) {
      const value = ring.get(id)?.value ?? NaN;
      if (even(value)) wanted.push(value);
    }
    assert.deepEqual(Array.from({ length: view.length }, (_, i) => view.newest(i)?.value), wanted);
  }
});

test("a view that is held does not move", () => {
  const ring = new Ring<number>(100);
  const view = new View(ring, () => true);
  ring.push(1);
  const end = ring.endId;
  ring.push(2);
  view.update(end);
  assert.equal(view.length, 1);
  view.update();
  assert.equal(view.newest(0)?.value, 2);
});

test("a cleared ring goes on with new ids", () => {
  const ring = new Ring<number>(10);
  const view = new View(ring, () => true);
  ring.push(1);
  view.update();
  ring.clear();
  ring.push(2);
  view.update();
  assert.equal(view.length, 1);
  assert.equal(view.newest(0)?.id, 2);
});

test("denials of one kind are told once", () => {
  const ring = new Ring<FlowEvent>(100);
  const event = (port: number, verdict: "allow" | "deny", serial: number) =>
    ({ serial, verdict, protocol: "tcp", reason: "deny_rule", rule: "r", source: { client_id: "a" }, destination: { client_id: "b", port } }) as FlowEvent;
  [event(22, "deny", 1), event(23, "deny", 2), event(22, "deny", 3), event(22, "allow", 4)].forEach((e) => ring.push(e));
  assert.deepEqual(newestDenials(ring, 8).map((d) => [d.event.serial, d.count]), [[3, 2], [2, 1]]);
  assert.equal(newestDenials(ring, 1).length, 1);
});
