// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { useResource } from "../hooks/resource";
import { useSession } from "../hooks/session";
import { say } from "../hooks/toast";
import { moment } from "../logic/format";
import type { Account, NewLink, Role } from "../types";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { Dialog, FormActions } from "../ui/dialog";
import { Field, Select } from "../ui/field";
import { Failure, Loading } from "../ui/notice";
import { ACTIONS, Table } from "../ui/table";
import { ShownOnce } from "./shown_once";

export const ROLES = [
  ["viewer", "viewer"],
  ["operator", "operator"],
  ["admin", "admin"],
] as const;

export const ROLE_HINT = "A viewer sees everything but changes nothing; an operator enrols, trusts and quarantines; an admin does all.";

function LinkDialog({ account, link, onClose }: { account: string; link: NewLink; onClose: () => void }) {
  return (
    <Dialog title={`Sign-in link for ${account}`} onClose={onClose} wide>
      <ShownOnce what="the link" good={`It signs in once, until ${moment(link.expires)}.`} label="Link" text={new URL(link.link, location.origin).href} onDone={onClose} />
    </Dialog>
  );
}

function CreateAccount({ onDone, onClose }: { onDone: (account: string, link: NewLink) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      onDone(name.trim(), await api.createAccount(name.trim(), role as Role));
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <Dialog title="New account" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Account" value={name} onInput={setName} required autofocus error={error} />
        <Select label="Role" value={role} options={ROLES} onInput={setRole} />
        <p class="hint">{ROLE_HINT}</p>
        <FormActions action="Create account" onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function AccountRow({ account, mine, onLink, onChange }: { account: Account; mine: boolean; onLink: (link: NewLink) => void; onChange: () => Promise<void> }) {
  const [deleting, setDeleting] = useState(false);
  const [role, setRole] = useState(account.role);
  useEffect(() => setRole(account.role), [account.role]);
  const attempt = async (what: () => Promise<unknown>, done?: string) => {
    try {
      await what();
      if (done) say("done", done);
    } catch (error) {
      setRole(account.role);
      say("failed", sentence(error));
    }
    await onChange();
  };
  const name = account.account;
  return (
    <tr>
      <th scope="row">
        {name}
        {mine && <span class="tag">you</span>}
      </th>
      <td>
        <form
          class="role-edit"
          onSubmit={(event) => {
            event.preventDefault();
            void attempt(() => api.setRole(name, role), `${name} is ${role} now; its sessions have ended.`);
          }}
        >
          <Select label={`Role of ${name}`} hideLabel value={role} options={ROLES} onInput={(value) => setRole(value as Role)} />
          {role !== account.role && (
            <Button type="submit" size="small">
              Change
            </Button>
          )}
        </form>
      </td>
      <td>{account.has_password ? "set" : "none: by link only"}</td>
      <td>{moment(account.last_login)}</td>
      <td class="number">
        <div class="buttons">
          <Button size="small" icon="link" onClick={() => attempt(async () => onLink(await api.createLink(name)))}>
            New link
          </Button>
          <Button size="small" icon="trash" kind="quiet" label={`Delete ${name}`} onClick={() => setDeleting(true)} />
        </div>
        {deleting && (
          <Confirm
            title={`Delete ${name}?`}
            action="Delete account"
            onClose={() => setDeleting(false)}
            onConfirm={() => attempt(() => api.deleteAccount(name), `${name} is deleted.`)}
          >
            Its sessions end at once. What it did stays in the record.
          </Confirm>
        )}
      </td>
    </tr>
  );
}

export function Accounts() {
  const { data: accounts, error, reload } = useResource((signal) => api.accounts(signal), 15);
  const session = useSession();
  const [creating, setCreating] = useState(false);
  const [link, setLink] = useState<{ account: string; link: NewLink } | null>(null);
  return (
    <section>
      <div class="section-head">
        <h2>Accounts</h2>
        <Button icon="plus" onClick={() => setCreating(true)}>
          New account
        </Button>
      </div>
      {error && <Failure error={error} retry={reload} />}
      {accounts ? (
        <Table label="Accounts" heads={["Account", "Role", "Password", "Last sign-in", ACTIONS]}>
          {accounts.map((account) => (
            <AccountRow
              key={account.account}
              account={account}
              mine={account.account === session?.account}
              onLink={(value) => setLink({ account: account.account, link: value })}
              onChange={reload}
            />
          ))}
        </Table>
      ) : (
        !error && <Loading what="accounts" rows={3} />
      )}
      {creating && (
        <CreateAccount
          onClose={() => setCreating(false)}
          onDone={(account, value) => {
            setCreating(false);
            setLink({ account, link: value });
            void reload();
          }}
        />
      )}
      {link && <LinkDialog account={link.account} link={link.link} onClose={() => setLink(null)} />}
    </section>
  );
}
