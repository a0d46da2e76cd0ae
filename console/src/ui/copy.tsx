// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { Button } from "./button";

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Text to take elsewhere, with a button that does it. secret: it is shown once and cannot be had again. */
export function CopyBox({ label, text, secret }: { label: string; text: string; secret?: boolean }) {
  const [state, setState] = useState<"" | "Copied" | "Select the text and copy it by hand">("");
  return (
    <div class={secret ? "copy-box secret" : "copy-box"}>
      <span class="copy-label">{label}</span>
      <code tabIndex={0}>{text}</code>
      <Button
        icon="copy"
        size="small"
        onClick={async () => setState((await copy(text)) ? "Copied" : "Select the text and copy it by hand")}
      >
        Copy
      </Button>
      <span class="copy-state" role="status">
        {state}
      </span>
    </div>
  );
}
