// SPDX-License-Identifier: Apache-2.0
// Looking at a plane: fit, zoom about a point, drag. Only distances scale; marks and words keep their size.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MapLayout, Point } from "../logic/layout";

export interface Viewport {
  scale: number;
  x: number;
  y: number;
}

const MAX_FIT = 1.7;
const ROOM = 24; // pixels above, for the words over a cluster
const MIN = 0.15;
const MAX = 6;

export function fit(bounds: MapLayout["bounds"], width: number, height: number): Viewport {
  const scale = Math.max(MIN, Math.min(MAX_FIT, width / bounds.width, (height - 2 * ROOM) / bounds.height));
  return {
    scale,
    x: width / 2 - scale * (bounds.x + bounds.width / 2),
    y: height / 2 - scale * (bounds.y + bounds.height / 2),
  };
}

export function useViewport(bounds: MapLayout["bounds"]) {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [own, setOwn] = useState<Viewport | null>(null);
  const drag = useRef<{ id: number; x: number; y: number; view: Viewport; moved: boolean } | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const view = own ?? fit(bounds, size.width || 1, size.height || 1);
  const latest = useRef(view);
  latest.current = view;

  const zoom = useCallback((factor: number, about?: Point) => {
    const { scale, x, y } = latest.current;
    const next = Math.max(MIN, Math.min(MAX, scale * factor));
    const element = box.current;
    const at = about ?? { x: (element?.clientWidth ?? 0) / 2, y: (element?.clientHeight ?? 0) / 2 };
    setOwn({ scale: next, x: at.x - ((at.x - x) * next) / scale, y: at.y - ((at.y - y) * next) / scale });
  }, []);

  useEffect(() => {
    const element = box.current;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const rect = element?.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY * 0.0015), { x: event.clientX - (rect?.left ?? 0), y: event.clientY - (rect?.top ?? 0) });
    };
    element?.addEventListener("wheel", onWheel, { passive: false });
    return () => element?.removeEventListener("wheel", onWheel);
  }, [zoom]);

  const pointer = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button === 0) drag.current = { id: event.pointerId, x: event.clientX, y: event.clientY, view: latest.current, moved: false };
    },
    onPointerMove: (event: PointerEvent) => {
      const start = drag.current;
      if (!start || start.id !== event.pointerId) return;
      const dx = event.clientX - start.x;
      const dy = event.clientY - start.y;
      if (!start.moved && Math.hypot(dx, dy) < 4) return;
      start.moved = true;
      box.current?.setPointerCapture(event.pointerId);
      setOwn({ ...start.view, x: start.view.x + dx, y: start.view.y + dy });
    },
    onPointerUp: () => (drag.current = null),
    onPointerCancel: () => (drag.current = null),
  };
  /** Brings a point into sight, for those who move by keys. */
  const reveal = (point: Point) => {
    const { scale, x, y } = latest.current;
    const at = { x: point.x * scale + x, y: point.y * scale + y };
    const inside = at.x > 30 && at.y > 30 && at.x < size.width - 30 && at.y < size.height - 30;
    if (!inside) setOwn({ scale, x: x + size.width / 2 - at.x, y: y + size.height / 2 - at.y });
  };
  return { box, size, view, pointer, zoom, reveal, reset: () => setOwn(null), moved: own !== null };
}
