// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { enforcedText } from "../hooks/devices";
import { useSession } from "../hooks/session";
import { say } from "../hooks/toast";
import { bytes, count, moment } from "../logic/format";
import { refusal } from "../logic/roles";
import type { Exact, Policy, PolicyVersion } from "../types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { Failure, Loading, Notice } from "../ui/notice";
import { ACTIONS, Table } from "../ui/table";
import { DiffDialog, VersionsDiff } from "./policy_diff";

/** The newest versions, and older ones as they are asked for; anew whenever another is in force. */
function useHistory(newest: Exact) {
  const [versions, setVersions] = useState<PolicyVersion[] | null>(null);
  const [next, setNext] = useState<Exact | null>(null);
  const [error, setError] = useState<string | null>(null);
  const load = async (before: Exact | null) => {
    try {
      const page = await api.policyHistory(before);
      setVersions((old) => [...(before === null ? [] : (old ?? [])), ...page.versions]);
      setNext(page.next);
      setError(null);
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  useEffect(() => {
    void load(null);
  }, [newest]);
  return { versions, error, reload: () => load(null), older: next === null ? null : () => load(next) };
}

function RollBack({ policy, version, onDone, onClose }: { policy: Policy; version: PolicyVersion; onDone: () => unknown; onClose: () => void }) {
  const [comment, setComment] = useState("");
  const [error, setError] = useState<string | null>(null);
  const put = async () => {
    try {
      const change = await api.rollBackPolicy({ version: version.version, comment: comment.trim(), based_on: policy.version });
      say("done", `Version ${count(version.version)} is in force again, as version ${count(change.version)}. ${enforcedText(change)}`.trim());
      await onDone();
      onClose();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <Dialog title={`Put version ${count(version.version)} into force again?`} onClose={onClose} wide>
      <p>It becomes a new version, at once and on every hub. This is what changes:</p>
      <VersionsDiff from={policy.version} to={version.version} />
      <Field label="Comment" value={comment} onInput={setComment} placeholder="why" />
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="dialog-actions">
        <Button onClick={onClose} autofocus>
          Cancel
        </Button>
        <Button kind="danger" onClick={put}>
          Put into force
        </Button>
      </div>
    </Dialog>
  );
}

interface RowProps {
  version: PolicyVersion;
  before: PolicyVersion | undefined;
  current: boolean;
  chosen: readonly [Exact, Exact];
  onChoose: (side: 0 | 1) => void;
  onChanges: () => void;
  onRollBack: () => void;
}

function VersionRow({ version, before, current, chosen, onChoose, onChanges, onRollBack }: RowProps) {
  const number = count(version.version);
  const admin = refusal(useSession()?.role ?? "viewer", "admin");
  return (
    <tr>
      {(["from", "to"] as const).map((side, i) => (
        <td key={side}>
          <input
            type="radio"
            name={`compare-${side}`}
            aria-label={`Compare ${side} version ${number}`}
            checked={chosen[i] === version.version}
            onChange={() => onChoose(i as 0 | 1)}
          />
        </td>
      ))}
      <th scope="row">
        {number}
        {current && <span class="tag">in force</span>}
      </th>
      <td class="nowrap">{moment(version.stored)}</td>
      <td>{version.author ?? "–"}</td>
      <td class="break">
        {version.rolled_back_to !== null && <span class="tag">version {count(version.rolled_back_to)} again</span>} {version.comment}
      </td>
      <td class="number nowrap">{bytes(version.bytes)}</td>
      <td class="number">
        <div class="buttons">
          <Button size="small" label={`Changes of version ${number}`} refusal={before ? null : "There is no older version."} onClick={onChanges}>
            Changes
          </Button>
          {!current && (
            <Button size="small" kind="quiet" label={`Roll back to version ${number}`} refusal={admin} onClick={onRollBack}>
              Roll back…
            </Button>
          )}
        </div>
      </td>
    </tr>
  );
}

export function PolicyHistory({ policy, onSet }: { policy: Policy; onSet: () => Promise<void> }) {
  const { versions, error, reload, older } = useHistory(policy.version);
  const [chosen, setChosen] = useState<readonly [Exact, Exact] | null>(null);
  const [compared, setCompared] = useState<readonly [Exact, Exact] | null>(null);
  const [back, setBack] = useState<PolicyVersion | null>(null);
  const pair = chosen ?? ([versions?.[1]?.version ?? policy.version, policy.version] as const);
  return (
    <section class="history">
      <div class="section-head">
        <h2>History</h2>
        <Button refusal={pair[0] === pair[1] ? "Choose two versions." : null} onClick={() => setCompared(pair)}>
          Compare
        </Button>
      </div>
      {error && <Failure error={error} retry={reload} />}
      {versions ? (
        <Table label="Versions of the policy" heads={["From", "To", "Version", "Since", "By", "Why", { text: "Size", number: true }, ACTIONS]}>
          {versions.map((version, i) => (
            <VersionRow
              key={String(version.version)}
              version={version}
              before={versions[i + 1]}
              current={version.version === policy.version}
              chosen={pair}
              onChoose={(side) => setChosen(side === 0 ? [version.version, pair[1]] : [pair[0], version.version])}
              onChanges={() => setCompared([versions[i + 1]?.version ?? version.version, version.version])}
              onRollBack={() => setBack(version)}
            />
          ))}
        </Table>
      ) : (
        !error && <Loading what="the history" rows={4} />
      )}
      {older && <Button onClick={older}>Show older versions</Button>}
      {compared && <DiffDialog from={compared[0]} to={compared[1]} onClose={() => setCompared(null)} />}
      {back && <RollBack policy={policy} version={back} onDone={onSet} onClose={() => setBack(null)} />}
    </section>
  );
}
