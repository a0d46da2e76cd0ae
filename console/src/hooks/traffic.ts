// SPDX-License-Identifier: Apache-2.0
// The traffic of the map: from the events so far and from each new one, drawn again a few times a second.
import { useEffect, useRef, useState } from "preact/hooks";
import { Traffic } from "../logic/traffic";
import { feed } from "./flows";

const EVERY_MS = 250;

export function useTraffic(paused: boolean): { traffic: Traffic; now: number; feed: typeof feed } {
  const [now, setNow] = useState(Date.now);
  const traffic = useRef(new Traffic());
  const seen = useRef(0);
  useEffect(() => feed.onFrame(() => {}), []);
  useEffect(() => {
    if (paused) return undefined;
    const take = () => {
      const at = Date.now();
      for (let id = Math.max(seen.current, feed.ring.firstId); id < feed.ring.endId; id++) {
        const event = feed.ring.get(id)?.value;
        if (event) traffic.current.add(event, at);
      }
      seen.current = feed.ring.endId;
      setNow(at);
    };
    take();
    const timer = setInterval(take, EVERY_MS);
    return () => clearInterval(timer);
  }, [paused]);
  return { traffic: traffic.current, now, feed };
}

