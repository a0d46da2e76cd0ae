// SPDX-License-Identifier: Apache-2.0
import { useStore } from "../hooks/store";
import { dismiss, toasts } from "../hooks/toast";
import { Button } from "../ui/button";

export function Toasts() {
  const list = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {list.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <p>{toast.text}</p>
          {toast.undo && (
            <Button
              size="small"
              onClick={() => {
                dismiss(toast.id);
                toast.undo?.();
              }}
            >
              Undo
            </Button>
          )}
          <Button icon="close" label="Dismiss" kind="quiet" size="small" onClick={() => dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}
