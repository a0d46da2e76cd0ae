// SPDX-License-Identifier: Apache-2.0
import { useEffect, useId, useState } from "preact/hooks";
import { trust } from "../hooks/devices";
import type { Device } from "../types";
import { Button } from "../ui/button";

interface TrustEditorProps {
  device: Device;
  refusal: string | null;
  onChange: () => unknown;
}

/** A slider and the number it means; nothing happens before Apply. */
export function TrustEditor({ device, refusal, onChange }: TrustEditorProps) {
  const current = device.security_context.trust_score;
  const [value, setValue] = useState(String(current));
  const id = useId();
  useEffect(() => setValue(String(current)), [device.client_id, current]);
  const number = /^\d{1,3}$/.test(value) && Number(value) <= 100 ? Number(value) : null;
  const unchanged = number === current;
  const take = (event: { currentTarget: HTMLInputElement }) => setValue(event.currentTarget.value);
  return (
    <form
      class="trust-editor"
      onSubmit={(event) => {
        event.preventDefault();
        if (number !== null && !unchanged && !refusal) void trust(device.client_id, current, number, onChange);
      }}
    >
      <label for={id}>Trust</label>
      <div class="trust-controls">
        <input type="range" min={0} max={100} value={number ?? current} aria-label="Trust, slider" disabled={Boolean(refusal)} onInput={take} />
        <input id={id} type="number" min={0} max={100} value={value} readOnly={Boolean(refusal)} aria-invalid={number === null || undefined} onInput={take} />
        <Button type="submit" refusal={refusal ?? (number === null ? "Trust is a number from 0 to 100." : unchanged ? "This is its trust already." : null)}>
          Apply
        </Button>
      </div>
    </form>
  );
}
