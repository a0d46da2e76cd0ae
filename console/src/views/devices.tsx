// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import { ClientDialog } from "../components/client_dialog";
import { DevicePanel } from "../components/device_panel";
import { DeviceCells } from "../components/device_row";
import { Page } from "../components/page";
import { useDevices } from "../hooks/devices";
import { useNarrow, useNow } from "../hooks/media";
import { useQuery } from "../hooks/router";
import { useSession } from "../hooks/session";
import { devicesFromQuery, devicesToQuery, selectDevices, type DeviceQuery, type DeviceSort } from "../logic/devices";
import { count, plural } from "../logic/format";
import { refusal } from "../logic/roles";
import { STATE_TEXT, type DeviceState } from "../logic/states";
import { Button } from "../ui/button";
import { Field, Select } from "../ui/field";
import { Grid, type Column } from "../ui/grid";
import { Empty, Failure, Loading } from "../ui/notice";

const TITLES: readonly (readonly [key: string, title: string, sort: DeviceSort | null])[] = [
  ["device", "Device", "name"],
  ["owner", "Owner", "owner"],
  ["state", "State", "state"],
  ["trust", "Trust", "trust"],
  ["hub", "Hub", "hub"],
  ["address", "Address", null],
  ["seen", "Last handshake", "seen"],
];

function columns(query: DeviceQuery, set: (next: DeviceQuery) => void): Column[] {
  return TITLES.map(([key, title, sort]) => {
    if (!sort) return { key, title };
    const mine = query.sort === sort;
    return {
      key,
      title,
      sort: {
        direction: mine ? (query.down ? "descending" : "ascending") : null,
        toggle: () => set({ ...query, sort, down: mine && !query.down }),
      },
    };
  });
}

export function DevicesView() {
  const { data: devices, error, reload } = useDevices();
  const [params, setParams] = useQuery();
  const narrow = useNarrow();
  const now = useNow();
  const query = devicesFromQuery(params);
  const set = (next: DeviceQuery) => setParams(devicesToQuery(next, params));
  const shown = useMemo(() => selectDevices(devices ?? [], query), [devices, query.text, query.state, query.sort, query.down]);
  const role = useSession()?.role ?? "viewer";
  const [adding, setAdding] = useState(false);
  const openName = params.get("open");
  const open = devices?.find((device) => device.client_id === openName);
  const setOpen = (name: string | null) => {
    const next = new URLSearchParams(params);
    if (name) next.set("open", name);
    else next.delete("open");
    setParams(next);
  };
  const states: [string, string][] = [["", "Any state"], ...(Object.keys(STATE_TEXT) as DeviceState[]).map((s): [string, string] => [s, STATE_TEXT[s]])];

  return (
    <Page
      fill
      title="Devices"
      actions={
        <Button icon="plus" refusal={refusal(role, "operator")} onClick={() => setAdding(true)}>
          Add a WireGuard app
        </Button>
      }
      about={devices && (shown.length === devices.length ? plural(shown.length, "device") : `${count(shown.length)} of ${plural(devices.length, "device")}`)}
    >
      <search class="filters">
        <Field label="Search" hideLabel type="search" class="grow" placeholder="Search: name, owner, tag, hub, address" value={query.text} onInput={(text) => set({ ...query, text })} />
        <Select label="State" hideLabel class="short" value={query.state} options={states} onInput={(state) => set({ ...query, state: state as DeviceState | "" })} />
      </search>
      {error && <Failure error={error} retry={reload} />}
      <div class="split">
        <div class="list">
          {!devices ? (
            !error && <Loading what="devices" rows={12} />
          ) : shown.length === 0 ? (
            devices.length ? (
              <Empty title="No device matches">Widen the search or the state.</Empty>
            ) : (
              <Empty title="No devices yet">Create a token under Tokens and enrol the first one.</Empty>
            )
          ) : (
            <Grid
              label="Devices"
              class="devices-grid"
              columns={columns(query, set)}
              count={shown.length}
              rowHeight={narrow ? 62 : 34}
              keyOf={(index) => shown[index]?.client_id ?? index}
              row={(index) => {
                const device = shown[index];
                return device && <DeviceCells device={device} now={now} />;
              }}
              openKey={openName}
              onOpen={(index) => setOpen(shown[index]?.client_id ?? null)}
            />
          )}
        </div>
        {open && <DevicePanel device={open} now={now} onClose={() => setOpen(null)} onChange={reload} />}
      </div>
      {adding && (
        <ClientDialog
          onClose={() => {
            setAdding(false);
            void reload();
          }}
        />
      )}
    </Page>
  );
}
