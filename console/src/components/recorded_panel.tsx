// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count, moment, plural, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { ExplainRequest, RecordedFlow } from "../types";
import { Button } from "../ui/button";
import { ExplainNow, RuleLink } from "./explain";
import { Link } from "./link";
import { Facts, Panel } from "./panel";
import { VerdictBadge } from "./verdict";

function device(name: string | null): ComponentChildren {
  return name === null ? "a device that is unknown now" : <Link to={`/devices?open=${encodeURIComponent(name)}`}>{name}</Link>;
}

function requestOf({ source, destination, protocol, port }: RecordedFlow): ExplainRequest | null {
  if (source.client_id === null || destination.client_id === null) return null;
  const ends = { source: source.client_id, destination: destination.client_id, protocol };
  return protocol === "icmp" ? ends : { ...ends, port };
}

export function RecordedPanel({ flow, onClose }: { flow: RecordedFlow; onClose: () => void }) {
  const [asked, setAsked] = useState<unknown>(null);
  const request = requestOf(flow);
  const { source, destination } = flow;
  return (
    <Panel title={`${source.client_id ?? "unknown"} → ${destination.client_id ?? "unknown"}`} subject={String(flow.serial)} onClose={onClose}>
      <p class="flow-summary">
        <VerdictBadge verdict={flow.verdict} /> <code>{service(flow.protocol, flow.port)}</code>
      </p>
      <Facts
        rows={[
          ["Began", moment(flow.time)],
          ["Heard of", moment(flow.heard)],
          ["Source", device(source.client_id)],
          ["Its owner now", source.owner ?? "nobody"],
          ["Its trust then", source.trust_score],
          ["Destination", device(destination.client_id)],
          ["Rule", flow.rule ? <RuleLink id={flow.rule} /> : "none"],
          ["Reason", reasonText(flow.reason)],
          ["Flows", `${plural(flow.flows, "equal flow")} within a minute`],
          flow.verdict === "deny" ? ["Packets", `${count(flow.packets)} dropped`] : null,
          ["Policy version", flow.policy_version === null ? "it was being changed" : count(flow.policy_version)],
          ["Told by", flow.hub ?? "–"],
          ["Row", count(flow.serial)],
        ]}
      />
      <h3>Explain</h3>
      {!request ? (
        <p class="hint">Only flows between devices that are known now can be explained.</p>
      ) : asked === flow.serial ? (
        <ExplainNow request={request} />
      ) : (
        <>
          <p class="hint">What would happen to such a flow now, under the policy in force?</p>
          <Button onClick={() => setAsked(flow.serial)}>Explain</Button>
        </>
      )}
    </Panel>
  );
}
