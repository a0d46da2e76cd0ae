// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlowEvent } from "../types";
import { filterFromQuery, filterToQuery, isFiltered, matcher, NO_FILTER } from "./filter";

function event(part: Partial<FlowEvent> = {}): FlowEvent {
  return {
    serial: 1,
    time: "2026-11-27T12:00:00.000001Z",
    kind: "denied",
    verdict: "deny",
    reason_number: 2,
    reason: "deny_rule",
    rule: "bob-no-ssh",
    observed_rule: null,
    log: false,
    generation: 1,
    protocol: "tcp",
    source: { client_id: "phone", hub: "hub-a", virtual_ip: "fd00::3", port: 40000, identity: 3 },
    destination: { client_id: "server", hub: "hub-a", virtual_ip: "fd00::2", port: 22, identity: 2 },
    source_trust_score: 50,
    bytes: 60,
    direction: "ingress",
    hub: "hub-a",
    ...part,
  };
}

test("a filter survives the address bar, and other keys stay", () => {
  const filter = { verdict: "deny", device: "phone", reason: "deny_rule", rule: "bob-no-ssh", text: "tcp/22 & more" };
  const query = filterToQuery(filter, new URLSearchParams("open=7"));
  assert.equal(query.get("open"), "7");
  assert.deepEqual(filterFromQuery(new URLSearchParams(query.toString())), filter);
  assert.equal(filterToQuery(NO_FILTER, query).toString(), "open=7");
});

test("a verdict that does not exist filters nothing", () => {
  assert.equal(isFiltered(filterFromQuery(new URLSearchParams("verdict=maybe"))), false);
});

const cases: [string, Partial<typeof NO_FILTER>, boolean][] = [
  ["nothing", {}, true],
  ["its verdict", { verdict: "deny" }, true],
  ["the other verdict", { verdict: "allow" }, false],
  ["its source", { device: "phone" }, true],
  ["its destination's address", { device: "fd00::2" }, true],
  ["part of a name is not the device", { device: "pho" }, false],
  ["its reason", { reason: "deny_rule" }, true],
  ["another rule", { rule: "staff-web" }, false],
  ["words in any order and case", { text: "SERVER tcp/22" }, true],
  ["words of the reason", { text: "a deny rule matches" }, true],
  ["one word that is not there", { text: "server udp" }, false],
];
for (const [name, part, wanted] of cases) {
  test(`filter by ${name}`, () => assert.equal(matcher({ ...NO_FILTER, ...part })(event()), wanted));
}
