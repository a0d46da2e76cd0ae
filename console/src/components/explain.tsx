// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { explainedSentence } from "../logic/explained";
import { count, moment } from "../logic/format";
import type { ExplainRequest, Explanation, RuleCondition } from "../types";
import { Loading, Notice } from "../ui/notice";
import { Link } from "./link";
import { Facts } from "./panel";
import { VerdictBadge } from "./verdict";

let asked = 0;

/** To the rule's line in the policy. The number makes each click another place, so that the same rule is gone to again. */
export function RuleLink({ id }: { id: string }) {
  return (
    <Link to={`/policy?rule=${encodeURIComponent(id)}&at=${++asked}`}>
      <code>{id}</code>
    </Link>
  );
}

function Conditions({ list }: { list: readonly RuleCondition[] }) {
  return (
    <ul class="conditions">
      {list.map(({ condition, met, asked: wanted }) => (
        <li key={condition} class={met ? "met" : "failed"}>
          <span aria-hidden="true">{met ? "✓" : "✗"}</span> <code>{wanted ? `${condition} ${wanted}` : condition}</code> {met ? "is met" : "is not met"}
        </li>
      ))}
    </ul>
  );
}

/** The rule that would have allowed it, or that fails in the fewest conditions. */
function Nearest({ answer, id }: { answer: Explanation; id: string }) {
  const met = answer.nearest_conditions.every((condition) => condition.met);
  const denied = met && answer.reason === "deny_rule" && answer.rule;
  return (
    <>
      <RuleLink id={id} /> {denied ? <>would allow it, but what denies goes before it: <RuleLink id={denied} /></> : "is closest to allowing it"}
      <Conditions list={answer.nearest_conditions} />
    </>
  );
}

/** What would happen to such a packet, and why. */
export function Explained({ answer, request }: { answer: Explanation; request: ExplainRequest }) {
  const { source, destination } = answer;
  return (
    <div class="explained">
      <p class="explained-verdict">
        <VerdictBadge verdict={answer.verdict} /> {explainedSentence(answer, request)}
      </p>
      <Facts
        rows={[
          ["Decides", answer.rule ? <><RuleLink id={answer.rule} /><Conditions list={answer.conditions} /></> : answer.verdict === "allow" ? "–" : "no rule"],
          answer.observed_rule ? ["Observed", <><RuleLink id={answer.observed_rule} /> would decide, were it not observed only</>] : null,
          answer.nearest_rule && answer.nearest_rule !== answer.rule ? ["Nearest rule", <Nearest answer={answer} id={answer.nearest_rule} />] : null,
          answer.until ? ["Until", `${moment(answer.until)}, when a time window opens or shuts`] : null,
          ["Source", `${source.client_id}, trust ${source.security_context.trust_score}${source.security_context.quarantined ? ", quarantined" : ""}`],
          ["Destination", `${destination.client_id}${destination.security_context.quarantined ? ", quarantined" : ""}`],
          ["Decided at", [answer.hub ?? "–", answer.destination_hub].filter(Boolean).join(", then ")],
          ["Policy version", count(answer.policy_version)],
        ]}
      />
    </div>
  );
}

export function ExplainNow({ request }: { request: ExplainRequest }) {
  const [answer, setAnswer] = useState<Explanation | null>(null);
  const [error, setError] = useState<string | null>(null);
  const { source, destination, protocol, port } = request;
  useEffect(() => {
    let current = true;
    setAnswer(null);
    setError(null);
    api.explain(request).then(
      (value) => current && setAnswer(value),
      (failure: unknown) => current && setError(sentence(failure)),
    );
    return () => {
      current = false;
    };
  }, [source, destination, protocol, port]);
  if (error) return <Notice kind="warn">{error}</Notice>;
  return answer ? <Explained answer={answer} request={request} /> : <Loading what="the explanation" rows={3} />;
}
