// SPDX-License-Identifier: Apache-2.0
// Dark or light: the system's choice until somebody makes one here. The only thing this page keeps in the browser.
import { Store, useStore } from "./store";

export type Theme = "system" | "light" | "dark";
const KEY = "rnaut-theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage may be closed to this page
  }
}

const theme = new Store<Theme>(stored());

export function applyTheme(): void {
  if (theme.value === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme.value);
}

export function setTheme(value: Theme): void {
  theme.set(value);
  applyTheme();
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // it holds until the page is closed
  }
}

export const useTheme = () => useStore(theme);
