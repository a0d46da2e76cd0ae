// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

/** The heading of a column: a word, or one of numbers (at the right), or one that only screen readers are told. */
type Head = string | { text: string; number?: boolean; unseen?: boolean };

/** The last column of rows with buttons. */
export const ACTIONS: Head = { text: "Actions", unseen: true };

/** A table that scrolls by itself where the window is narrow. children: its rows. */
export function Table({ label, heads, children, class: name = "" }: { label: string; heads: readonly Head[]; children: ComponentChildren; class?: string }) {
  return (
    <div class={`table-scroll ${name}`} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => {
              const { text, number, unseen } = typeof head === "string" ? { text: head } : head;
              return (
                <th key={text} scope="col" class={number ? "number" : undefined}>
                  {unseen ? <span class="unseen">{text}</span> : text}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
