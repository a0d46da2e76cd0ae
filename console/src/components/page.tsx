// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

interface PageProps {
  title: string;
  /** One line under the title. */
  about?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  /** The view fills the window and scrolls within. */
  fill?: boolean;
}

export function Page({ title, about, actions, children, fill }: PageProps) {
  return (
    <div class={fill ? "page fill" : "page"}>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {about && <p class="about">{about}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
