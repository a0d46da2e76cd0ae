// SPDX-License-Identifier: Apache-2.0
import type { ExplainRequest, Explanation } from "../types";
import { service } from "./format";

/** The answer as one sentence. */
export function explainedSentence(answer: Explanation, request: ExplainRequest): string {
  const what = request.protocol === "icmp" || request.protocol === undefined ? "ping" : "reach";
  const where = what === "ping" ? "" : ` at ${service(request.protocol ?? "", request.port ?? 0)}`;
  const { source, destination, rule, verdict, text } = answer;
  const begin = `${source.client_id} may ${verdict === "allow" ? "" : "not "}${what} ${destination.client_id}${where}`;
  if (verdict === "allow") return rule ? `${begin}: the rule ${rule} allows it.` : `${begin}.`;
  return `${begin}: ${text}${rule ? `, by the rule ${rule}` : ""}.`;
}
