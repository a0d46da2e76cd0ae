// SPDX-License-Identifier: Apache-2.0
import { relative } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { Pair } from "../logic/traffic";
import { Empty } from "../ui/notice";
import { Table } from "../ui/table";
import { Link } from "./link";
import { VerdictBadge } from "./verdict";

const ROWS = 400;

/** What the map shows, as a table. */
export function MapList({ pairs, now }: { pairs: readonly Pair[]; now: number }) {
  if (pairs.length === 0) return <Empty title="No traffic yet">Who talks to whom appears here as it happens.</Empty>;
  return (
    <Table label="Traffic between devices" class="map-list" heads={["From", "To", "Last service", "Last verdict", { text: "Allowed", number: true }, { text: "Denied", number: true }, "Last event"]}>
      {pairs.slice(0, ROWS).map((pair) => {
        const denied = pair.deniedAt > pair.allowedAt;
        const last = new Date(Math.max(pair.allowedAt, pair.deniedAt)).toISOString();
        return (
          <tr key={pair.key}>
            <th scope="row">
              <Link to={`/flows?device=${encodeURIComponent(pair.source)}`}>{pair.source}</Link>
            </th>
            <td>
              <Link to={`/flows?device=${encodeURIComponent(pair.destination)}`}>{pair.destination}</Link>
            </td>
            <td>
              <code>{pair.service}</code>
            </td>
            <td>
              <VerdictBadge verdict={denied ? "deny" : "allow"} />
              {denied && <span class="device-kind">{reasonText(pair.reason)}</span>}
            </td>
            <td class="number">{pair.allowed}</td>
            <td class="number">{pair.denied}</td>
            <td class="nowrap">{relative(last, now)}</td>
          </tr>
        );
      })}
    </Table>
  );
}
