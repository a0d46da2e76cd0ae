// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, sentence } from "../api";
import { moment } from "../logic/format";
import { tokenRequest, type TokenForm } from "../logic/device_form";
import type { Token } from "../types";
import { Dialog, FormActions } from "../ui/dialog";
import { Select } from "../ui/field";
import { Notice } from "../ui/notice";
import { CLIENT_TYPES, DeviceFields } from "./device_fields";
import { ShownOnce } from "./shown_once";

const TYPES = [...CLIENT_TYPES, ["hub", "Hub"]] as const;
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
            <DeviceFields form={form} types={TYPES} onInput={set} nameHint="Empty: the device chooses." isHub={isHub} />
            <Select label="Good for" value={form.lifetime} options={LIFETIMES} onInput={(lifetime) => set({ lifetime })} />
          </div>
          {error && <Notice kind="bad">{error}</Notice>}
          <FormActions action="Create token" onCancel={onClose} />
        </form>
      )}
    </Dialog>
  );
}
