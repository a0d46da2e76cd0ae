// SPDX-License-Identifier: Apache-2.0
// Values as people read them. Numbers stay exact: nothing goes through a double that may not fit into one.
import type { Exact, FlowEnd } from "../types";

const MILLION = 1000000n;

/** 12,345,678: all digits, in groups of three. */
export function count(value: Exact): string {
  return BigInt(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 1,234 things, 1 thing. */
export function plural(value: Exact, one: string, many = one + "s"): string {
  return `${count(value)} ${BigInt(value) === 1n ? one : many}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Three significant digits and a binary unit; the exact number belongs beside it or in a title. */
export function bytes(value: Exact): string {
  let rest = BigInt(value) * MILLION;
  let unit = 0;
  while (rest >= 1024n * MILLION && unit < UNITS.length - 1) {
    rest /= 1024n;
    unit++;
  }
  const number = Number(rest) / 1e6;
  const digits = unit === 0 || number >= 100 ? 0 : number >= 10 ? 1 : 2;
  return `${number.toFixed(digits)} ${UNITS[unit]}`;
}

export function milliseconds(time: string | null): number | null {
  if (!time) return null;
  const value = Date.parse(time);
  return Number.isNaN(value) ? null : value;
}

const two = (n: number) => String(n).padStart(2, "0");

/** 14:05:09.123 in the reader's own time zone. */
export function clock(time: string | null): string {
  const at = milliseconds(time);
  if (at === null) return "–";
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}

/** 2026-11-27 14:05:09, in the reader's own time zone. */
export function moment(time: string | null): string {
  const at = milliseconds(time);
  if (at === null) return "never";
  const d = new Date(at);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

const STEPS: readonly (readonly [number, string])[] = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** 45 s, 3 min, 5 h, 2 d. */
export function span(seconds: number): string {
  for (const [size, unit] of STEPS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return "0 s";
}

/** How long ago, or how long until, in words. */
export function relative(time: string | null, now: number): string {
  const at = milliseconds(time);
  if (at === null) return "never";
  const seconds = (now - at) / 1000;
  if (Math.abs(seconds) < 2) return "now";
  return seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

/** 3.2 ms, 480 µs, 1.4 s. */
export function duration(microseconds: number): string {
  if (microseconds < 1000) return `${microseconds} µs`;
  if (microseconds < 1e6) return `${(microseconds / 1000).toFixed(microseconds < 1e4 ? 1 : 0)} ms`;
  return `${(microseconds / 1e6).toFixed(1)} s`;
}

export function endName(end: FlowEnd): string {
  return end.client_id ?? end.virtual_ip ?? "unknown";
}

/** tcp/22, icmp, protocol 47. */
export function service(protocol: string, port: number): string {
  if (protocol === "icmp") return "icmp echo";
  if (/^\d+$/.test(protocol)) return `protocol ${protocol}`;
  return `${protocol}/${port}`;
}
