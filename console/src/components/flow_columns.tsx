// SPDX-License-Identifier: Apache-2.0
// What a row says of a flow, live and recorded.
import { clock, count, endName, moment, plural, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { FlowEvent, RecordedFlow } from "../types";
import type { ColumnOf } from "../ui/cells";
import { VerdictBadge } from "./verdict";

type Flow = Pick<FlowEvent & RecordedFlow, "verdict" | "reason" | "rule" | "hub">;

const orNone = (text: string | null) => text ?? <span class="none">–</span>;
const towards = (name: string) => (
  <>
    <span class="arrow" aria-hidden="true">
      →
    </span>
    {name}
  </>
);
const VERDICT: ColumnOf<Flow> = { key: "verdict", title: "Verdict", cell: (flow) => <VerdictBadge verdict={flow.verdict} /> };
const RULE: ColumnOf<Flow> = { key: "rule", title: "Rule", cell: (flow) => orNone(flow.rule) };
const REASON: ColumnOf<Flow> = { key: "reason", title: "Reason", cell: (flow) => reasonText(flow.reason), hint: (flow) => flow.reason };
const HUB: ColumnOf<Flow> = { key: "hub", title: "Hub", cell: (flow) => orNone(flow.hub) };

export const FLOW_COLUMNS: readonly ColumnOf<FlowEvent>[] = [
  { key: "time", title: "Time", cell: (event) => clock(event.time), hint: (event) => moment(event.time) },
  VERDICT,
  { key: "source", title: "Source", cell: (event) => endName(event.source), hint: (event) => event.source.virtual_ip ?? undefined },
  {
    key: "destination",
    title: "Destination",
    cell: (event) => towards(endName(event.destination)),
    hint: (event) => event.destination.virtual_ip ?? undefined,
  },
  { key: "service", title: "Service", cell: (event) => service(event.protocol, event.destination.port) },
  RULE,
  {
    ...REASON,
    cell: (event) => (
      <>
        {reasonText(event.reason)}
        {event.kind === "changed" && <span class="tag">judged again</span>}
      </>
    ),
  },
  { key: "trust", title: "Trust", cell: (event) => event.source_trust_score },
  HUB,
];

export const RECORDED_COLUMNS: readonly ColumnOf<RecordedFlow>[] = [
  { key: "time", title: "Time", cell: (flow) => moment(flow.time) },
  VERDICT,
  {
    key: "source",
    title: "Source",
    cell: ({ source }) => (
      <>
        {source.client_id ?? "unknown"}
        {source.owner && <span class="device-kind">{source.owner}</span>}
      </>
    ),
    hint: ({ source }) => (source.owner ? `of ${source.owner}` : undefined),
  },
  { key: "destination", title: "Destination", cell: (flow) => towards(flow.destination.client_id ?? "unknown") },
  { key: "service", title: "Service", cell: (flow) => service(flow.protocol, flow.port) },
  RULE,
  REASON,
  {
    key: "flows",
    title: "Flows",
    cell: (flow) => count(flow.flows),
    hint: (flow) => `${plural(flow.flows, "flow")} within a minute`,
  },
  HUB,
];
