// SPDX-License-Identifier: Apache-2.0
// What people do with devices, and how the page says that it happened.
import { useEffect, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { duration } from "../logic/format";
import type { Change, Device } from "../types";
import { useResource, type Resource } from "./resource";
import { say } from "./toast";

const MANY = 2000;

/** All devices, asked for again the less often the more they are. */
export function useDevices(): Resource<Device[]> {
  const [seconds, setSeconds] = useState(5);
  const resource = useResource((signal) => api.devices(signal), seconds);
  const wanted = (resource.data?.length ?? 0) > MANY ? 20 : 5;
  useEffect(() => setSeconds(wanted), [wanted]);
  return resource;
}

/** "hub-a enforces it after 3.2 ms" or who does not yet. */
export function enforcedText(change: Change): string {
  const late = change.enforced.filter((entry) => !entry.applied);
  if (late.length) return `${late.map((entry) => entry.hub).join(", ")} did not answer yet and will get it when back.`;
  const times = change.enforced.flatMap((entry) => (entry.after_microseconds === null ? [] : [entry.after_microseconds]));
  if (change.enforced.length === 0) return "";
  const who = change.enforced.length === 1 ? `${change.enforced[0]?.hub} enforces it` : `All ${change.enforced.length} hubs enforce it`;
  return times.length ? `${who} since ${duration(Math.max(...times))} after the change.` : `${who}.`;
}

async function attempt(what: () => Promise<Change>, done: string, undo?: () => void): Promise<boolean> {
  try {
    const change = await what();
    say("done", `${done} ${enforcedText(change)}`.trim(), undo);
    return true;
  } catch (error) {
    say("failed", sentence(error));
    return false;
  }
}

export async function quarantine(device: string, on: boolean, after: () => unknown): Promise<boolean> {
  const done = on ? `${device} is quarantined.` : `${device} is released from quarantine.`;
  const good = await attempt(() => api.setQuarantine(device, on), done, () => void quarantine(device, !on, after));
  await after();
  return good;
}

export async function trust(device: string, from: number, to: number, after: () => unknown): Promise<boolean> {
  const good = await attempt(() => api.setTrust(device, to), `${device} has trust ${to} now.`, () => void trust(device, to, from, after));
  await after();
  return good;
}

export async function revoke(device: string, after: () => unknown): Promise<boolean> {
  const good = await attempt(() => api.revoke(device), `${device} is revoked for good.`);
  await after();
  return good;
}
