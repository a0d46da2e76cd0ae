// SPDX-License-Identifier: Apache-2.0
// What the gateway says of a policy while somebody writes it.
import { useEffect, useState } from "preact/hooks";
import { api, isAbort, sentence } from "../api";
import type { PolicyFinding, PolicyTestResult } from "../types";

const PAUSE_MS = 400;

/** Of exactly this text; undefined: not known yet. message null: it is good. */
export interface Verdict {
  message: string | null;
  findings: readonly PolicyFinding[];
  tests: readonly PolicyTestResult[];
}

/** Asks when nothing was typed for a moment; of several questions only the last counts. */
export function useCheck(text: string, wanted: boolean): Verdict | undefined {
  const [found, setFound] = useState<{ text: string; verdict: Verdict } | null>(null);
  useEffect(() => {
    if (!wanted) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      api.checkPolicy({ text }, controller.signal).then(
        (verdict) => setFound({ text, verdict }),
        (error: unknown) => !isAbort(error) && setFound({ text, verdict: { message: sentence(error), findings: [], tests: [] } }),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, wanted]);
  return wanted && found?.text === text ? found.verdict : undefined;
}
