// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Page } from "../components/page";
import { RECORDED_COLUMNS } from "../components/flow_columns";
import { RecordedFilters } from "../components/recorded_filters";
import { RecordedPanel } from "../components/recorded_panel";
import { useNarrow } from "../hooks/media";
import { useRecorded, type Recorded } from "../hooks/recorded";
import { useQuery } from "../hooks/router";
import { moment, plural } from "../logic/format";
import { isRecordedFiltered, recordedFromQuery, recordedToQuery } from "../logic/recorded";
import type { RecordedFlow } from "../types";
import { Button } from "../ui/button";
import { Cells } from "../ui/cells";
import { Grid } from "../ui/grid";
import { Empty, Failure, Loading } from "../ui/notice";

/** Rows from the list's end at which older ones are loaded. */
const NEAR = 60;

/** What is not among the rows. */
function Missing({ found }: { found: Recorded }) {
  const parts = [];
  if (found.lost) parts.push(`${plural(found.lost, "event")} came too fast to be recorded`);
  if (found.damaged) parts.push(`${plural(found.damaged, "row")} cannot be read`);
  if (found.silences) parts.push(`the gateway's core did not run ${plural(found.silences, "time")}`);
  return parts.length ? <p class="lost">Among what was looked at: {parts.join("; ")}.</p> : null;
}

type Older = (() => unknown) | null;

function Further({ busy, older }: { busy: boolean; older: Older }) {
  return (
    <Button size="small" busy={busy} onClick={() => older?.()}>
      Look further back
    </Button>
  );
}

function Nothing({ filtered, found, busy, older }: { filtered: boolean; found: Recorded; busy: boolean; older: Older }) {
  if (found.next !== null)
    return (
      <Empty title="No flow matches so far">
        Older rows were not looked at yet. <Further busy={busy} older={older} />
      </Empty>
    );
  if (filtered) return <Empty title="No recorded flow matches">Widen or clear the filter. Names are whole: laptop, not lap.</Empty>;
  return <Empty title="Nothing is recorded yet">As soon as a flow between two devices begins or is denied it is recorded.</Empty>;
}

/** The flows that the gateway recorded, newest first. tabs: the way to the other list. */
export function RecordedView({ tabs }: { tabs: ComponentChildren }) {
  const [query, setQuery] = useQuery();
  const filter = recordedFromQuery(query);
  const { found, error, busy, reload, older } = useRecorded(filter);
  const narrow = useNarrow();
  const [open, setOpen] = useState<RecordedFlow | null>(null);
  const flows = found?.flows ?? [];
  const height = narrow ? 62 : 30;
  return (
    <Page
      fill
      title="Flows"
      about={
        found && (
          <>
            {plural(flows.length, "recorded row")}
            {found.next !== null && ", older ones below"}
            {found.since && `; the oldest that is kept is of ${moment(found.since)}`}
          </>
        )
      }
      actions={
        <>
          {tabs}
          <Button busy={busy} onClick={reload}>
            Load again
          </Button>
        </>
      }
    >
      <RecordedFilters filter={filter} flows={flows} onChange={(next) => setQuery(recordedToQuery(next, query))} />
      {error && <Failure error={error} retry={reload} />}
      {found && <Missing found={found} />}
      <div class="split">
        <div class="list">
          {!found ? (
            !error && <Loading what="recorded flows" rows={12} />
          ) : flows.length === 0 ? (
            <Nothing filtered={isRecordedFiltered(filter)} found={found} busy={busy} older={older} />
          ) : (
            <Grid
              label="Recorded flows, newest first"
              class="flows-grid recorded-grid"
              columns={RECORDED_COLUMNS}
              count={flows.length}
              rowHeight={height}
              keyOf={(index) => String(flows[index]?.serial ?? -index)}
              rowClass={(index) => flows[index]?.verdict ?? ""}
              row={(index) => {
                const flow = flows[index];
                return flow && <Cells columns={RECORDED_COLUMNS} row={flow} />;
              }}
              openKey={open ? String(open.serial) : null}
              onOpen={(index) => setOpen(flows[index] ?? null)}
              onScroll={(top) => {
                if (top / height > flows.length - NEAR) older?.();
              }}
            />
          )}
          {found && found.next !== null && flows.length > 0 && flows.length < NEAR && (
            <p class="further">
              Older rows were not looked at yet. <Further busy={busy} older={older} />
            </p>
          )}
        </div>
        {open && <RecordedPanel flow={open} onClose={() => setOpen(null)} />}
      </div>
    </Page>
  );
}
