// SPDX-License-Identifier: Apache-2.0
import { Component } from "preact";
import { count, moment, plural, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { RecordedFlow } from "../types";
import { Cell, type Column } from "../ui/grid";
import { VerdictBadge } from "./verdict";

export const RECORDED_COLUMNS: readonly Column[] = [
  { key: "time", title: "Time" },
  { key: "verdict", title: "Verdict" },
  { key: "source", title: "Source" },
  { key: "destination", title: "Destination" },
  { key: "service", title: "Service" },
  { key: "rule", title: "Rule" },
  { key: "reason", title: "Reason" },
  { key: "flows", title: "Flows" },
  { key: "hub", title: "Hub" },
];

/** A row never changes, so its cells are drawn once. */
export class RecordedCells extends Component<{ flow: RecordedFlow }> {
  override shouldComponentUpdate(next: { flow: RecordedFlow }): boolean {
    return next.flow !== this.props.flow;
  }

  override render() {
    const { flow } = this.props;
    const { source, destination } = flow;
    return (
      <>
        <Cell name="time">{moment(flow.time)}</Cell>
        <Cell name="verdict">
          <VerdictBadge verdict={flow.verdict} />
        </Cell>
        <Cell name="source" title={source.owner ? `of ${source.owner}` : undefined}>
          {source.client_id ?? "unknown"}
          {source.owner && <span class="device-kind">{source.owner}</span>}
        </Cell>
        <Cell name="destination">
          <span class="arrow" aria-hidden="true">
            →
          </span>
          {destination.client_id ?? "unknown"}
        </Cell>
        <Cell name="service">{service(flow.protocol, flow.port)}</Cell>
        <Cell name="rule">{flow.rule ?? <span class="none">–</span>}</Cell>
        <Cell name="reason" title={flow.reason}>
          {reasonText(flow.reason)}
        </Cell>
        <Cell name="flows" title={`${plural(flow.flows, "flow")} within a minute`}>
          {count(flow.flows)}
        </Cell>
        <Cell name="hub">{flow.hub ?? <span class="none">–</span>}</Cell>
      </>
    );
  }
}
