// SPDX-License-Identifier: Apache-2.0
// What the gateway says about something: loaded when a component appears, again every so often, aborted when it goes.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { isAbort, sentence } from "../api";

export interface Resource<T> {
  data: T | undefined;
  /** One sentence; data, where there is some, is what was known before. */
  error: string | null;
  reload: () => Promise<void>;
  /** Puts a value in place before the gateway has been asked again. */
  change: (update: (data: T) => T) => void;
}

export function useResource<T>(load: (signal: AbortSignal) => Promise<T>, everySeconds = 0): Resource<T> {
  const [data, setData] = useState<T>();
  const [error, setError] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const busy = useRef(false);
  const loader = useRef(load);
  loader.current = load;

  const reload = useCallback(async () => {
    running.current?.abort();
    const mine = (running.current = new AbortController());
    busy.current = true;
    try {
      const value = await loader.current(mine.signal);
      if (mine.signal.aborted) return;
      setData(() => value);
      setError(null);
    } catch (failure) {
      if (!isAbort(failure) && !mine.signal.aborted) setError(sentence(failure));
    } finally {
      if (running.current === mine) busy.current = false;
    }
  }, []);

  useEffect(() => {
    void reload();
    return () => running.current?.abort();
  }, [reload]);
  useEffect(() => {
    if (!everySeconds) return undefined;
    const refresh = () => {
      // An answer that takes longer than the interval is waited for.
      if (document.visibilityState === "visible" && !busy.current) void reload();
    };
    const timer = setInterval(refresh, everySeconds * 1000);
    return () => clearInterval(timer);
  }, [reload, everySeconds]);

  const change = useCallback((update: (value: T) => T) => {
    setData((value) => (value === undefined ? value : update(value)));
  }, []);
  return { data, error, reload, change };
}
