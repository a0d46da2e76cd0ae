// SPDX-License-Identifier: Apache-2.0
/*
 * The only place that talks to the gateway. Every failure is an ApiError whose message is one sentence for people. The
 * session cookie is the browser's; the CSRF token lives here and goes with every request that changes something.
 */
import { parseExact } from "./logic/json";
import type * as T from "./types";

const BASE = "/api/v1";
const TIMEOUT_MS = 20_000;
const REPLAY_MS = 40_000; // the gateway gives one up before

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

let csrf: string | null = null;
let onSessionEnd: () => void = () => {};

export function setCsrf(token: string | null): void {
  csrf = token;
}

/** Called when an answer says that nobody is signed in any more. */
export function whenSessionEnds(callback: () => void): void {
  onSessionEnd = callback;
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** What to show of anything thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error && error.message ? error.message : "Something went wrong; try again.";
}

interface Options {
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** An answer 401 is an answer, not the end of a session. */
  anonymous?: boolean;
  /** How long an answer may take, in milliseconds. */
  timeout?: number;
}

const UNREACHABLE = "The gateway does not answer. Check the network and that rnautd-web runs, then try again.";

function errorOf(response: Response, text: string): ApiError {
  const after = Number(response.headers.get("Retry-After")) || null;
  try {
    const { error } = JSON.parse(text) as T.ErrorBody;
    const message = error.message.charAt(0).toUpperCase() + error.message.slice(1);
    return new ApiError(response.status, error.code, /[.!?]$/.test(message) ? message : message + ".", after);
  } catch {
    return new ApiError(response.status, "unreadable", `The gateway answered with status ${response.status}.`, after);
  }
}

/** Aborts when the caller does, or when the gateway takes too long. */
function deadline(signal: AbortSignal | undefined, timeout: number): { signal: AbortSignal; timedOut: () => boolean; end: () => void } {
  const controller = new AbortController();
  let late = false;
  const abort = () => controller.abort();
  const timer = setTimeout(() => {
    late = true;
    abort();
  }, timeout);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, timedOut: () => late, end };
}

async function call<R>(method: string, path: string, options: Options = {}): Promise<R> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-Rnaut-Csrf"] = csrf;
  const limit = deadline(options.signal, options.timeout ?? TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: limit.signal,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    text = await response.text();
  } catch (error) {
    if (isAbort(error) && !limit.timedOut()) throw error;
    throw new ApiError(0, "unreachable", UNREACHABLE);
  } finally {
    limit.end();
  }
  if (response.status === 401 && !options.anonymous) onSessionEnd();
  if (!response.ok) throw errorOf(response, text);
  try {
    return (text ? parseExact(text) : undefined) as R;
  } catch {
    throw new ApiError(response.status, "unreadable", "The gateway's answer could not be read; is a proxy in between?");
  }
}

const get = <R>(path: string, signal?: AbortSignal) => call<R>("GET", path, { signal });
const post = <R>(path: string, body: unknown, anonymous = false) => call<R>("POST", path, { body, anonymous });
const remove = (path: string) => call<void>("DELETE", path);
const name = encodeURIComponent;

