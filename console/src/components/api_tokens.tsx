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
import { CopyBox } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/field";
import { Empty, Failure, Loading, Notice } from "../ui/notice";
import { ROLES, ROLE_HINT } from "./accounts";

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
        <Notice kind="warn">This is the only time that the token is shown. It is good until {moment(created.expires)}.</Notice>
        <CopyBox label="Token, for the header Authorization: Bearer" text={created.token} secret />
        <div class="dialog-actions">
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
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
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary">
            Create token
          </Button>
        </div>
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
    <div class="table-scroll" tabIndex={0} role="region" aria-label="API tokens">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">Last used</th>
            <th scope="col">Expires</th>
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
      {revoking && (
        <Confirm title={`Revoke ${revoking.name}?`} action="Revoke token" onClose={() => setRevoking(null)} onConfirm={() => revoke(revoking)}>
          What uses this token is refused from now on.
        </Confirm>
      )}
    </div>
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
