// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { bytes, clock, count, endName, moment, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { ExplainRequest, FlowEnd, FlowEvent } from "../types";
import { Button } from "../ui/button";
import { ExplainNow } from "./explain";
import { Link } from "./link";
import { Facts, Panel } from "./panel";
import { KIND_TEXT, VerdictBadge } from "./verdict";

function End({ end, port }: { end: FlowEnd; port: boolean }) {
  return (
    <>
      {end.client_id ? <Link to={`/devices?open=${encodeURIComponent(end.client_id)}`}>{end.client_id}</Link> : "no device"}
      <br />
      <code>
        {end.virtual_ip ?? "no address"}
        {port && ` port ${end.port}`}
      </code>
    </>
  );
}

function explainable(event: FlowEvent): ExplainRequest | null {
  const source = event.source.client_id ?? event.source.virtual_ip;
  const destination = event.destination.client_id ?? event.destination.virtual_ip;
  const { protocol } = event;
  if (!source || !destination) return null;
  if (protocol === "icmp") return { source, destination, protocol };
  if (protocol === "tcp" || protocol === "udp") return { source, destination, protocol, port: event.destination.port };
  return null;
}

export function FlowPanel({ event, id, onClose }: { event: FlowEvent; id: number; onClose: () => void }) {
  const [asked, setAsked] = useState(0);
  const request = explainable(event);
  const ports = event.protocol === "tcp" || event.protocol === "udp";
  return (
    <Panel title={`${endName(event.source)} → ${endName(event.destination)}`} subject={id} onClose={onClose}>
      <p class="flow-summary">
        <VerdictBadge verdict={event.verdict} /> <code>{service(event.protocol, event.destination.port)}</code>
      </p>
      <p>
        {KIND_TEXT[event.kind]} Reason: {reasonText(event.reason)}.
      </p>
      <Facts
        rows={[
          ["Time", `${moment(event.time).slice(0, 10)} ${clock(event.time)}`],
          ["Source", <End end={event.source} port={ports} />],
          ["Destination", <End end={event.destination} port={ports} />],
          ["Rule", event.rule ? <code>{event.rule}</code> : "none"],
          ["Observed rule", event.observed_rule ? <code>{event.observed_rule}</code> : "none"],
          ["Reason", <code>{event.reason}</code>],
          ["Source's trust", event.source_trust_score],
          ["Packet", `${bytes(event.bytes)}, ${event.direction === "ingress" ? "out of the tunnel" : "into the tunnel"}`],
          ["Seen by", event.hub ?? "–"],
          ["Policy generation", count(event.generation)],
          ["Event", count(event.serial)],
        ]}
      />
      <h3>Explain</h3>
      {!request ? (
        <p class="hint">Only TCP, UDP and echo between known addresses can be explained.</p>
      ) : asked === id ? (
        <ExplainNow request={request} />
      ) : (
        <>
          <p class="hint">What would happen to such a packet now, under the policy in force?</p>
          <Button onClick={() => setAsked(id)}>Explain</Button>
        </>
      )}
    </Panel>
  );
}
