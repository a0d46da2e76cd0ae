// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { ExplainForm } from "../components/explain_form";
import { Page } from "../components/page";
import { enforcedText } from "../hooks/devices";
import { useResource } from "../hooks/resource";
import { useSession } from "../hooks/session";
import { say } from "../hooks/toast";
import { count, moment } from "../logic/format";
import { positionOf, type Position } from "../logic/position";
import { refusal } from "../logic/roles";
import type { Policy } from "../types";
import { Button } from "../ui/button";
import { Failure, Loading, Notice } from "../ui/notice";

function offsetOf(text: string, { line, column }: Position): number {
  const lines = text.split("\n").slice(0, line - 1);
  return lines.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
}

interface Verdict {
  text: string;
  message: string | null;
}

function Editor({ policy, onSet }: { policy: Policy; onSet: () => Promise<void> }) {
  const [text, setText] = useState(policy.text);
  const [base, setBase] = useState(policy);
  const [checked, setChecked] = useState<Verdict | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const role = useSession()?.role ?? "viewer";
  const admin = refusal(role, "admin");
  const changed = text !== base.text;
  const stale = base.version !== policy.version;
  useEffect(() => {
    if (!stale) return;
    if (!changed) {
      setText(policy.text);
      setBase(policy);
    }
  }, [policy, stale, changed]);

  const check = async (): Promise<boolean> => {
    const subject = text;
    try {
      const { message } = await api.checkPolicy(subject);
      setChecked({ text: subject, message });
      return message === null;
    } catch (error) {
      setChecked({ text: subject, message: sentence(error) });
      return false;
    }
  };
  const put = async () => {
    if (!(await check())) return;
    try {
      const change = await api.setPolicy({ text });
      say("done", `The policy is in force. ${enforcedText(change)}`.trim());
      setBase({ ...policy, text });
      await onSet();
    } catch (error) {
      setChecked({ text, message: sentence(error) });
    }
  };
  const position = checked?.message && checked.text === text ? positionOf(checked.message) : null;
  const jump = () => {
    if (!position || !area.current) return;
    const at = offsetOf(text, position);
    area.current.focus();
    area.current.setSelectionRange(at, at);
    area.current.scrollTop = Math.max(0, (position.line - 5) * 20);
  };
  const lines = text.split("\n").length;
  return (
    <>
      {stale && changed && (
        <Notice
          kind="warn"
          action={
            <Button
              onClick={() => {
                setText(policy.text);
                setBase(policy);
              }}
            >
              Discard mine
            </Button>
          }
        >
          Somebody put version {count(policy.version)} into force while you edited. Putting yours into force replaces it.
        </Notice>
      )}
      <div class="editor">
        <pre class="gutter" aria-hidden="true">
          {Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join("")}
        </pre>
        <textarea
          ref={area}
          class="code"
          aria-label="Policy text"
          spellcheck={false}
          wrap="off"
          rows={lines + 1}
          value={text}
          readOnly={Boolean(admin)}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      {checked && checked.text === text && (
        <Notice kind={checked.message ? "bad" : "good"} action={position && <Button onClick={jump}>Go to line {position.line}</Button>}>
          {checked.message ?? "The policy is good."}
        </Notice>
      )}
      <div class="buttons">
        <Button onClick={check}>Check</Button>
        <Button kind="primary" refusal={admin ?? (changed ? null : "Nothing was changed.")} onClick={put}>
          Put into force
        </Button>
        {changed && (
          <Button kind="quiet" onClick={() => setText(base.text)}>
            Undo my changes
          </Button>
        )}
      </div>
    </>
  );
}

export function PolicyView() {
  const { data: policy, error, reload } = useResource((signal) => api.policy(signal), 10);
  return (
    <Page title="Policy" about={policy && `version ${count(policy.version)}, in force since ${moment(policy.stored)}`}>
      <div class="columns policy">
        <section>
          <p class="hint">What no rule allows is denied. A rule that denies wins over every rule that allows.</p>
          {error && <Failure error={error} retry={reload} />}
          {policy ? <Editor policy={policy} onSet={reload} /> : !error && <Loading what="the policy" rows={14} />}
        </section>
        <ExplainForm />
      </div>
    </Page>
  );
}
