// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { Button } from "./button";

type Kind = "info" | "good" | "warn" | "bad";

/** A sentence that matters, with an action where there is one. */
export function Notice({ kind = "info", children, action }: { kind?: Kind; children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : undefined}>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** There is nothing: says why, and what one can do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

/** In place of something that is on its way. */
export function Loading({ what, rows = 6 }: { what: string; rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="unseen">Loading {what}</span>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} class="bone" aria-hidden="true" />
      ))}
    </div>
  );
}

/** An error with the way to try again. */
export function Failure({ error, retry }: { error: string; retry: () => unknown }) {
  return (
    <Notice kind="bad" action={<Button onClick={retry}>Try again</Button>}>
      {error}
    </Notice>
  );
}
