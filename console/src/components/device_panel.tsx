// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { quarantine } from "../hooks/devices";
import { useSession } from "../hooks/session";
import { bytes, moment, plural, relative } from "../logic/format";
import { refusal } from "../logic/roles";
import { deviceState } from "../logic/states";
import type { Device, Exact } from "../types";
import { Button } from "../ui/button";
import { kindOf } from "./device_row";
import { Link } from "./link";
import { Facts, Panel } from "./panel";
import { RevokeDialog } from "./revoke";
import { TrustEditor } from "./trust_editor";
import { StateBadge } from "./verdict";

interface DevicePanelProps {
  device: Device;
  now: number;
  onClose: () => void;
  onChange: () => unknown;
}

function Actions({ device, onChange }: Pick<DevicePanelProps, "device" | "onChange">) {
  const session = useSession();
  const [revoking, setRevoking] = useState(false);
  const { quarantined, revoked } = device.security_context;
  const role = session?.role ?? "viewer";
  const gone = revoked ? "The device is revoked for good." : null;
  const operator = gone ?? refusal(role, "operator");
  const admin = gone ?? refusal(role, "admin");
  return (
    <section class="device-actions" aria-label="Actions">
      {operator && <p class="hint">{operator}</p>}
      <TrustEditor device={device} refusal={operator} onChange={onChange} />
      <div class="buttons">
        <Button kind={quarantined ? "primary" : "plain"} refusal={operator} onClick={() => quarantine(device.client_id, !quarantined, onChange)}>
          {quarantined ? "Release from quarantine" : "Quarantine"}
        </Button>
        <Button kind="danger" refusal={admin} onClick={() => setRevoking(true)}>
          Revoke…
        </Button>
      </div>
      {revoking && <RevokeDialog device={device.client_id} onClose={() => setRevoking(false)} onChange={onChange} />}
    </section>
  );
}

function Amount({ value }: { value: Exact }) {
  return (
    <>
      {bytes(value)} <span class="exact">{plural(value, "byte")}</span>
    </>
  );
}

function handshake(device: Device, now: number): string {
  if (device.hub_type) return "hubs speak of their devices' tunnels";
  return device.last_seen ? `${moment(device.last_seen)}, ${relative(device.last_seen, now)}` : "none that its hub has told of";
}

export function DevicePanel({ device, now, onClose, onChange }: DevicePanelProps) {
  const { security_context: security, bandwidth_stats: traffic } = device;
  const name = encodeURIComponent(device.client_id);
  return (
    <Panel title={device.client_id} subject={device.client_id} onClose={onClose}>
      <p class="flow-summary">
        <StateBadge state={deviceState(device)} /> <span class="device-kind">{kindOf(device)}</span>
      </p>
      {device.policy_refused && (
        <p class="behind">
          It enforces an older policy: the one in force does not fit its kernel. <code>rnaut status</code> on {device.client_id} says why.
        </p>
      )}
      <Actions device={device} onChange={onChange} />
      <p class="panel-links">
        <Link to={`/flows?device=${name}`}>Flows of this device</Link>
        <Link to={`/flows?device=${name}&verdict=deny`}>What was denied</Link>
        <Link to={`/policy?source=${name}`}>Explain its access</Link>
      </p>
      <Facts
        rows={[
          ["Owner", security.user_identity ?? "nobody"],
          ["Tags", device.tags.length ? device.tags.map((tag) => <span key={tag} class="tag">{tag}</span>) : "none"],
          ["Hub", device.hub ?? "–"],
          ["IPv4", device.virtual_ipv4 ? <code>{device.virtual_ipv4}</code> : "–"],
          ["IPv6", device.virtual_ip ? <code>{device.virtual_ip}</code> : "–"],
          ["Last handshake", handshake(device, now)],
          ["Joined", moment(device.created)],
          ["Hub received", <Amount value={traffic.received} />],
          ["Hub sent", <Amount value={traffic.sent} />],
          ["Runs", device.managed ? "rnautd; its own kernel judges too" : "a stock WireGuard app; its hub judges"],
          device.wireguard_endpoint ? ["Endpoint", <code>{device.wireguard_endpoint}</code>] : null,
          ["WireGuard key", device.wireguard_public_key ? <code class="break">{device.wireguard_public_key}</code> : "–"],
          ["Identity", <Link to={`/identities?q=${device.identity}`}>{device.identity}</Link>],
          ["Number", device.number],
        ]}
      />
    </Panel>
  );
}
