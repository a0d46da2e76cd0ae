// SPDX-License-Identifier: Apache-2.0
import { isRecordedFiltered, NO_RECORDED_FILTER, type RecordedFilter } from "../logic/recorded";
import type { RecordedFlow } from "../types";
import { Button } from "../ui/button";
import { Choice, Field, Select } from "../ui/field";

const VERDICTS = [
  ["", "All"],
  ["allow", "Allowed"],
  ["deny", "Denied"],
] as const;
const PROTOCOLS = [
  ["", "Any protocol"],
  ["tcp", "TCP"],
  ["udp", "UDP"],
  ["icmp", "ICMP echo"],
] as const;

interface RecordedFiltersProps {
  filter: RecordedFilter;
  /** Names that they have are offered. */
  flows: readonly RecordedFlow[];
  onChange: (filter: RecordedFilter) => void;
}

const some = (names: readonly (string | null)[]) => [...new Set(names.filter((name) => name !== null))].sort().slice(0, 500);

export function RecordedFilters({ filter, flows, onChange }: RecordedFiltersProps) {
  const set = (part: Partial<RecordedFilter>) => onChange({ ...filter, ...part });
  const names: [keyof RecordedFilter, string, string[]][] = [
    ["source", "Source", some(flows.map((flow) => flow.source.client_id))],
    ["destination", "Destination", some(flows.map((flow) => flow.destination.client_id))],
    ["owner", "Owner", some(flows.map((flow) => flow.source.owner))],
    ["rule", "Rule", some(flows.map((flow) => flow.rule))],
  ];
  return (
    <search class="filters">
      <Choice label="Verdict" hideLabel value={filter.verdict} options={VERDICTS} onInput={(verdict) => set({ verdict })} />
      {names.map(([key, label, choices]) => (
        <Field
          key={key}
          label={label}
          hideLabel
          placeholder={`Any ${label.toLowerCase()}`}
          value={filter[key]}
          choices={choices}
          onInput={(value) => set({ [key]: value })}
          class="short"
        />
      ))}
      <Select label="Protocol" hideLabel value={filter.protocol} options={PROTOCOLS} onInput={(protocol) => set({ protocol })} class="brief wide" />
      <Field label="Port" hideLabel type="number" min={0} max={65535} placeholder="Port" value={filter.port} onInput={(port) => set({ port })} class="brief" />
      <Field label="Hours back" hideLabel type="number" min={1} max={366 * 24} placeholder="Hours" value={filter.hours} onInput={(hours) => set({ hours })} class="brief" />
      {isRecordedFiltered(filter) && (
        <Button kind="quiet" icon="close" onClick={() => onChange(NO_RECORDED_FILTER)}>
          Clear
        </Button>
      )}
    </search>
  );
}
