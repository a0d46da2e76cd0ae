// SPDX-License-Identifier: Apache-2.0
// Which devices are shown, and in what order; which identities.
import type { Device, IdentityInfo } from "../types";
import { deviceState, type DeviceState } from "./states";

export type DeviceSort = "name" | "owner" | "state" | "trust" | "hub" | "seen" | "number";
export interface DeviceQuery {
  text: string;
  state: DeviceState | "";
  sort: DeviceSort;
  down: boolean;
}

const SORTS: readonly DeviceSort[] = ["name", "owner", "state", "trust", "hub", "seen", "number"];
const STATES: readonly string[] = ["connected", "offline", "unmanaged", "quarantined", "revoked"];

/** Text that sorts as people count: pc-9 before pc-10. Ten thousand collations a sort would be felt. */
const key = (text: string) => text.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export function devicesFromQuery(query: URLSearchParams): DeviceQuery {
  const sort = query.get("sort") ?? "name";
  const state = query.get("state") ?? "";
  const plain = sort.replace(/^-/, "") as DeviceSort;
  return {
    text: query.get("q") ?? "",
    state: STATES.includes(state) ? (state as DeviceState) : "",
    sort: SORTS.includes(plain) ? plain : "name",
    down: sort.startsWith("-"),
  };
}

export function devicesToQuery(value: DeviceQuery, query: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(query);
  const sort = (value.down ? "-" : "") + value.sort;
  for (const [key, text] of [["q", value.text], ["state", value.state], ["sort", sort === "name" ? "" : sort]] as const) {
    if (text) next.set(key, text);
    else next.delete(key);
  }
  return next;
}

const words = (d: Device) =>
  [d.client_id, d.security_context.user_identity, d.client_type, d.hub_type, d.hub, d.virtual_ip, d.virtual_ipv4, ...d.tags]
    .join(" ")
    .toLowerCase();

const COMPARE: Record<DeviceSort, (a: Device, b: Device) => number> = {
  name: () => 0,
  number: (a, b) => a.number - b.number,
  owner: (a, b) => order(a.security_context.user_identity ?? "\uffff", b.security_context.user_identity ?? "\uffff"),
  state: (a, b) => STATES.indexOf(deviceState(a)) - STATES.indexOf(deviceState(b)),
  trust: (a, b) => a.security_context.trust_score - b.security_context.trust_score,
  hub: (a, b) => order(a.hub ?? "", b.hub ?? ""),
  seen: (a, b) => order(a.last_seen ?? "", b.last_seen ?? ""),
};

export function selectDevices(devices: readonly Device[], query: DeviceQuery): Device[] {
  const needles = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = devices.filter((device) => {
    if (query.state && deviceState(device) !== query.state) return false;
    if (needles.length === 0) return true;
    const text = words(device);
    return needles.every((needle) => (needle.startsWith("identity:") ? needle === `identity:${device.identity}` : text.includes(needle)));
  });
  const compare = COMPARE[query.sort];
  const sign = query.down ? -1 : 1;
  return chosen
    .map((device) => ({ device, name: key(device.client_id) }))
    .sort((a, b) => sign * (compare(a.device, b.device) || order(a.name, b.name)))
    .map(({ device }) => device);
}

/** A needle of digits is a number; any other is part of a selector. */
export function selectIdentities(identities: readonly IdentityInfo[], text: string): IdentityInfo[] {
  const needles = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (one: IdentityInfo, needle: string) => String(one.identity) === needle || one.selectors.some((selector) => selector.toLowerCase().includes(needle));
  return identities.filter((one) => needles.every((needle) => matches(one, needle)));
}
