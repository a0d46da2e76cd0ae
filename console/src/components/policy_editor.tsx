// SPDX-License-Identifier: Apache-2.0
import { useEffect, useId, useState } from "preact/hooks";
import { api, isAbort, sentence } from "../api";
import { useCheck, type Verdict } from "../hooks/check";
import { enforcedText } from "../hooks/devices";
import { useSession } from "../hooks/session";
import { say } from "../hooks/toast";
import { bytes, count, plural } from "../logic/format";
import { lineOfRule, positionOf } from "../logic/position";
import { refusal } from "../logic/roles";
import type { Draft, Exact, Policy, PolicyDifference } from "../types";
import { Button } from "../ui/button";
import { Dialog, FormActions } from "../ui/dialog";
import { Field } from "../ui/field";
import { Loading, Notice } from "../ui/notice";
import { CodeArea } from "./code_area";
import { DiffDialog, DiffView } from "./policy_diff";

/** A larger text makes a browser slow: that is for the command line. */
const EDITABLE = 1 << 20;

/** Tests that fail, and what the text says in vain; each leads to its line. */
function Remarks({ verdict, onGo }: { verdict: Verdict; onGo: (line: number, column: number) => void }) {
  const failed = verdict.tests.filter((test) => !test.passed);
  const passed = verdict.tests.length - failed.length;
  const remarks = [...failed, ...verdict.findings];
  return (
    <>
      {verdict.tests.length > 0 && (
        <p class="hint">
          {plural(passed, "test")} of {count(verdict.tests.length)} {passed === 1 ? "passes" : "pass"}.
        </p>
      )}
      {remarks.length > 0 && (
        <ul class="remarks" aria-label="What there is to say of this policy">
          {remarks.map((remark, i) => (
            <li key={i}>
              <Button size="small" kind="quiet" onClick={() => onGo(remark.line, remark.column)}>
                Line {remark.line}
              </Button>
              <span>{remark.sentence}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** What people lose matters first. */
const ORDER = ["loses", "gains", "rule"] as const;

/** What a text would change, in words: which rules, and who loses or gains access to what. */
function Words({ text }: { text: string }) {
  const [changes, setChanges] = useState<readonly PolicyDifference[] | null>(null);
  const [complete, setComplete] = useState(true);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    api.checkPolicy({ text, changes: true }, controller.signal).then(
      (answer) => {
        setChanges(ORDER.flatMap((kind) => answer.changes.filter((change) => change.kind === kind)));
        setComplete(answer.complete);
        setError(answer.message);
      },
      (failure: unknown) => !isAbort(failure) && setError(sentence(failure)),
    );
    return () => controller.abort();
  }, [text]);
  if (error) return <Notice kind="bad">{error}</Notice>;
  if (!changes) return <Loading what="what changes" rows={3} />;
  if (!changes.length) return <p>Nobody loses or gains access, and no rule means anything else.</p>;
  return (
    <>
      <ul class="words" aria-label="What changes, in words" tabIndex={0}>
        {changes.map((change, i) => (
          <li key={i} class={change.kind}>
            {change.sentence}
          </li>
        ))}
      </ul>
      {!complete && <p class="hint">There may be more: it is too large to look at all of it.</p>}
    </>
  );
}

interface Written {
  text: string;
  base: Exact;
  draft: string | null;
  comment: string;
}

function PublishDialog({ policy, written, onDone, onClose }: { policy: Policy; written: Written; onDone: (version: Exact) => unknown; onClose: () => void }) {
  const [comment, setComment] = useState(written.comment);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    const why = comment.trim();
    try {
      const { text, base, draft } = written;
      if (draft !== null) await api.putDraft(draft, { text, comment: why, based_on: base });
      const change = draft !== null ? await api.publishDraft(draft, why) : await api.setPolicy({ text, comment: why, based_on: base });
      say("done", `The policy is in force. ${enforcedText(change)}`.trim());
      await onDone(change.version);
      onClose();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <Dialog title="Put this policy into force?" onClose={onClose} wide>
      <form onSubmit={submit}>
        <p class="hint">Every hub enforces it from the next packet on, for connections that exist, too.</p>
        <Words text={written.text} />
        <details>
          <summary>Lines that change</summary>
          <DiffView before={policy.text} after={written.text} label="What changes" />
        </details>
        <Field label="Comment" value={comment} onInput={setComment} placeholder="why" hint="For the history, one line." autofocus />
        {error && <Notice kind="bad">{error}</Notice>}
        <FormActions action="Put into force" onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function DraftDialog({ written, onDone, onClose }: { written: Written; onDone: (name: string, comment: string) => unknown; onClose: () => void }) {
  const [name, setName] = useState(written.draft ?? "");
  const [comment, setComment] = useState(written.comment);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await api.putDraft(name.trim(), { text: written.text, comment: comment.trim(), based_on: written.base });
      say("done", `The draft ${name.trim()} is stored.`);
      await onDone(name.trim(), comment.trim());
      onClose();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <Dialog title="Store as a draft" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name" value={name} onInput={setName} required autofocus hint="A draft of this name is replaced." />
        <Field label="Comment" value={comment} onInput={setComment} placeholder="why" />
        {error && <Notice kind="bad">{error}</Notice>}
        <FormActions action="Store draft" onCancel={onClose} />
      </form>
    </Dialog>
  );
}

/** Somebody else put a version into force since this text was begun. */
function Stale({ base, now, onTake, onKeep }: { base: Exact; now: Exact; onTake: () => void; onKeep: () => void }) {
  const [looking, setLooking] = useState(false);
  return (
    <Notice
      kind="warn"
      action={
        <div class="buttons">
          <Button onClick={() => setLooking(true)}>What changed</Button>
          <Button onClick={onKeep}>Keep mine</Button>
          <Button onClick={onTake}>Discard mine</Button>
        </div>
      }
    >
      Version {count(now)} is in force; this text was made from version {count(base)}. Look at what changed before you keep yours:
      it would replace that.
      {looking && <DiffDialog from={base} to={now} onClose={() => setLooking(false)} />}
    </Notice>
  );
}

interface EditorProps {
  policy: Policy;
  draft: Draft | null;
  /** A rule whose line is looked for; another number looks again. */
  rule: { id: string; times: number } | null;
  onSet: () => Promise<void>;
  onDrafts: () => unknown;
  /** The text, and whether it is stored nowhere else. */
  onText: (text: string, dirty: boolean) => void;
}

export function PolicyEditor({ policy, draft, rule, onSet, onDrafts, onText }: EditorProps) {
  const fresh = (): Written => ({ text: policy.text, base: policy.version, draft: null, comment: "" });
  const [written, setWritten] = useState<Written>(
    draft ? { text: draft.text, base: draft.based_on, draft: draft.name, comment: draft.comment } : fresh,
  );
  const [kept, setKept] = useState(draft?.text ?? policy.text);
  const [dialog, setDialog] = useState<"publish" | "draft" | null>(null);
  const [go, setGo] = useState<{ position: { line: number; column: number }; times: number } | null>(null);
  const described = useId();
  const role = useSession()?.role ?? "viewer";
  const { text } = written;
  const large = text.length > EDITABLE;
  const changed = text !== kept;
  const differs = text !== policy.text;
  const stale = written.base !== policy.version;
  const verdict = useCheck(text, !large);
  const message = verdict?.message ?? null;
  const position = message ? positionOf(message) : null;
  const jump = (line: number, column: number) => setGo((old) => ({ position: { line, column }, times: (old?.times ?? 0) + 1 }));
  const start = (now: Written) => {
    setWritten(now);
    setKept(now.text);
  };

  useEffect(() => onText(text, changed), [text, changed]);
  useEffect(() => {
    // What nobody touched follows the policy in force.
    if (stale && !changed && written.draft === null) start(fresh());
  }, [policy, stale, changed]);
  useEffect(() => {
    const line = rule && lineOfRule(text, rule.id);
    if (line) jump(line, 1);
  }, [rule?.times]);

  if (large) return <Notice>This policy has {bytes(text.length)}, too much for an editor in a page: rnaut policy get and rnaut policy set take it.</Notice>;
  return (
    <>
      {written.draft !== null && (
        <Notice action={<Button onClick={() => start(fresh())}>Back to the policy in force</Button>}>
          This is the draft {written.draft}. It does nothing until it is put into force.
        </Notice>
      )}
      {stale && (changed || written.draft !== null) && (
        <Stale base={written.base} now={policy.version} onTake={() => start(fresh())} onKeep={() => setWritten({ ...written, base: policy.version })} />
      )}
      <CodeArea
        label="Policy text"
        text={text}
        onInput={(value) => setWritten((old) => ({ ...old, text: value }))}
        readOnly={Boolean(refusal(role, "operator"))}
        mark={position}
        notes={(verdict?.findings ?? []).map((finding) => finding.line)}
        described={message ? described : undefined}
        go={go}
      />
      <div id={described} class="check" role="status">
        {message ? (
          <Notice kind="bad" action={position && <Button onClick={() => jump(position.line, position.column)}>Go to line {position.line}</Button>}>
            {message}
          </Notice>
        ) : (
          <p class="hint">{!verdict ? "Checking…" : differs ? "The policy is good." : "This is the policy in force."}</p>
        )}
      </div>
      {verdict && <Remarks verdict={verdict} onGo={jump} />}
      <div class="buttons">
        <Button
          kind="primary"
          refusal={refusal(role, "admin") ?? (!differs ? "Nothing was changed." : !verdict ? "It is being checked." : message ? "It has an error." : null)}
          onClick={() => setDialog("publish")}
        >
          Put into force…
        </Button>
        <Button refusal={refusal(role, "operator") ?? (differs ? null : "Nothing was changed.")} onClick={() => setDialog("draft")}>
          Store as a draft…
        </Button>
        {changed && (
          <Button kind="quiet" onClick={() => setWritten({ ...written, text: kept })}>
            Undo my changes
          </Button>
        )}
      </div>
      {dialog === "publish" && (
        <PublishDialog
          policy={policy}
          written={written}
          onClose={() => setDialog(null)}
          onDone={async (version) => {
            start({ text, base: version, draft: null, comment: "" });
            await onSet();
            await onDrafts();
          }}
        />
      )}
      {dialog === "draft" && (
        <DraftDialog
          written={written}
          onClose={() => setDialog(null)}
          onDone={(name, comment) => {
            start({ ...written, draft: name, comment });
            return onDrafts();
          }}
        />
      )}
    </>
  );
}
