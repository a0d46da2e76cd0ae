// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Device, Explanation } from "../types";
import { clientRequest, tokenRequest } from "./device_form";
import { devicesFromQuery, devicesToQuery, selectDevices, selectIdentities } from "./devices";
import { duration, relative, service, span } from "./format";
import { explainedSentence } from "./explained";
import { positionOf } from "./position";
import { may, refusal } from "./roles";
import { deviceState } from "./states";
import { configuration, makeKeys } from "./wireguard";

const top = process.env.CONSOLE_TOP ?? "";

function device(name: string, trust = 50, part: Partial<Device["security_context"]> = {}): Device {
  return {
    client_id: name,
    number: 1,
    client_type: "desktop",
    hub_type: null,
    virtual_ip: "fd00::1",
    virtual_ipv4: null,
    hub: "hub-a",
    hub_gone: null,
    tags: ["web"],
    security_context: { user_identity: "alice", trust_score: trust, quarantined: false, revoked: false, ...part },
    identity: 1,
    managed: true,
    connected: true,
    created: null,
    last_seen: null,
    policy_refused: false,
    bandwidth_stats: { received: 0, sent: 0 },
    wireguard_public_key: null,
    wireguard_endpoint: null,
  };
}

test("src/verdicts.ts is what verdict.def says", () => {
  const generated = execFileSync(process.execPath, [join(top, "console/scripts/verdicts.mjs"), "--print"], { encoding: "utf8" });
  assert.equal(readFileSync(join(top, "console/src/verdicts.ts"), "utf8"), generated);
});

test("devices are sorted as people count, and what matters most is their state", () => {
  const all = [device("pc-10"), device("pc-9", 90), device("pc-2", 20)];
  const names = (query: string) => selectDevices(all, devicesFromQuery(new URLSearchParams(query))).map((d) => d.client_id);
  assert.deepEqual(names(""), ["pc-2", "pc-9", "pc-10"]);
  assert.deepEqual(names("sort=-trust"), ["pc-9", "pc-10", "pc-2"]);
  assert.deepEqual(names("q=WEB+pc-9"), ["pc-9"]);
  assert.deepEqual(names("state=revoked"), []);
  assert.equal(deviceState(device("a", 1, { revoked: true, quarantined: true })), "revoked");
  assert.equal(devicesToQuery(devicesFromQuery(new URLSearchParams("sort=-trust&q=a&state=offline&open=x")), new URLSearchParams()).toString(), "q=a&state=offline&sort=-trust");
});

test("roles rise from viewer to root", () => {
  assert.equal(may("operator", "viewer"), true);
  assert.equal(may("viewer", "operator"), false);
  assert.equal(refusal("admin", "admin"), null);
  assert.match(refusal("viewer", "admin") ?? "", /needs the role admin.*viewer/);
});

test("the place of a policy error is found", () => {
  assert.deepEqual(positionOf("line 10, column 17: no such action"), { line: 10, column: 17 });
  assert.deepEqual(positionOf("Line 3: x"), { line: 3, column: 1 });
  assert.equal(positionOf("too large"), null);
});

test("a token request carries what was filled in", () => {
  const form = { type: "desktop", name: " pad ", owner: "", hub: "hub-a", tags: "web, db", lifetime: "3600" };
  assert.deepEqual(tokenRequest(form), { client_type: "desktop", name: "pad", hub: "hub-a", tags: ["web", "db"], lifetime_seconds: 3600 });
  assert.deepEqual(tokenRequest({ ...form, type: "hub", tags: "" }), { hub_type: "hub", name: "pad", lifetime_seconds: 3600 });
});

test("a stock client's request and configuration are those of rnaut export", () => {
  const form = { type: "mobile", name: " pad ", owner: "bob", hub: "", tags: "" };
  const key = "A".repeat(43) + "=";
  assert.deepEqual(clientRequest(form, key), { client_type: "mobile", name: "pad", owner: "bob", wireguard_public_key: key });
  const client = {
    device: { ...device("pad"), virtual_ipv4: "100.64.0.9" },
    hub: { ...device("hub-a"), wireguard_public_key: "B".repeat(43) + "=", wireguard_endpoint: "[2001:db8::1]:51820" },
    network: { prefixes: ["fd00::/48", "100.64.0.0/16"], mtu: 1372 },
    enforced: [],
  };
  assert.deepEqual(configuration(client, "SECRET").split("\n"), [
    "# pad, through hub-a", "[Interface]", "PrivateKey = SECRET", "Address = fd00::1/128, 100.64.0.9/32", "MTU = 1372", "",
    "[Peer]", `PublicKey = ${"B".repeat(43)}=`, "Endpoint = [2001:db8::1]:51820", "AllowedIPs = fd00::/48, 100.64.0.0/16",
    "PersistentKeepalive = 25", "",
  ]);
});

test("keys are WireGuard's: 32 bytes, clamped, another pair each time", async () => {
  const [one, two] = [await makeKeys(), await makeKeys()];
  const secret = Buffer.from(one.secret, "base64");
  assert.equal(secret.length, 32);
  assert.equal(Buffer.from(one.public, "base64").length, 32);
  assert.deepEqual([(secret[0] ?? 0) & 7, (secret[31] ?? 0) & 192], [0, 64]);
  assert.notEqual(one.secret, two.secret);
});

test("identities are found by a part of a selector or by their number", () => {
  const all = [
    { identity: 1, state: "usable" as const, selectors: ["everyone", "user:alice"], devices: 2 },
    { identity: 12, state: "ending" as const, selectors: ["everyone", "tag:web"], devices: 1 },
  ];
  const found = (text: string) => selectIdentities(all, text).map((one) => one.identity);
  assert.deepEqual(found(""), [1, 12]);
  assert.deepEqual(found("1"), [1]);
  assert.deepEqual(found("Tag:WEB everyone"), [12]);
  assert.deepEqual(found("user:bob"), []);
});

test("devices of one identity, and of no other that begins alike", () => {
  const devices = [{ ...device("a"), identity: 1 }, { ...device("b"), identity: 12 }];
  const query = devicesFromQuery(new URLSearchParams({ q: "identity:1" }));
  assert.deepEqual(selectDevices(devices, query).map((d) => d.client_id), ["a"]);
});

test("times and services in words", () => {
  const now = Date.parse("2026-11-27T12:00:00Z");
  assert.equal(relative(null, now), "never");
  assert.equal(relative("2026-11-27T11:57:00Z", now), "3 min ago");
  assert.equal(relative("2026-11-27T13:00:00Z", now), "in 1 h");
  assert.equal(span(90000), "1 d");
  assert.equal(duration(480), "480 µs");
  assert.equal(duration(3200), "3.2 ms");
  assert.equal(service("tcp", 22), "tcp/22");
  assert.equal(service("47", 0), "protocol 47");
});

test("an explanation is one sentence", () => {
  const end = (client_id: string) => ({ client_id }) as Device;
  const answer = { verdict: "allow", text: "allowed", rule: "ops", source: end("laptop"), destination: end("server") } as Explanation;
  const request = { source: "laptop", destination: "server", protocol: "tcp", port: 22 } as const;
  assert.equal(explainedSentence(answer, request), "laptop may reach server at tcp/22: the rule ops allows it.");
  const denied = { ...answer, verdict: "deny", text: "no rule allows it", rule: null } as Explanation;
  assert.equal(explainedSentence(denied, { ...request, protocol: "icmp" }), "laptop may not ping server: no rule allows it.");
  assert.equal(explainedSentence({ ...denied, text: "a rule denies it", rule: "x" }, request), "laptop may not reach server at tcp/22: a rule denies it, by the rule x.");
});
