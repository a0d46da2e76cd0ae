// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { navigate } from "../hooks/router";

interface LinkProps {
  to: string;
  children: ComponentChildren;
  class?: string | undefined;
  current?: boolean;
  title?: string;
  onFollow?: (() => void) | undefined;
}

/** A link within the page; with a modifier or another button the browser does what it always does. */
export function Link(props: LinkProps) {
  return (
    <a
      href={props.to}
      class={props.class}
      title={props.title}
      aria-current={props.current ? "page" : undefined}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        event.stopPropagation();
        navigate(props.to);
        props.onFollow?.();
      }}
    >
      {props.children}
    </a>
  );
}
