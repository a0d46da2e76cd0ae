// SPDX-License-Identifier: Apache-2.0
// What just happened, for a few seconds, with a way to take it back where there is one.
import { Store } from "./store";

export interface Toast {
  id: number;
  kind: "done" | "failed";
  text: string;
  undo?: (() => void) | undefined;
}

export const toasts = new Store<readonly Toast[]>([]);
let nextId = 1;

export function dismiss(id: number): void {
  toasts.set(toasts.value.filter((toast) => toast.id !== id));
}

export function say(kind: Toast["kind"], text: string, undo?: () => void): void {
  const id = nextId++;
  toasts.set([...toasts.value.slice(-2), { id, kind, text, undo }]);
  setTimeout(() => dismiss(id), kind === "failed" ? 12_000 : 7000);
}
