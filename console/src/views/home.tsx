// SPDX-License-Identifier: Apache-2.0
import { api } from "../api";
import { HubTable } from "../components/hub_table";
import { Link } from "../components/link";
import { LiveBadge } from "../components/live";
import { Page } from "../components/page";
import { Pulse } from "../components/pulse";
import { RecentDenials } from "../components/recent";
import { useFlowFeed } from "../hooks/flows";
import { useResource } from "../hooks/resource";
import { newestDenials } from "../logic/denials";
import { bytes, count, plural, span } from "../logic/format";
import type { Drops, Status } from "../types";
import { Failure, Loading, Notice } from "../ui/notice";
import { Table } from "../ui/table";

const DENIALS = 8;

/** Is this network protected, in one sentence; else what is wrong, one line a problem. */
function Standing({ status }: { status: Status }) {
  if (status.problems.length === 0) {
    return <Notice kind="good">{status.client_id} enforces the policy. Nothing needs attention.</Notice>;
  }
  return (
    <Notice kind="bad">
      <strong>{plural(status.problems.length, "problem")}</strong>
      {status.problems.map((problem) => (
        <span key={problem} class="problem">
          {problem}
        </span>
      ))}
    </Notice>
  );
}

function Figures({ status }: { status: Status }) {
  const { datapath } = status;
  const rows: (readonly [string, string, string] | null)[] = [
    ["Devices", count(status.devices), "/devices"],
    ["Policy version", count(status.policy_version), "/policy"],
    datapath && ["Flows in the table", count(datapath.flows), "/flows"],
    datapath && ["Signed state lasts", span(datapath.lease_seconds_left), "/hubs"],
  ];
  return (
    <ul class="figures">
      {rows.map(
        (row) =>
          row && (
            <li key={row[0]}>
              <Link to={row[2]}>
                <span class="figure-value">{row[1]}</span>
                <span class="figure-name">{row[0]}</span>
              </Link>
            </li>
          ),
      )}
    </ul>
  );
}

function Counters({ drops }: { drops: Drops }) {
  const dropped = drops.dropped.filter((row) => BigInt(row.packets) > 0n).sort((a, b) => (BigInt(b.packets) > BigInt(a.packets) ? 1 : -1));
  return (
    <Table label="Packet counters" heads={["What became of them", "Direction", { text: "Packets", number: true }, { text: "Bytes", number: true }]}>
      {drops.passed.map((row) => (
        <tr key={row.direction}>
          <td>passed</td>
          <td>{row.direction}</td>
          <td class="number">{count(row.packets)}</td>
          <td class="number" title={`${count(row.bytes)} bytes`}>
            {bytes(row.bytes)}
          </td>
        </tr>
      ))}
      {dropped.map((row) => (
        <tr key={row.direction + row.reason}>
          <td>
            <Link to={`/flows?reason=${row.reason}`}>dropped: {row.text}</Link>
          </td>
          <td>{row.direction}</td>
          <td class="number">{count(row.packets)}</td>
          <td class="number" title={`${count(row.bytes)} bytes`}>
            {bytes(row.bytes)}
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function HomeView() {
  const status = useResource((signal) => api.status(signal), 5);
  const hubs = useResource((signal) => api.hubs(signal), 5);
  const drops = useResource((signal) => api.drops(signal), 5);
  const feed = useFlowFeed();
  return (
    <Page title="Overview" about={status.data && `${status.data.client_id}, rnautd ${status.data.version}`} actions={<LiveBadge state={feed.state} />}>
      {status.error && <Failure error={status.error} retry={status.reload} />}
      {status.data ? (
        <>
          <Standing status={status.data} />
          <Figures status={status.data} />
        </>
      ) : (
        !status.error && <Loading what="the status" rows={3} />
      )}
      <div class="columns">
        <section>
          <h2>Recently denied</h2>
          {feed.loaded ? <RecentDenials denials={newestDenials(feed.ring, DENIALS)} /> : <Loading what="flow events" rows={4} />}
        </section>
        <section>
          <h2>Flow events</h2>
          <Pulse />
          <h2>Hubs</h2>
          {hubs.data ? <HubTable hubs={hubs.data} brief /> : hubs.error ? <Failure error={hubs.error} retry={hubs.reload} /> : <Loading what="hubs" rows={2} />}
        </section>
      </div>
      <section>
        <h2>Packets of this gateway's kernel</h2>
        {drops.data ? <Counters drops={drops.data} /> : drops.error ? <Failure error={drops.error} retry={drops.reload} /> : <Loading what="packet counters" rows={3} />}
      </section>
    </Page>
  );
}
