// SPDX-License-Identifier: Apache-2.0
// Who is signed in. undefined: not known yet; null: nobody.
import { api, setCsrf, whenSessionEnds } from "../api";
import type { Session } from "../types";
import { feed } from "./flows";
import { currentPlace, navigate } from "./router";
import { Store, useStore } from "./store";

const session = new Store<Session | null | undefined>(undefined);
export const sessionProblem = new Store<string | null>(null);

function take(value: Session | null): void {
  setCsrf(value?.csrf ?? null);
  if (value?.account !== session.value?.account) feed.reset();
  session.set(value);
}

whenSessionEnds(() => {
  if (!session.value) return;
  take(null);
  sessionProblem.set("Your session has ended. Sign in to go on where you were.");
  toLogin();
});

function toLogin(): void {
  if (location.pathname === "/login") return;
  const here = currentPlace();
  navigate(here === "/" ? "/login" : `/login?from=${encodeURIComponent(here)}`, true);
}

export async function restoreSession(): Promise<void> {
  try {
    take(await api.session());
  } catch (error) {
    take(null);
    const status = (error as { status?: number }).status;
    sessionProblem.set(status === 401 ? null : (error as Error).message);
    toLogin();
  }
}

export async function logIn(credentials: Parameters<typeof api.logIn>[0]): Promise<void> {
  take(await api.logIn(credentials));
  sessionProblem.set(null);
}

export async function logOut(): Promise<void> {
  await api.logOut();
  sessionProblem.set(null);
  take(null);
  navigate("/login", true);
}

export async function setPassword(password: string, current?: string): Promise<void> {
  await api.setPassword(password, current);
  await restoreSession();
}

export function useSession(): Session | null | undefined {
  return useStore(session);
}
