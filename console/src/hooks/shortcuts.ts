// SPDX-License-Identifier: Apache-2.0
/*
 * Keys of the whole page: single letters, and "g x" sequences. They rest while somebody types, while a dialog is open and
 * while Ctrl, Alt or Meta is held.
 */
import { useEffect, useRef } from "preact/hooks";

const SEQUENCE_MS = 1200;
type Handlers = Record<string, () => void>;

let prefix = "";
let prefixTimer: ReturnType<typeof setTimeout> | undefined;
const layers: { current: Handlers }[] = [];

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function find(key: string): (() => void) | undefined {
  for (let i = layers.length - 1; i >= 0; i--) {
    const handler = layers[i]?.current[key];
    if (handler) return handler;
  }
  return undefined;
}

window.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const key = prefix ? `${prefix} ${event.key}` : event.key;
  prefix = "";
  clearTimeout(prefixTimer);
  if (key === "g") {
    prefix = "g";
    prefixTimer = setTimeout(() => (prefix = ""), SEQUENCE_MS);
    return;
  }
  const handler = find(key);
  if (!handler) return;
  event.preventDefault();
  handler();
});

export function useShortcuts(handlers: Handlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    layers.push(latest);
    return () => {
      layers.splice(layers.indexOf(latest), 1);
    };
  }, []);
}
