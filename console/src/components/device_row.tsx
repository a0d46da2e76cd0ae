// SPDX-License-Identifier: Apache-2.0
import { Component } from "preact";
import { relative } from "../logic/format";
import { deviceState } from "../logic/states";
import type { Device } from "../types";
import { Cell } from "../ui/grid";
import { StateBadge, TrustMeter } from "./verdict";

export const KIND_WORDS: Record<string, string> = {
  desktop: "desktop",
  mobile: "mobile",
  server: "server",
  iot: "IoT",
  gateway: "gateway",
  regional: "regional hub",
  departmental: "departmental hub",
  project: "project hub",
};

export const kindOf = (device: Device) => KIND_WORDS[device.hub_type ?? device.client_type ?? ""] ?? "device";

export class DeviceCells extends Component<{ device: Device; now: number }> {
  override shouldComponentUpdate(next: { device: Device; now: number }): boolean {
    return next.device !== this.props.device || next.now !== this.props.now;
  }

  override render() {
    const { device, now } = this.props;
    const { security_context: security } = device;
    return (
      <>
        <Cell name="device">
          <span class="device-name">{device.client_id}</span>
          <span class="device-kind">{kindOf(device)}</span>
        </Cell>
        <Cell name="owner">{security.user_identity ?? <span class="none">nobody</span>}</Cell>
        <Cell name="state">
          <StateBadge state={deviceState(device)} />
        </Cell>
        <Cell name="trust">
          <TrustMeter value={security.trust_score} />
        </Cell>
        <Cell name="hub">{device.hub ?? <span class="none">–</span>}</Cell>
        <Cell name="address" title={device.virtual_ip ?? undefined}>
          {device.virtual_ipv4 ?? device.virtual_ip ?? "–"}
        </Cell>
        <Cell name="seen" title={device.last_seen ?? (device.hub_type ? undefined : "Its hub has told of none.")}>
          {device.last_seen ? relative(device.last_seen, now) : <span class="none">{device.hub_type ? "–" : "none yet"}</span>}
        </Cell>
      </>
    );
  }
}
