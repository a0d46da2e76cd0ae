// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, sentence } from "../api";
import { useNow } from "../hooks/media";
import { useResource } from "../hooks/resource";
import { say } from "../hooks/toast";
import { moment, relative } from "../logic/format";
import type { ApiToken, NewApiToken, Role } from "../types";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { Dialog, FormActions } from "../ui/dialog";
import { Field, Select } from "../ui/field";
import { Empty, Failure, Loading } from "../ui/notice";
import { ACTIONS, Table } from "../ui/table";
import { ROLES, ROLE_HINT } from "./accounts";
import { ShownOnce } from "./shown_once";

const LIFETIMES = [
  ["86400", "1 day"],
  ["2592000", "30 days"],
  ["7776000", "90 days"],
  ["31536000", "1 year"],
] as const;

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [lifetime, setLifetime] = useState("7776000");
  const [error, setError] = useState<string | null>(null);
  const [created, setCreated] = useState<NewApiToken | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      setCreated(await api.createApiToken({ name: name.trim(), role: role as Role, lifetime_seconds: Number(lifetime) }));
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  if (created) {
    return (
      <Dialog title="The API token" onClose={onClose} wide>
        <ShownOnce what="the token" good={`It is good until ${moment(created.expires)}.`} label="Token, for the header Authorization: Bearer" text={created.token} onDone={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog title="New API token" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name" value={name} onInput={setName} required autofocus hint="What uses it, such as prometheus." error={error} />
        <Select label="Role" value={role} options={ROLES} onInput={setRole} />
        <p class="hint">{ROLE_HINT}</p>
        <Select label="Good for" value={lifetime} options={LIFETIMES} onInput={setLifetime} />
        <FormActions action="Create token" onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function Rows({ tokens, onChange }: { tokens: readonly ApiToken[]; onChange: () => Promise<void> }) {
  const now = useNow();
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  const revoke = async (token: ApiToken) => {
    try {
      await api.deleteApiToken(token.id);
      say("done", `The API token ${token.name} no longer works.`);
    } catch (error) {
      say("failed", sentence(error));
    }
    await onChange();
  };
  return (
    <>
      <Table label="API tokens" heads={["Name", "Role", "Last used", "Expires", ACTIONS]}>
        {tokens.map((token) => (
          <tr key={token.id}>
            <th scope="row">{token.name}</th>
            <td>{token.role}</td>
            <td>{relative(token.last_used, now)}</td>
            <td title={moment(token.expires)}>{relative(token.expires, now)}</td>
            <td class="number">
              <Button size="small" icon="trash" kind="quiet" label={`Revoke ${token.name}`} onClick={() => setRevoking(token)} />
            </td>
          </tr>
        ))}
      </Table>
      {revoking && (
        <Confirm title={`Revoke ${revoking.name}?`} action="Revoke token" onClose={() => setRevoking(null)} onConfirm={() => revoke(revoking)}>
          What uses this token is refused from now on.
        </Confirm>
      )}
    </>
  );
}

export function ApiTokens() {
  const { data: tokens, error, reload } = useResource((signal) => api.apiTokens(signal), 15);
  const [creating, setCreating] = useState(false);
  return (
    <section>
      <div class="section-head">
        <h2>API tokens</h2>
        <Button icon="plus" onClick={() => setCreating(true)}>
          New API token
        </Button>
      </div>
      <p class="hint">For programs: scripts, Prometheus, CI. They work without a session until they expire.</p>
      {error && <Failure error={error} retry={reload} />}
      {tokens ? tokens.length ? <Rows tokens={tokens} onChange={reload} /> : <Empty title="No API tokens">Create one for each program that calls the API.</Empty> : !error && <Loading what="API tokens" rows={3} />}
      {creating && (
        <CreateDialog
          onClose={() => {
            setCreating(false);
            void reload();
          }}
        />
      )}
    </section>
  );
}
