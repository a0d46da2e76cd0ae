// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button } from "./button";

interface DialogProps {
  title: string;
  children: ComponentChildren;
  onClose: () => void;
  wide?: boolean;
}

/** The browser's own modal dialog: it keeps the focus inside and gives it back afterwards. */
export function Dialog({ title, children, onClose, wide }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={wide ? "wide" : undefined}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2 id={heading}>{title}</h2>
          <Button icon="close" label="Close" kind="quiet" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** The end of a form in a dialog. */
export function FormActions({ action, onCancel }: { action: string; onCancel: () => void }) {
  return (
    <div class="dialog-actions">
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" kind="primary">
        {action}
      </Button>
    </div>
  );
}
