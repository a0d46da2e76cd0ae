// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { ExplainForm } from "../components/explain_form";
import { Page } from "../components/page";
import { PolicyDrafts } from "../components/policy_drafts";
import { PolicyEditor } from "../components/policy_editor";
import { PolicyHistory } from "../components/policy_history";
import { PolicyReplayed } from "../components/policy_replay";
import { useResource } from "../hooks/resource";
import { useQuery } from "../hooks/router";
import { say } from "../hooks/toast";
import { count, moment } from "../logic/format";
import type { Draft, Policy } from "../types";
import { Confirm } from "../ui/confirm";
import { Failure, Loading } from "../ui/notice";

/** The rule that the address names: each time it does, the editor goes to its line. */
function useRule(): { id: string; times: number } | null {
  const [query] = useQuery();
  const id = query.get("rule");
  const place = query.get("at");
  const [rule, setRule] = useState<{ id: string; times: number } | null>(null);
  useEffect(() => {
    if (id) setRule((old) => ({ id, times: (old?.times ?? 0) + 1 }));
  }, [id, place]);
  return rule;
}

function Whole({ policy, reload }: { policy: Policy; reload: () => Promise<void> }) {
  const drafts = useResource((signal) => api.drafts(signal), 15);
  const [opened, setOpened] = useState<{ draft: Draft; times: number } | null>(null);
  const [asked, setAsked] = useState<string | null>(null);
  const [text, setText] = useState(policy.text);
  const dirty = useRef(false);
  const rule = useRule();
  const open = async (name: string) => {
    try {
      const draft = await api.draft(name);
      setOpened((old) => ({ draft, times: (old?.times ?? 0) + 1 }));
    } catch (error) {
      say("failed", sentence(error));
    }
  };
  return (
    <>
      <div class="columns policy">
        <section>
          <p class="hint">What no rule allows is denied. A rule that denies wins over every rule that allows.</p>
          <PolicyEditor
            key={opened?.times ?? 0}
            policy={policy}
            draft={opened?.draft ?? null}
            rule={rule}
            onSet={reload}
            onDrafts={drafts.reload}
            onText={(value, changed) => {
              setText(value);
              dirty.current = changed;
            }}
          />
        </section>
        <ExplainForm />
      </div>
      <PolicyReplayed text={text} />
      <PolicyDrafts drafts={drafts} onOpen={(name) => (dirty.current ? setAsked(name) : open(name))} />
      <PolicyHistory policy={policy} onSet={reload} />
      {asked !== null && (
        <Confirm title={`Open the draft ${asked}?`} action="Discard mine and open" onClose={() => setAsked(null)} onConfirm={() => open(asked)}>
          What you changed in the editor is not stored.
        </Confirm>
      )}
    </>
  );
}

export function PolicyView() {
  const { data: policy, error, reload } = useResource((signal) => api.policy(signal), 10);
  const about = policy && `version ${count(policy.version)}, in force since ${moment(policy.stored)}${policy.author ? `, set by ${policy.author}` : ""}`;
  return (
    <Page title="Policy" about={about}>
      {error && <Failure error={error} retry={reload} />}
      {policy ? <Whole policy={policy} reload={reload} /> : !error && <Loading what="the policy" rows={14} />}
    </Page>
  );
}
