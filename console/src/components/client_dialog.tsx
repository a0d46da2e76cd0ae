// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api, sentence } from "../api";
import { clientRequest, type DeviceForm } from "../logic/device_form";
import { configuration, makeKeys } from "../logic/wireguard";
import { Dialog, FormActions } from "../ui/dialog";
import { Notice } from "../ui/notice";
import { CLIENT_TYPES, DeviceFields } from "./device_fields";
import { ShownOnce } from "./shown_once";

function Created({ name, text, onClose }: { name: string; text: string; onClose: () => void }) {
  const [file] = useState(() => URL.createObjectURL(new Blob([text], { type: "application/octet-stream" })));
  useEffect(() => () => URL.revokeObjectURL(file), [file]);
  return (
    <ShownOnce
      what="the configuration"
      good="Its private key was made in this page, and the gateway does not have it."
      label={`For the WireGuard app of ${name}`}
      text={text}
      onDone={onClose}
    >
      <p class="hint">
        Import it in the app, or use <code>wg-quick up</code>:{" "}
        <a href={file} download={`${name}.conf`}>
          save it as {name}.conf
        </a>
      </p>
    </ShownOnce>
  );
}

/** A device that runs nothing of ours: its hub alone judges what it sends. */
export function ClientDialog({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState<DeviceForm>({ type: "mobile", name: "", owner: "", hub: "", tags: "" });
  const [error, setError] = useState<string | null>(null);
  const [created, setCreated] = useState<{ name: string; text: string } | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const keys = await makeKeys();
      const client = await api.addClient(clientRequest(form, keys.public));
      setCreated({ name: client.device.client_id, text: configuration(client, keys.secret) });
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <Dialog title={created ? "The configuration" : "Add a WireGuard app"} onClose={onClose} wide>
      {created ? (
        <Created {...created} onClose={onClose} />
      ) : (
        <form onSubmit={submit}>
          <p class="hint">For a device that cannot run rnautd, such as a phone. One that can is better off with a token: its own kernel judges too.</p>
          <div class="form-grid">
            <DeviceFields form={form} types={CLIENT_TYPES} onInput={(part) => setForm({ ...form, ...part })} />
          </div>
          {error && <Notice kind="bad">{error}</Notice>}
          <FormActions action="Add it" onCancel={onClose} />
        </form>
      )}
    </Dialog>
  );
}
