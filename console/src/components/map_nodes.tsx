// SPDX-License-Identifier: Apache-2.0
import { Component } from "preact";
import { deviceState, STATE_TEXT, type DeviceState } from "../logic/states";
import type { MapNode } from "../logic/layout";
import type { Device } from "../types";
import { kindOf } from "./device_row";

interface NodeProps {
  node: MapNode;
  device: Device;
  x: number;
  y: number;
  size: number;
  labelled: boolean;
  tabbable: boolean;
  open: boolean;
  dimmed: boolean;
  onOpen: (name: string) => void;
  onFocus: (name: string) => void;
}

function shape(state: DeviceState, r: number): string {
  if (state === "quarantined") return `M0 ${-r * 1.35}L${r * 1.3} ${r}H${-r * 1.3}z`;
  if (state === "unmanaged") return `M0 ${-r * 1.25}L${r * 1.25} 0L0 ${r * 1.25}L${-r * 1.25} 0z`;
  return `M0 ${-r}a${r} ${r} 0 1 0 0.01 0z`;
}

function describe(device: Device, state: DeviceState): string {
  const parts = [device.client_id, kindOf(device), STATE_TEXT[state], `trust ${device.security_context.trust_score}`];
  if (!device.hub_type && device.hub) parts.push(`at ${device.hub}`);
  return parts.join(", ");
}

const SAME = ["node", "device", "x", "y", "size", "labelled", "tabbable", "open", "dimmed"] as const;

/** One hub or device. It is drawn again only when something about it changes. */
export class MapMark extends Component<NodeProps> {
  override shouldComponentUpdate(next: NodeProps): boolean {
    return SAME.some((key) => next[key] !== this.props[key]);
  }

  override render() {
    const { node, device, x, y, size, labelled, tabbable, open, dimmed } = this.props;
    const state = deviceState(device);
    const width = node.isHub ? Math.max(64, node.name.length * 7.6 + 24) : 0;
    const classes = ["node", node.isHub ? "hub-node" : "", state, open && "open", dimmed && "dimmed", labelled && "labelled"];
    return (
      <g
        class={classes.filter(Boolean).join(" ")}
        transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}
        role="button"
        tabIndex={tabbable ? 0 : -1}
        aria-label={describe(device, state)}
        data-node={node.name}
        onClick={() => this.props.onOpen(node.name)}
        onFocus={() => this.props.onFocus(node.name)}
      >
        {node.isHub ? (
          <>
            <rect class="focus-ring" x={-width / 2 - 4} y={-19} width={width + 8} height={38} rx={10} />
            <rect class="hub-box" x={-width / 2} y={-15} width={width} height={30} rx={7} />
            <text class="hub-label" y={4.5}>
              {node.name}
            </text>
          </>
        ) : (
          <>
            <circle class="focus-ring" r={size + 5} />
            <circle class="target" r={Math.max(12, size + 3)} />
            <path class="dot" d={shape(state, size)} />
            <text class="label" y={size + 15}>
              {node.name}
            </text>
          </>
        )}
      </g>
    );
  }
}
