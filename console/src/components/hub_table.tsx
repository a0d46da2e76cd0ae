// SPDX-License-Identifier: Apache-2.0
import { count } from "../logic/format";
import type { Hub } from "../types";
import { Table } from "../ui/table";
import { KIND_WORDS } from "./device_row";
import { Link } from "./link";
import { StateBadge } from "./verdict";

/** Which signed state a hub enforces, and what to do where it is not the newest. */
function SignedState({ hub, newest }: { hub: Hub; newest: bigint }) {
  if (hub.applied_version === null) return <>not known now</>;
  if (hub.policy_behind)
    return (
      <span class="behind">
        an older policy ({count(hub.applied_version)}). If it stays so, <code>rnaut status</code> on {hub.hub_name} says why.
      </span>
    );
  if (BigInt(hub.applied_version) === newest) return <>current ({count(hub.applied_version)})</>;
  return (
    <>
      behind: {count(hub.applied_version)} of {count(newest)}
    </>
  );
}

/** brief: only what tells whether it is well. */
export function HubTable({ hubs, brief }: { hubs: readonly Hub[]; brief?: boolean }) {
  const newest = hubs.reduce((most, hub) => (BigInt(hub.applied_version ?? 0) > most ? BigInt(hub.applied_version ?? 0) : most), 0n);
  return (
    <Table label="Hubs" heads={["Hub", "State", "Devices", "Signed state", ...(brief ? [] : ["Overlay address", "WireGuard", "Control"])]}>
      {hubs.map((hub) => (
        <tr key={hub.hub_id}>
          <th scope="row">
            <Link to={`/devices?q=${encodeURIComponent(hub.hub_name)}`}>{hub.hub_name}</Link>
            {!brief && <span class="device-kind">{KIND_WORDS[hub.hub_type]}</span>}
          </th>
          <td>
            <StateBadge state={hub.connected ? "connected" : "offline"} />
          </td>
          <td>
            {hub.devices_connected} of {hub.devices} connected
          </td>
          <td>
            <SignedState hub={hub} newest={newest} />
          </td>
          {!brief && (
            <>
              <td>
                <code>{hub.virtual_ipv4 ?? "–"}</code>
                <br />
                <code>{hub.virtual_ip ?? "–"}</code>
              </td>
              <td>
                <code>{hub.wireguard_endpoint ?? "–"}</code>
              </td>
              <td>
                <code>{hub.control_endpoint ?? "–"}</code>
              </td>
            </>
          )}
        </tr>
      ))}
    </Table>
  );
}