export const api = {
  session: () => call<T.Session>("GET", "/session", { anonymous: true }),
  logIn: (credentials: { link: string } | { account: string; password: string }) =>
    post<T.Session>("/session", credentials, true),
  logOut: () => remove("/session"),
  setPassword: (password: string, current?: string) =>
    post<void>("/session/password", current === undefined ? { password } : { password, current }),

  status: (signal?: AbortSignal) => get<T.Status>("/status", signal),
  hubs: async (signal?: AbortSignal) => (await get<{ hubs: T.Hub[] }>("/hubs", signal)).hubs,
  drops: (signal?: AbortSignal) => get<T.Drops>("/drops", signal),

  devices: async (signal?: AbortSignal) => (await get<T.Devices>("/devices", signal)).devices,
  addClient: (request: T.ClientRequest) => post<T.Client>("/devices", request),
  setTrust: (device: string, trust_score: number) => post<T.Change>(`/devices/${name(device)}/trust`, { trust_score }),
  setQuarantine: (device: string, on: boolean) => post<T.Change>(`/devices/${name(device)}/quarantine`, { on }),
  revoke: (device: string) => post<T.Change>(`/devices/${name(device)}/revoke`, {}),

  identities: async (signal?: AbortSignal) =>
    (await get<{ identities: T.IdentityInfo[] }>("/identities", signal)).identities,

  tokens: async (signal?: AbortSignal) => (await get<{ tokens: T.TokenInfo[] }>("/tokens", signal)).tokens,
  createToken: (request: T.TokenRequest) => post<T.Token>("/tokens", request),
  deleteToken: (id: string) => remove(`/tokens/${name(id)}`),

  policy: (signal?: AbortSignal) => get<T.Policy>("/policy", signal),
  checkPolicy: (request: T.PolicyCheckRequest, signal?: AbortSignal) =>
    call<T.PolicyCheck>("POST", "/policy/check", { body: request, signal }),
  replay: (text: string, hours: number, signal: AbortSignal) =>
    call<T.PolicyReplay>("POST", `/policy/replay?hours=${hours}`, { body: { text }, signal, timeout: REPLAY_MS }),
  policyHistory: (before: T.Exact | null, signal?: AbortSignal) =>
    get<T.PolicyHistory>(`/policy/history?limit=20${before === null ? "" : `&before=${before}`}`, signal),
  policyVersion: (version: T.Exact, signal?: AbortSignal) => get<T.Policy>(`/policy/history/${version}`, signal),
  rollBackPolicy: (request: T.PolicyRollback) => post<T.PolicySet>("/policy/rollback", request),
  drafts: async (signal?: AbortSignal) => (await get<T.Drafts>("/policy/drafts", signal)).drafts,
  draft: (draft: string) => get<T.Draft>(`/policy/drafts/${name(draft)}`),
  putDraft: (draft: string, policy: T.PolicyNew) => call<void>("PUT", `/policy/drafts/${name(draft)}`, { body: policy }),
  deleteDraft: (draft: string) => remove(`/policy/drafts/${name(draft)}`),
  publishDraft: (draft: string, comment: string) => post<T.PolicySet>(`/policy/drafts/${name(draft)}/publish`, { comment }),
  setPolicy: (policy: T.PolicyNew) => call<T.PolicySet>("PUT", "/policy", { body: policy }),
  explain: (request: T.ExplainRequest) => post<T.Explanation>("/explain", request),

  flows: (query: string, signal?: AbortSignal) => get<T.Flows>(`/flows?${query}`, signal),
  recorded: (query: string, signal?: AbortSignal) => get<T.RecordedFlows>(`/flows/recorded?${query}`, signal),
  events: (query: string, signal?: AbortSignal) =>
    get<T.AuditEvents>(`/events?${query}`, signal),

  accounts: async (signal?: AbortSignal) => (await get<{ accounts: T.Account[] }>("/accounts", signal)).accounts,
  createAccount: (account: string, role: T.Role) => post<T.NewAccount>("/accounts", { account, role }),
  setRole: (account: string, role: T.Role) => post<T.Account>(`/accounts/${name(account)}/role`, { role }),
  createLink: (account: string) => post<T.NewLink>(`/accounts/${name(account)}/link`, {}),
  deleteAccount: (account: string) => remove(`/accounts/${name(account)}`),

  apiTokens: async (signal?: AbortSignal) =>
    (await get<{ api_tokens: T.ApiToken[] }>("/api-tokens", signal)).api_tokens,
  createApiToken: (request: { name: string; role: T.Role; lifetime_seconds?: number }) =>
    post<T.NewApiToken>("/api-tokens", request),
  deleteApiToken: (id: string) => remove(`/api-tokens/${name(id)}`),
};

export interface FlowStream {
  close(): void;
}

export interface FlowStreamHandlers {
  open(): void;
  event(event: T.FlowEvent): void;
  lost(count: T.Exact): void;
  /** The stream is over; it does not come back by itself. */
  fail(): void;
}

/** Events after the one with this serial, as they happen. */
export function openFlowStream(after: T.Exact, handlers: FlowStreamHandlers): FlowStream {
  const source = new EventSource(`${BASE}/flows/stream?after=${after}`);
  source.onopen = handlers.open;
  source.onmessage = (message: MessageEvent<string>) => handlers.event(parseExact(message.data) as T.FlowEvent);
  source.addEventListener("lost", (message: MessageEvent<string>) => {
    handlers.lost((parseExact(message.data) as { count: T.Exact }).count);
  });
  source.onerror = () => {
    source.close();
    handlers.fail();
  };
  return { close: () => source.close() };
}
