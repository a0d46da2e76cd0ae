// SPDX-License-Identifier: Apache-2.0
import type { Device } from "../types";

export type DeviceState = "connected" | "offline" | "unmanaged" | "quarantined" | "revoked";

/** The one thing about a device that matters most. */
export function deviceState(device: Device): DeviceState {
  if (device.security_context.revoked) return "revoked";
  if (device.security_context.quarantined) return "quarantined";
  if (!device.managed) return "unmanaged";
  return device.connected ? "connected" : "offline";
}

export const STATE_TEXT: Record<DeviceState, string> = {
  connected: "Connected",
  offline: "Offline",
  unmanaged: "WireGuard app",
  quarantined: "Quarantined",
  revoked: "Revoked",
};
