// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { useResource } from "../hooks/resource";
import { useQuery } from "../hooks/router";
import type { ExplainRequest, Explanation } from "../types";
import { Button } from "../ui/button";
import { Choice, Field } from "../ui/field";
import { Notice } from "../ui/notice";
import { Explained } from "./explain";

const PROTOCOLS = [
  ["tcp", "TCP"],
  ["udp", "UDP"],
  ["icmp", "Ping"],
] as const;

/** "May this one reach that one?", asked of the policy in force. */
export function ExplainForm() {
  const { data: devices } = useResource((signal) => api.devices(signal));
  const [query] = useQuery();
  const [source, setSource] = useState(query.get("source") ?? "");
  const [destination, setDestination] = useState("");
  const [protocol, setProtocol] = useState("tcp");
  const [port, setPort] = useState("22");
  const [at, setAt] = useState("");
  const [answer, setAnswer] = useState<{ answer: Explanation; request: ExplainRequest } | null>(null);
  const [error, setError] = useState<string | null>(null);
  const names = devices?.slice(0, 500).map((device) => device.client_id) ?? [];
  useEffect(() => setAnswer(null), [source, destination, protocol, port, at]);

  const ask = async (event: Event) => {
    event.preventDefault();
    setError(null);
    const request: ExplainRequest = { source: source.trim(), destination: destination.trim(), protocol: protocol as "tcp" };
    if (protocol !== "icmp") request.port = Number(port);
    if (at) request.at = new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
    try {
      setAnswer({ answer: await api.explain(request), request });
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <section class="explain-form">
      <h2>Explain</h2>
      <p class="hint">What happens to a packet under the policy in force, and which rule decides.</p>
      <form onSubmit={ask}>
        <Field label="From" value={source} onInput={setSource} choices={names} required placeholder="name or address" />
        <Field label="To" value={destination} onInput={setDestination} choices={names} required placeholder="name or address" />
        <Choice label="Protocol" value={protocol} options={PROTOCOLS} onInput={setProtocol} />
        {protocol !== "icmp" && <Field label="Port" type="number" min={1} max={65535} value={port} onInput={setPort} required />}
        <Field label="When" type="datetime-local" value={at} onInput={setAt} hint="Otherwise now." />
        <Button type="submit">Explain</Button>
      </form>
      {error && <Notice kind="bad">{error}</Notice>}
      {answer && <Explained {...answer} />}
    </section>
  );
}
