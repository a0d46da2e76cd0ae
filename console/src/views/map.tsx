// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { DevicePanel } from "../components/device_panel";
import { LiveBadge } from "../components/live";
import { MapList } from "../components/map_list";
import { NetworkMap } from "../components/network_map";
import { Page } from "../components/page";
import { useDevices } from "../hooks/devices";
import { useNow } from "../hooks/media";
import { useQuery } from "../hooks/router";
import { useShortcuts } from "../hooks/shortcuts";
import { useTraffic } from "../hooks/traffic";
import { devicesFromQuery, selectDevices } from "../logic/devices";
import { plural } from "../logic/format";
import { Button } from "../ui/button";
import { Choice, Field } from "../ui/field";
import { Empty, Failure, Loading, Notice } from "../ui/notice";

const FORMS = [
  ["map", "Map"],
  ["list", "List"],
] as const;

/** A drawing of the map, as it is drawn there, and what it says. */
function Sign({ text, width = 14, height = 14, children }: { text: string; width?: number; height?: number; children: ComponentChildren }) {
  return (
    <li>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
        {children}
      </svg>
      {text}
    </li>
  );
}

function Legend() {
  return (
    <ul class="legend">
      <Sign text="allowed" width={36} height={12}>
        <path class="edge-line allow warm" d="M1 6h34" />
      </Sign>
      <Sign text="denied" width={36} height={16}>
        <path class="edge-line deny warm" d="M1 8h34" />
        <g class="edge-mark" transform="translate(18 8)">
          <path class="mark-fill" d="M-3-7h6l4 4v6l-4 4h-6l-4-4v-6z" />
          <path class="mark-cut" d="M-2.5-2.5l5 5M2.5-2.5l-5 5" />
        </g>
      </Sign>
      <Sign text="connected">
        <path class="key-connected" d="M7 2a5 5 0 1 0 .01 0z" />
      </Sign>
      <Sign text="offline">
        <path class="key-hollow" d="M7 2a5 5 0 1 0 .01 0z" />
      </Sign>
      <Sign text="WireGuard app">
        <path class="key-hollow" d="M7 1.5 12.5 7 7 12.5 1.5 7z" />
      </Sign>
      <Sign text="quarantined">
        <path class="key-warn" d="M7 1 13.5 12.5H.5z" />
      </Sign>
    </ul>
  );
}

export function MapView() {
  const { data, error, reload } = useDevices();
  const [paused, setPaused] = useState(false);
  const { traffic, now, feed } = useTraffic(paused);
  const slowNow = useNow();
  const [params, setParams] = useQuery();
  const put = (key: string, value: string) => {
    const next = new URLSearchParams(params);
    if (value) next.set(key, value);
    else next.delete(key);
    setParams(next);
  };
  useShortcuts({ p: () => setPaused(!paused) });
  const devices = useMemo(() => (data ?? []).filter((device) => !device.security_context.revoked), [data]);
  const text = params.get("q") ?? "";
  const matching = useMemo(
    () => (text ? new Set(selectDevices(devices, { ...devicesFromQuery(new URLSearchParams()), text }).map((d) => d.client_id)) : null),
    [devices, text],
  );
  const form = params.get("as") === "list" ? "list" : "map";
  const open = data?.find((device) => device.client_id === params.get("open"));
  const pairs = traffic.recent(4000, 0).filter((pair) => !matching || matching.has(pair.source) || matching.has(pair.destination));

  return (
    <Page
      fill
      title="Map"
      about={data && `${plural(devices.length, "device")}; traffic of the last minute`}
      actions={
        <>
          <LiveBadge state={feed.state} paused={paused} />
          <Button icon={paused ? "play" : "pause"} pressed={paused} title="p" onClick={() => setPaused(!paused)}>
            {paused ? "Go on" : "Pause"}
          </Button>
        </>
      }
    >
      <search class="filters">
        <Choice label="Shown as" hideLabel value={form} options={FORMS} onInput={(value) => put("as", value === "list" ? "list" : "")} />
        <Field label="Find devices" hideLabel type="search" class="grow" placeholder="Find: name, owner, tag, hub" value={text} onInput={(value) => put("q", value)} />
      </search>
      {error && <Failure error={error} retry={reload} />}
      {feed.problem && feed.state === "reconnecting" && <Notice kind="warn">{feed.problem} Trying again; the map stands still.</Notice>}
      <div class="split">
        <div class="list">
          {!data ? (
            !error && <Loading what="the map" rows={8} />
          ) : devices.length === 0 ? (
            <Empty title="Nobody is here yet">Create a token under Tokens and enrol the first device.</Empty>
          ) : form === "list" ? (
            <MapList pairs={pairs} now={now} />
          ) : (
            <NetworkMap devices={devices} traffic={traffic} now={now} matching={matching} open={open?.client_id ?? null} onOpen={(name) => put("open", name)} />
          )}
          {form === "map" && data && <Legend />}
        </div>
        {open && <DevicePanel device={open} now={slowNow} onClose={() => put("open", "")} onChange={reload} />}
      </div>
    </Page>
  );
}
