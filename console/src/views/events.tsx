// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api } from "../api";
import { Page } from "../components/page";
import { useResource } from "../hooks/resource";
import { useQuery } from "../hooks/router";
import { count, moment, plural } from "../logic/format";
import type { AuditEvent, Exact } from "../types";
import { Field } from "../ui/field";
import { Empty, Failure, Loading } from "../ui/notice";
import { Table } from "../ui/table";

const PAGE = 1000;
const SHOWN = 1000;

/** All events so far; later calls ask only for what is new. */
function useAudit() {
  const [kept] = useState<{ events: AuditEvent[]; next: Exact }>({ events: [], next: 0 });
  return useResource(async (signal) => {
    for (;;) {
      const answer = await api.events(`after=${kept.next}&limit=${PAGE}`, signal);
      kept.events.push(...answer.events);
      kept.next = answer.next;
      if (answer.events.length < PAGE) return [...kept.events].reverse();
    }
  }, 5);
}

export function EventsView() {
  const { data: events, error, reload } = useAudit();
  const [query, setQuery] = useQuery();
  const text = query.get("q") ?? "";
  const needles = text.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = (events ?? []).filter((event) => {
    const line = `${event.actor} ${event.what} ${event.object} ${event.detail}`.toLowerCase();
    return needles.every((needle) => line.includes(needle));
  });
  return (
    <Page title="Events" about={events && plural(chosen.length, "event")}>
      <p class="hint">Who did what: sign-ins, tokens, devices, trust, quarantine, revocation, policy, accounts.</p>
      <search class="filters">
        <Field label="Search" hideLabel type="search" class="grow" placeholder="Search: who, what, device" value={text} onInput={(q) => setQuery(new URLSearchParams(q ? { q } : {}))} />
      </search>
      {error && <Failure error={error} retry={reload} />}
      {!events ? (
        !error && <Loading what="events" />
      ) : chosen.length === 0 ? (
        <Empty title={events.length ? "No event matches" : "Nothing has happened yet"}>{events.length ? "Widen the search." : "What people and devices do is recorded here."}</Empty>
      ) : (
        <>
          <Table label="Events" heads={["Time", "Who", "What", "To what", "Detail"]}>
            {chosen.slice(0, SHOWN).map((event) => (
              <tr key={String(event.serial)}>
                <td class="nowrap">{moment(event.time)}</td>
                <td>{event.actor}</td>
                <td>{event.what}</td>
                <td>{event.object || "–"}</td>
                <td class="break">{event.detail || "–"}</td>
              </tr>
            ))}
          </Table>
          {chosen.length > SHOWN && <p class="hint">The newest {count(SHOWN)} are shown; search to find older ones.</p>}
        </>
      )}
    </Page>
  );
}
