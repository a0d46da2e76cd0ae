// SPDX-License-Identifier: Apache-2.0
/*
 * A table of any length of which only the visible rows exist. The grid itself has the focus and names its active row
 * (aria-activedescendant); arrows, Page Up and Down, Home and End move it, Enter opens it.
 */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Column {
  key: string;
  title: string;
  /** Present where the table can be sorted by it. */
  sort?: { direction: "ascending" | "descending" | null; toggle: () => void };
}

interface GridProps {
  label: string;
  columns: readonly Column[];
  count: number;
  rowHeight: number;
  /** Stays with a row when rows before it come and go. */
  keyOf: (index: number) => string | number;
  row: (index: number) => ComponentChildren;
  rowClass?: (index: number) => string;
  openKey?: string | number | null;
  onOpen: (index: number) => void;
  onScroll?: (top: number) => void;
  class?: string;
}

const OVERSCAN = 8;

interface Window {
  first: number;
  last: number;
}

function useWindow(scroller: { current: HTMLElement | null }, rowHeight: number) {
  const [view, setView] = useState<Window>({ first: 0, last: 40 });
  const measure = () => {
    const box = scroller.current;
    if (!box) return;
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - OVERSCAN);
    const last = Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + OVERSCAN;
    setView((now) => (now.first === first && now.last === last ? now : { first, last }));
  };
  useLayoutEffect(() => {
    measure();
    const box = scroller.current;
    if (!box) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, [rowHeight]);
  return { view, measure };
}

const STEP: Record<string, (page: number) => number> = {
  ArrowDown: () => 1,
  ArrowUp: () => -1,
  PageDown: (page) => page,
  PageUp: (page) => -page,
  Home: () => -Infinity,
  End: () => Infinity,
};

export function Grid(props: GridProps) {
  const { count, rowHeight, keyOf } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const { view, measure } = useWindow(scroller, rowHeight);
  const [active, setActive] = useState<string | number | null>(null);
  const [activeIndex, setActiveIndex] = useState(0);
  const id = useId();

  // The active row keeps its key while rows are added before it; where it has gone, its place counts.
  const index = active !== null && activeIndex < count && keyOf(activeIndex) === active ? activeIndex : find();
  function find(): number {
    if (active === null) return -1;
    for (let i = Math.max(0, view.first - 200); i < Math.min(count, view.last + 200); i++) if (keyOf(i) === active) return i;
    return Math.min(activeIndex, count - 1);
  }
  useEffect(() => {
    if (index >= 0 && index !== activeIndex) setActiveIndex(index);
  });

  const activate = (next: number) => {
    setActive(keyOf(next));
    setActiveIndex(next);
  };
  const reveal = (next: number) => {
    const box = scroller.current;
    if (!box) return;
    const room = box.clientHeight - (head.current?.offsetHeight ?? 0);
    const top = next * rowHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + rowHeight > box.scrollTop + room) box.scrollTop = top + rowHeight - room;
  };
  const onKeyDown = (event: JSX.TargetedKeyboardEvent<HTMLDivElement>) => {
    if (event.target !== scroller.current || count === 0) return;
    if (event.key === "Enter" && index >= 0) {
      event.preventDefault();
      props.onOpen(index);
      return;
    }
    const step = STEP[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const next = index < 0 ? (event.key === "End" ? count - 1 : 0) : Math.max(0, Math.min(count - 1, index + step(page)));
    activate(next);
    reveal(next);
  };

  const rows = [];
  for (let i = view.first; i < Math.min(count, view.last); i++) {
    const key = keyOf(i);
    const classes = ["row", i === index && "active", key === props.openKey && "open", props.rowClass?.(i)];
    rows.push(
      <div
        key={key}
        id={`${id}-${key}`}
        role="row"
        class={classes.filter(Boolean).join(" ")}
        aria-rowindex={i + 2}
        aria-selected={key === props.openKey}
        style={{ transform: `translateY(${i * rowHeight}px)`, height: `${rowHeight}px` }}
        onClick={() => {
          activate(i);
          props.onOpen(i);
        }}
      >
        {props.row(i)}
      </div>,
    );
  }
  const shown = index >= view.first && index < view.last && index < count;
  return (
    <div
      ref={scroller}
      class={`grid ${props.class ?? ""}`}
      role="grid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-colcount={props.columns.length}
      aria-activedescendant={shown ? `${id}-${keyOf(index)}` : undefined}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        if (event.target === scroller.current && active === null && count > 0) activate(Math.min(view.first + (view.first ? OVERSCAN : 0), count - 1));
      }}
      onScroll={() => {
        measure();
        props.onScroll?.(scroller.current?.scrollTop ?? 0);
      }}
    >
      <div ref={head} class="row head" role="row" aria-rowindex={1}>
        {props.columns.map((column) => (
          <Header key={column.key} column={column} />
        ))}
      </div>
      <div class="rows" role="rowgroup" style={{ height: `${count * rowHeight}px` }}>
        {rows}
      </div>
    </div>
  );
}

function Header({ column }: { column: Column }) {
  const { sort } = column;
  return (
    <div role="columnheader" class={`cell c-${column.key}`} aria-sort={sort?.direction ?? undefined}>
      {sort ? (
        <button type="button" class="sorter" onClick={sort.toggle}>
          {column.title}
          <span class="sort-mark" aria-hidden="true">
            {sort.direction === "ascending" ? "↑" : sort.direction === "descending" ? "↓" : ""}
          </span>
        </button>
      ) : (
        column.title
      )}
    </div>
  );
}

export function Cell({ name, children, title }: { name: string; children: ComponentChildren; title?: string | undefined }) {
  return (
    <div role="gridcell" class={`cell c-${name}`} title={title}>
      {children}
    </div>
  );
}
