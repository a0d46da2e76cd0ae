// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon, type IconName } from "./icon";

interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  /** Needed where there is only an icon. */
  label?: string;
  kind?: "plain" | "primary" | "danger" | "quiet";
  size?: "small";
  type?: "button" | "submit";
  pressed?: boolean | undefined;
  expanded?: boolean | undefined;
  /** Why it is off: it stays reachable, so that everybody can read why. */
  refusal?: string | null;
  busy?: boolean;
  title?: string;
  class?: string;
  autofocus?: boolean;
  onClick?: () => unknown;
}

export function Button(props: ButtonProps) {
  const { kind = "plain", refusal, label } = props;
  const [working, setWorking] = useState(false);
  const off = Boolean(refusal) || props.busy || working;
  const click = async (event: Event) => {
    if (off) {
      event.preventDefault();
      return;
    }
    const result = props.onClick?.();
    if (!(result instanceof Promise)) return;
    setWorking(true);
    try {
      await result;
    } finally {
      setWorking(false);
    }
  };
  const classes = ["button", kind, props.size, props.class, !props.children && "bare"].filter(Boolean).join(" ");
  return (
    <button
      type={props.type ?? "button"}
      class={classes}
      aria-label={label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-disabled={off || undefined}
      title={refusal ?? props.title ?? (props.children ? undefined : label)}
      autofocus={props.autofocus}
      onClick={click}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children}
      {refusal && <span class="unseen"> ({refusal})</span>}
    </button>
  );
}
