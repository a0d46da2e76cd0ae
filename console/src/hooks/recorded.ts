// SPDX-License-Identifier: Apache-2.0
// Recorded flows by a filter: the newest first, older ones as they are asked for.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, isAbort, sentence } from "../api";
import { recordedRequest, type RecordedFilter } from "../logic/recorded";
import type { Exact, RecordedFlow } from "../types";

const PAUSE_MS = 300;
const PAGE = 200;
/** One answer looks at so many rows at most that it may hold none that fits; so many answers are asked for in a row. */
const LOOKS = 8;

export interface Recorded {
  flows: readonly RecordedFlow[];
  /** From where to go on; null: that was all. */
  next: Exact | null;
  since: string | null;
  lost: bigint;
  damaged: bigint;
  silences: bigint;
}

const NOTHING: Recorded = { flows: [], next: null, since: null, lost: 0n, damaged: 0n, silences: 0n };

async function load(filter: RecordedFilter, known: Recorded, signal: AbortSignal): Promise<Recorded> {
  let found = known;
  for (let look = 0; look < LOOKS; look++) {
    const page = await api.recorded(recordedRequest(filter, found.next, PAGE), signal);
    found = {
      flows: [...found.flows, ...page.flows],
      next: page.next,
      since: page.recorded_since,
      lost: found.lost + BigInt(page.lost),
      damaged: found.damaged + BigInt(page.damaged),
      silences: found.silences + BigInt(page.silences),
    };
    if (found.next === null || found.flows.length >= known.flows.length + PAGE / 2) break;
  }
  return found;
}

export function useRecorded(filter: RecordedFilter) {
  const [found, setFound] = useState<Recorded | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController | null>(null);
  const key = JSON.stringify(filter);

  const run = async (known: Recorded) => {
    running.current?.abort();
    const mine = (running.current = new AbortController());
    setBusy(true);
    try {
      setFound(await load(filter, known, mine.signal));
      setError(null);
    } catch (failure) {
      if (!isAbort(failure)) setError(sentence(failure));
    } finally {
      if (running.current === mine) setBusy(false);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void run(NOTHING), found || error ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      running.current?.abort();
    };
  }, [key]);
  return {
    found,
    error,
    busy,
    reload: () => run(NOTHING),
    older: found && found.next !== null && !busy ? () => run(found) : null,
  };
}
