// SPDX-License-Identifier: Apache-2.0
import { clock, endName, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import type { FlowEvent } from "../types";
import { Empty } from "../ui/notice";
import { Link } from "./link";
import { VerdictMark } from "./verdict";

/** The newest denials, each one leading to its like among the flows. */
export function RecentDenials({ events }: { events: readonly FlowEvent[] }) {
  if (events.length === 0) return <Empty title="Nothing was denied">Denied packets appear here as they happen.</Empty>;
  return (
    <ul class="recent">
      {events.map((event) => (
        <li key={String(event.serial)}>
          <Link to={`/flows?verdict=deny&device=${encodeURIComponent(endName(event.source))}&reason=${event.reason}`}>
            <VerdictMark verdict={event.verdict} />
            <span class="recent-ends">
              {endName(event.source)} → {endName(event.destination)}
            </span>
            <code>{service(event.protocol, event.destination.port)}</code>
            <span class="recent-reason">
              {reasonText(event.reason)}
              {event.rule && (
                <>
                  {" "}
                  (<code>{event.rule}</code>)
                </>
              )}
            </span>
            <time>{clock(event.time)}</time>
          </Link>
        </li>
      ))}
    </ul>
  );
}
