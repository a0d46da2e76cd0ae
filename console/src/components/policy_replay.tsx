// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { api, isAbort, sentence } from "../api";
import { count, moment, plural, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import { recordedPlace, type RecordedFilter } from "../logic/recorded";
import { lastHours, missingSentences, replaySentences, sourceText } from "../logic/replayed";
import type { PolicyReplay, ReplayChange, ReplayVerdict } from "../types";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";
import { Table } from "../ui/table";
import { RuleLink } from "./explain";
import { Link } from "./link";
import { VerdictBadge, VerdictMark } from "./verdict";

const HOURS_MAX = 366 * 24;

interface Done {
  replay: PolicyReplay;
  text: string;
  hours: number;
}

/** Runs one replay at a time; how many seconds it has taken so far, null: none runs. */
function useReplay() {
  const [done, setDone] = useState<Done | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [seconds, setSeconds] = useState<number | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const run = async (text: string, hours: number) => {
    const mine = (running.current = new AbortController());
    const began = Date.now();
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - began) / 1000)), 250);
    setSeconds(0);
    setError(null);
    try {
      setDone({ replay: await api.replay(text, hours, mine.signal), text, hours });
    } catch (failure) {
      if (!isAbort(failure)) setError(sentence(failure));
    } finally {
      clearInterval(timer);
      if (!mine.signal.aborted || running.current === mine) setSeconds(null);
    }
  };
  return { done, error, seconds, run, stop: () => running.current?.abort() };
}

function Decision({ verdict, links }: { verdict: ReplayVerdict; links: boolean }) {
  const { rule, reason } = verdict;
  return (
    <>
      <VerdictBadge verdict={verdict.verdict} />
      <div class="decision">{!rule ? reasonText(reason) : links ? <RuleLink id={rule} /> : <code>{rule}</code>}</div>
    </>
  );
}

const HEADS = ["User", "Device", "Destination", "Service", "Now", "With this text", { text: "Flows", number: true }, "Last"];

/** Which recorded flows a row is of. */
function placeOf(change: ReplayChange, hours: number): Partial<RecordedFilter> {
  return {
    source: change.source ?? "",
    owner: change.source ? "" : (change.user ?? ""),
    destination: change.destination ?? "",
    protocol: change.protocol,
    port: change.protocol === "icmp" ? "" : String(change.port),
    hours: String(hours),
  };
}

function Changes({ replay, hours }: { replay: PolicyReplay; hours: number }) {
  if (!replay.changes.length) return null;
  return (
    <>
      <Table label="Flows that would have been decided otherwise" heads={HEADS} class="replayed">
        {replay.changes.map((change, i) => (
          <tr key={i} class={change.draft.verdict}>
            <td>{change.user ?? "nobody"}</td>
            <td class="nowrap">{sourceText(change)}</td>
            <td>{change.destination ?? "–"}</td>
            <td class="nowrap">
              <code>{service(change.protocol, change.port)}</code>
            </td>
            <td>
              <Decision verdict={change.now} links={false} />
            </td>
            <td>
              <Decision verdict={change.draft} links />
            </td>
            <td class="number">
              <Link to={recordedPlace(placeOf(change, hours))}>{count(change.flows)}</Link>
            </td>
            <td class="nowrap">{moment(change.last)}</td>
          </tr>
        ))}
      </Table>
      {BigInt(replay.more_changes) > 0n && <p class="hint">The largest are shown; there are at least {count(replay.more_changes)} more.</p>}
    </>
  );
}

function Found({ done: { replay, text, hours }, now }: { done: Done; now: string }) {
  const { deny, allow } = replaySentences(replay, hours);
  const missing = missingSentences(replay);
  return (
    <>
      <div class="replay-found" role="status">
        {deny && (
          <p class="replay-sentence">
            <VerdictMark verdict="deny" /> {deny}
          </p>
        )}
        {allow && (
          <p class="replay-sentence">
            <VerdictMark verdict="allow" /> {allow}
          </p>
        )}
        {!deny && !allow && (
          <p class="replay-sentence">
            {BigInt(replay.flows) ? `None of ${plural(replay.flows, "flow")} in ${lastHours(hours)} would have been decided otherwise.` : `No flow was recorded in ${lastHours(hours)}.`}
          </p>
        )}
      </div>
      {text !== now && <Notice kind="warn">The text in the editor has changed since: this is of the text as it was.</Notice>}
      <Changes replay={replay} hours={hours} />
      <p class="hint">
        {plural(replay.flows, "recorded flow")} replayed against version {count(replay.policy_version)}, on the devices as they are now: owners, tags and trust of
        today. The oldest flow that is kept is of {moment(replay.recorded_since)}. {missing.join(" ")}
      </p>
    </>
  );
}

/** What the text in the editor would have done to the flows that the gateway recorded. */
export function PolicyReplayed({ text }: { text: string }) {
  const { done, error, seconds, run, stop } = useReplay();
  const [hours, setHours] = useState("24");
  const running = seconds !== null;
  return (
    <section class="replay">
      <h2>Replay</h2>
      <p class="hint">What the text in the editor would have done to the flows that were recorded. It changes nothing.</p>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!running) void run(text, Number(hours));
        }}
      >
        <Field label="Hours to look back" type="number" min={1} max={HOURS_MAX} value={hours} onInput={setHours} required />
        <Button type="submit" icon="play" busy={running}>
          Replay
        </Button>
        {running && (
          <>
            <Button kind="quiet" onClick={stop}>
              Stop
            </Button>
            <span class="progress" role="status">
              <progress aria-label="Replaying" /> <span aria-hidden="true">{seconds} s</span>
            </span>
          </>
        )}
      </form>
      {error && <Notice kind="bad">{error}</Notice>}
      {done && !running && <Found done={done} now={text} />}
    </section>
  );
}
