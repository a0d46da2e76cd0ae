// SPDX-License-Identifier: Apache-2.0
import type { Denial } from "../logic/denials";
import { clock, endName, plural, service } from "../logic/format";
import { reasonText } from "../logic/reasons";
import { Empty } from "../ui/notice";
import { Link } from "./link";
import { VerdictMark } from "./verdict";

/** The newest denials, each one leading to its like among the flows. */
export function RecentDenials({ denials }: { denials: readonly Denial[] }) {
  if (denials.length === 0) return <Empty title="Nothing was denied">Denied packets appear here as they happen.</Empty>;
  return (
    <ul class="recent">
      {denials.map(({ event, count }) => (
        <li key={`${endName(event.source)} ${endName(event.destination)} ${event.protocol} ${event.destination.port} ${event.reason} ${event.rule}`}>
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
            <time title={`${plural(count, "time")} among the newest events, last at ${clock(event.time)}`}>
              {count > 1 && `${count}×, `}
              {clock(event.time)}
            </time>
          </Link>
        </li>
      ))}
    </ul>
  );
}
