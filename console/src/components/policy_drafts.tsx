// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, sentence } from "../api";
import type { Resource } from "../hooks/resource";
import { useSession } from "../hooks/session";
import { say } from "../hooks/toast";
import { bytes, count, moment } from "../logic/format";
import { refusal } from "../logic/roles";
import type { DraftInfo } from "../types";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { Failure, Loading } from "../ui/notice";
import { ACTIONS, Table } from "../ui/table";

export function PolicyDrafts({ drafts, onOpen }: { drafts: Resource<DraftInfo[]>; onOpen: (name: string) => unknown }) {
  const { data, error, reload } = drafts;
  const [deleting, setDeleting] = useState<string | null>(null);
  const operator = refusal(useSession()?.role ?? "viewer", "operator");
  const remove = async (name: string) => {
    try {
      await api.deleteDraft(name);
      say("done", `The draft ${name} is deleted.`);
    } catch (failure) {
      say("failed", sentence(failure));
    }
    await reload();
  };
  return (
    <section>
      <h2>Drafts</h2>
      {error && <Failure error={error} retry={reload} />}
      {!data ? (
        !error && <Loading what="drafts" rows={2} />
      ) : data.length === 0 ? (
        <p class="hint">None. A text that is not ready can be stored as a draft, for you or somebody else to put into force.</p>
      ) : (
        <Table label="Drafts" heads={["Draft", "Stored", "By", "Comment", { text: "Made from", number: true }, { text: "Size", number: true }, ACTIONS]}>
          {data.map((draft) => (
            <tr key={draft.name}>
              <th scope="row">{draft.name}</th>
              <td class="nowrap">{moment(draft.stored)}</td>
              <td>{draft.author}</td>
              <td class="break">{draft.comment || "–"}</td>
              <td class="number">{count(draft.based_on)}</td>
              <td class="number nowrap">{bytes(draft.bytes)}</td>
              <td class="number">
                <div class="buttons">
                  <Button size="small" label={`Open ${draft.name}`} onClick={() => onOpen(draft.name)}>
                    Open
                  </Button>
                  <Button size="small" icon="trash" kind="quiet" label={`Delete ${draft.name}`} refusal={operator} onClick={() => setDeleting(draft.name)} />
                </div>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {deleting !== null && (
        <Confirm title={`Delete the draft ${deleting}?`} action="Delete draft" onClose={() => setDeleting(null)} onConfirm={() => remove(deleting)}>
          Its text is gone then.
        </Confirm>
      )}
    </section>
  );
}
