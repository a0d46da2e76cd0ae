// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, sentence } from "../api";
import { useResource } from "../hooks/resource";
import { moment } from "../logic/format";
import { tokenRequest, type TokenForm } from "../logic/token_form";
import type { Token } from "../types";
import { Dialog, FormActions } from "../ui/dialog";
import { Field, Select } from "../ui/field";
import { Notice } from "../ui/notice";
import { ShownOnce } from "./shown_once";

const TYPES = [
  ["desktop", "Desktop"],
  ["mobile", "Mobile"],
  ["server", "Server"],
  ["iot", "IoT device"],
  ["hub", "Hub"],
] as const;
const LIFETIMES = [
  ["900", "15 minutes"],
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["604800", "7 days"],
] as const;

function Created({ token, hub, onClose }: { token: Token; hub: boolean; onClose: () => void }) {
  return (
    <ShownOnce what="the token" good={`It works once, until ${moment(token.expires)}.`} label="Token" text={token.token} onDone={onClose}>
      <p class="hint">
        On the device, with the token in a file: <code>sudo rnaut up --token-file TOKEN{hub ? " --endpoint ADDRESS" : ""}</code>
      </p>
    </ShownOnce>
  );
}

export function TokenDialog({ onClose }: { onClose: () => void }) {
  const { data: hubs } = useResource((signal) => api.hubs(signal));
  const [form, setForm] = useState<TokenForm>({ type: "desktop", name: "", owner: "", hub: "", tags: "", lifetime: "3600" });
  const [error, setError] = useState<string | null>(null);
  const [created, setCreated] = useState<Token | null>(null);
  const set = (part: Partial<TokenForm>) => setForm({ ...form, ...part });
  const isHub = form.type === "hub";
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      setCreated(await api.createToken(tokenRequest(form)));
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <Dialog title={created ? "The token" : "New token"} onClose={onClose} wide>
      {created ? (
        <Created token={created} hub={isHub} onClose={onClose} />
      ) : (
        <form onSubmit={submit}>
          <div class="form-grid">
            <Select label="For a" value={form.type} options={TYPES} onInput={(type) => set({ type })} />
            <Field label="Name" value={form.name} onInput={(name) => set({ name })} hint="Empty: the device chooses." autofocus />
            {!isHub && (
              <>
                <Field label="Owner" value={form.owner} onInput={(owner) => set({ owner })} hint="Empty: nobody's." />
                <Select
                  label="Hub"
                  value={form.hub}
                  options={[["", "The gateway chooses"], ...(hubs ?? []).map((hub) => [hub.hub_name, hub.hub_name] as const)]}
                  onInput={(hub) => set({ hub })}
                />
              </>
            )}
            <Field label="Tags" value={form.tags} onInput={(tags) => set({ tags })} hint="Separated by commas or blanks." />
            <Select label="Good for" value={form.lifetime} options={LIFETIMES} onInput={(lifetime) => set({ lifetime })} />
          </div>
          {error && <Notice kind="bad">{error}</Notice>}
          <FormActions action="Create token" onCancel={onClose} />
        </form>
      )}
    </Dialog>
  );
}
