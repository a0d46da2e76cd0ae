// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { FLOW_COLUMNS } from "../components/flow_columns";
import { FlowFilters } from "../components/flow_filters";
import { FlowPanel } from "../components/flow_panel";
import { LiveBadge } from "../components/live";
import { Page } from "../components/page";
import { KEPT, useFlowFeed } from "../hooks/flows";
import { useNarrow } from "../hooks/media";
import { useQuery } from "../hooks/router";
import { useShortcuts } from "../hooks/shortcuts";
import { filterFromQuery, filterToQuery, isFiltered, matcher, type FlowFilter } from "../logic/filter";
import { count, plural } from "../logic/format";
import { View, type Item } from "../logic/ring";
import type { FlowEvent } from "../types";
import { Button } from "../ui/button";
import { Cells } from "../ui/cells";
import { Choice } from "../ui/field";
import { Grid } from "../ui/grid";
import { Empty, Loading, Notice } from "../ui/notice";
import { RecordedView } from "./recorded";

const NAMES_FROM = 4000;

/** Names that occur in the newest events, for the lists that the filters offer. */
function useNames(feed: ReturnType<typeof useFlowFeed>) {
  const stamp = Math.floor(feed.ring.endId / 200) + Number(feed.loaded);
  return useMemo(() => {
    const devices = new Set<string>();
    const rules = new Set<string>();
    for (let id = Math.max(feed.ring.firstId, feed.ring.endId - NAMES_FROM); id < feed.ring.endId; id++) {
      const event = feed.ring.get(id)?.value;
      if (!event) continue;
      for (const end of [event.source, event.destination]) if (end.client_id) devices.add(end.client_id);
      if (event.rule) rules.add(event.rule);
    }
    return { devices: [...devices].sort(), rules: [...rules].sort() };
  }, [stamp]);
}

/** The events that the filter lets through. Held: as it was when `end` was the next event to come. */
function useView(feed: ReturnType<typeof useFlowFeed>, filter: FlowFilter, end: number | null): View<FlowEvent> {
  const key = JSON.stringify(filter);
  const view = useMemo(() => new View<FlowEvent>(feed.ring, matcher(filter)), [key, feed.ring]);
  view.update(end ?? Infinity);
  return view;
}

const LISTS = [
  ["", "Live"],
  ["recorded", "Recorded"],
] as const;

/** What happens now, or what the gateway recorded: the query says which. */
export function FlowsView() {
  const [query, setQuery] = useQuery();
  const list = query.get("as") === "recorded" ? "recorded" : "";
  const tabs = <Choice label="Which flows" hideLabel value={list} options={LISTS} onInput={(value) => setQuery(new URLSearchParams(value ? { as: value } : {}))} />;
  return list ? <RecordedView tabs={tabs} /> : <LiveView tabs={tabs} />;
}

function LiveView({ tabs }: { tabs: ComponentChildren }) {
  const feed = useFlowFeed();
  const [query, setQuery] = useQuery();
  const filter = filterFromQuery(query);
  const narrow = useNarrow();
  const [paused, setPaused] = useState<number | null>(null);
  const [held, setHeld] = useState<number | null>(null);
  const [open, setOpen] = useState<Item<FlowEvent> | null>(null);
  const grid = useRef<HTMLDivElement>(null);
  const end = paused ?? held;
  const view = useView(feed, filter, end);
  const names = useNames(feed);
  const waiting = end === null ? 0 : feed.ring.endId - end;

  const toggle = () => {
    setPaused(paused === null ? (held ?? feed.ring.endId) : null);
    setHeld(null);
  };
  const toNewest = () => {
    setHeld(null);
    setPaused(null);
    const box = grid.current?.querySelector<HTMLElement>(".grid");
    if (box) box.scrollTop = 0;
  };
  useShortcuts({ p: toggle });

  return (
    <Page
      fill
      title="Flows"
      about={
        <>
          {plural(view.length, "event")}
          {isFiltered(filter) && ` of ${count(feed.ring.length)}`}
          {feed.ring.length >= KEPT && `, the newest ${count(KEPT)} are kept`}
        </>
      }
      actions={
        <>
          {tabs}
          <LiveBadge state={feed.state} paused={paused !== null} />
          <Button icon={paused === null ? "pause" : "play"} onClick={toggle} pressed={paused !== null} title="p">
            {paused === null ? "Pause" : "Go on"}
          </Button>
        </>
      }
    >
      <FlowFilters filter={filter} devices={names.devices} rules={names.rules} onChange={(next) => setQuery(filterToQuery(next, query))} />
      {feed.problem && feed.state === "reconnecting" && <Notice kind="warn">{feed.problem} Trying again; what is shown may be old.</Notice>}
      {feed.lost > 0n && (
        <p class="lost">{plural(feed.lost, "event")} came too fast to be recorded. The packet counters on the overview are complete.</p>
      )}
      <div class="split" ref={grid}>
        <div class="list">
          {waiting > 0 && (
            <Button class="newer" icon="up" size="small" onClick={toNewest}>
              {plural(waiting, "newer event")}
            </Button>
          )}
          {!feed.loaded && feed.ring.length === 0 ? (
            <Loading what="flow events" rows={12} />
          ) : view.length === 0 ? (
            isFiltered(filter) ? (
              <Empty title="No event matches">Widen or clear the filter; new events appear here as they happen.</Empty>
            ) : (
              <Empty title="Nothing has flowed yet">As soon as a device sends a packet through the network it appears here.</Empty>
            )
          ) : (
            <Grid
              label="Flow events, newest first"
              class="flows-grid"
              columns={FLOW_COLUMNS}
              count={view.length}
              rowHeight={narrow ? 62 : 30}
              keyOf={(index) => view.newest(index)?.id ?? -index}
              rowClass={(index) => view.newest(index)?.value.verdict ?? ""}
              row={(index) => {
                const item = view.newest(index);
                return item && <Cells columns={FLOW_COLUMNS} row={item.value} />;
              }}
              openKey={open?.id ?? null}
              onOpen={(index) => setOpen(view.newest(index) ?? null)}
              onScroll={(top) => {
                // Away from the top the list stands still, so that a row can be read and opened.
                if (top > 4) setHeld((now) => now ?? feed.ring.endId);
                else setHeld(null);
              }}
            />
          )}
        </div>
        {open && <FlowPanel event={open.value} id={open.id} onClose={() => setOpen(null)} />}
      </div>
    </Page>
  );
}
