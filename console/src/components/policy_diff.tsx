// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useState } from "preact/hooks";
import { api, isAbort, sentence } from "../api";
import { counts, diff, type DiffRow } from "../logic/diff";
import { count, plural } from "../logic/format";
import type { Exact } from "../types";
import { Dialog } from "../ui/dialog";
import { Loading, Notice } from "../ui/notice";

const SHOWN = 2000;

function Row({ row }: { row: DiffRow }) {
  if (row.kind === "gap")
    return (
      <tr class="gap">
        <td colSpan={4}>{row.text} unchanged</td>
      </tr>
    );
  const word = row.kind === "come" ? "added" : row.kind === "gone" ? "removed" : "";
  return (
    <tr class={row.kind}>
      <td class="number">{row.before}</td>
      <td class="number">{row.after}</td>
      <td class="sign">
        <span aria-hidden="true">{row.kind === "come" ? "+" : row.kind === "gone" ? "−" : ""}</span>
        {word && <span class="unseen">{word}</span>}
      </td>
      <td class="line">{row.text}</td>
    </tr>
  );
}

/** Which lines a text has that another has not. */
export function DiffView({ before, after, label }: { before: string; after: string; label: string }) {
  const found = useMemo(() => diff(before, after), [before, after]);
  const { come, gone } = counts(found);
  if (!found.length) return <p class="hint">Both are the same.</p>;
  return (
    <>
      <p class="hint">
        {plural(come, "line")} added, {count(gone)} removed.
      </p>
      <div class="diff" tabIndex={0} role="region" aria-label={label}>
        <table>
          <thead class="unseen">
            <tr>
              <th scope="col">Line before</th>
              <th scope="col">Line after</th>
              <th scope="col">Change</th>
              <th scope="col">Text</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, SHOWN).map((row, i) => (
              <Row key={i} row={row} />
            ))}
          </tbody>
        </table>
      </div>
      {found.length > SHOWN && <p class="hint">The first {count(SHOWN)} lines are shown; rnaut policy diff prints all.</p>}
    </>
  );
}

/** The texts of two versions, or why there are none. */
export function useVersions(from: Exact, to: Exact): { before: string; after: string } | { error: string } | null {
  const [found, setFound] = useState<{ before: string; after: string } | { error: string } | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    setFound(null);
    Promise.all([api.policyVersion(from, controller.signal), api.policyVersion(to, controller.signal)]).then(
      ([before, after]) => setFound({ before: before.text, after: after.text }),
      (error: unknown) => !isAbort(error) && setFound({ error: sentence(error) }),
    );
    return () => controller.abort();
  }, [from, to]);
  return found;
}

export function VersionsDiff({ from, to }: { from: Exact; to: Exact }) {
  const texts = useVersions(from, to);
  if (!texts) return <Loading what="both versions" rows={5} />;
  if ("error" in texts) return <Notice kind="bad">{texts.error}</Notice>;
  return <DiffView {...texts} label={`From version ${from} to version ${to}`} />;
}

export function DiffDialog({ from, to, onClose }: { from: Exact; to: Exact; onClose: () => void }) {
  return (
    <Dialog title={`From version ${count(from)} to ${count(to)}`} onClose={onClose} wide>
      <VersionsDiff from={from} to={to} />
    </Dialog>
  );
}
