// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const take = () => setMatches(list.matches);
    take();
    list.addEventListener("change", take);
    return () => list.removeEventListener("change", take);
  }, [query]);
  return matches;
}

export const useNarrow = () => useMedia("(max-width: 46rem)");

/** The time, every so many seconds: for "3 min ago". */
export function useNow(seconds = 5): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}
