// SPDX-License-Identifier: Apache-2.0
// The address bar: path, query and how to change them without loading the page again.
import { useCallback } from "preact/hooks";
import { Store, useStore } from "./store";

export interface Place {
  path: string;
  query: string;
}

const read = (): Place => ({ path: location.pathname, query: location.search.replace(/^\?/, "") });
const place = new Store<Place>(read());

window.addEventListener("popstate", () => place.set(read()));

/** Only places of this page: "//host" and "/\host" would leave it. */
export function isOwnPlace(target: string): boolean {
  return /^\/(?![/\\])/.test(target);
}

export function navigate(target: string, replace = false): void {
  if (!isOwnPlace(target)) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  place.set(read());
}

export function currentPlace(): string {
  return location.pathname + location.search;
}

export function usePlace(): Place {
  return useStore(place);
}

/** The query and a way to change it; a change replaces the history entry, so that Back leaves the view. */
export function useQuery(): [URLSearchParams, (next: URLSearchParams) => void] {
  const { path, query } = usePlace();
  const set = useCallback(
    (next: URLSearchParams) => {
      const text = next.toString();
      navigate(text ? `${path}?${text}` : path, true);
    },
    [path],
  );
  return [new URLSearchParams(query), set];
}
