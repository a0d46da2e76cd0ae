// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button } from "../ui/button";

interface PanelProps {
  title: ComponentChildren;
  subject: string | number;
  children: ComponentChildren;
  onClose: () => void;
}

/** Details beside a list. It takes the focus when its subject changes; Esc closes it and gives the focus back. */
export function Panel({ title, subject, children, onClose }: PanelProps) {
  const heading = useId();
  const ref = useRef<HTMLElement>(null);
  const opener = useRef<Element | null>(null);
  useEffect(() => {
    opener.current ??= document.activeElement;
    ref.current?.querySelector<HTMLElement>("h2")?.focus();
  }, [subject]);
  useEffect(
    () => () => {
      if (opener.current instanceof HTMLElement && opener.current.isConnected) opener.current.focus();
    },
    [],
  );
  return (
    <aside
      ref={ref}
      class="panel"
      aria-labelledby={heading}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={heading} tabIndex={-1}>
          {title}
        </h2>
        <Button icon="close" label="Close details (Esc)" kind="quiet" onClick={onClose} />
      </header>
      <div class="panel-body">{children}</div>
    </aside>
  );
}

export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren] | null)[] }) {
  return (
    <dl class="facts">
      {rows.map(
        (row) =>
          row && (
            <div key={row[0]}>
              <dt>{row[0]}</dt>
              <dd>{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
