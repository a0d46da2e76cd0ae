// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { revoke } from "../hooks/devices";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";

/** Revoking cannot be taken back, so its name has to be typed. */
export function RevokeDialog({ device, onClose, onChange }: { device: string; onClose: () => void; onChange: () => unknown }) {
  const [typed, setTyped] = useState("");
  const matches = typed === device;
  return (
    <Dialog title={`Revoke ${device}?`} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          if (matches && (await revoke(device, onChange))) onClose();
        }}
      >
        <p>
          Its certificate and keys stop being valid at once and for good; running connections end with their next packet. To
          come back it has to be enrolled anew. To cut it off for a while, quarantine it instead.
        </p>
        <Field label={`Type ${device} to confirm`} value={typed} onInput={setTyped} autofocus />
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="danger" refusal={matches ? null : "Type the device's name first."}>
            Revoke for good
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
