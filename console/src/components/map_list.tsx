// SPDX-License-Identifier: Apache-2.0
import { relative } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { Pair } from "../logic/traffic";
import { Empty } from "../ui/notice";
import { Link } from "./link";
import { VerdictBadge } from "./verdict";

const ROWS = 400;

/** What the map shows, as a table. */
export function MapList({ pairs, now }: { pairs: readonly Pair[]; now: number }) {
  if (pairs.length === 0) return <Empty title="No traffic yet">Who talks to whom appears here as it happens.</Empty>;
  return (
    <div class="table-scroll map-list" tabIndex={0} role="region" aria-label="Traffic between devices">
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Last service</th>
            <th scope="col">Last verdict</th>
            <th scope="col" class="number">
              Allowed
            </th>
            <th scope="col" class="number">
              Denied
            </th>
            <th scope="col">Last event</th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
  );
}
