// SPDX-License-Identifier: Apache-2.0
import { Component } from "preact";
import { clock, endName, moment, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { FlowEvent } from "../types";
import { Cell, type Column } from "../ui/grid";
import { VerdictBadge } from "./verdict";

export const FLOW_COLUMNS: readonly Column[] = [
  { key: "time", title: "Time" },
  { key: "verdict", title: "Verdict" },
  { key: "source", title: "Source" },
  { key: "destination", title: "Destination" },
  { key: "service", title: "Service" },
  { key: "rule", title: "Rule" },
  { key: "reason", title: "Reason" },
  { key: "trust", title: "Trust" },
  { key: "hub", title: "Hub" },
];

/** An event never changes, so its cells are drawn once. */
export class FlowCells extends Component<{ event: FlowEvent }> {
  override shouldComponentUpdate(next: { event: FlowEvent }): boolean {
    return next.event !== this.props.event;
  }

  override render() {
    const { event } = this.props;
    return (
      <>
        <Cell name="time" title={moment(event.time)}>
          {clock(event.time)}
        </Cell>
        <Cell name="verdict">
          <VerdictBadge verdict={event.verdict} />
        </Cell>
        <Cell name="source" title={event.source.virtual_ip ?? undefined}>
          {endName(event.source)}
        </Cell>
        <Cell name="destination" title={event.destination.virtual_ip ?? undefined}>
          <span class="arrow" aria-hidden="true">
            →
          </span>
          {endName(event.destination)}
        </Cell>
        <Cell name="service">{service(event.protocol, event.destination.port)}</Cell>
        <Cell name="rule">{event.rule ?? <span class="none">–</span>}</Cell>
        <Cell name="reason" title={event.reason}>
          {reasonText(event.reason)}
          {event.kind === "changed" && <span class="tag">judged again</span>}
        </Cell>
        <Cell name="trust">{event.source_trust_score}</Cell>
        <Cell name="hub">{event.hub ?? <span class="none">–</span>}</Cell>
      </>
    );
  }
}
