// SPDX-License-Identifier: Apache-2.0
import { NO_FILTER, isFiltered, type FlowFilter } from "../logic/filter";
import { DENY_REASONS } from "../logic/reasons";
import { Button } from "../ui/button";
import { Choice, Field, Select } from "../ui/field";

const VERDICTS = [
  ["", "All"],
  ["allow", "Allowed"],
  ["deny", "Denied"],
] as const;

interface FlowFiltersProps {
  filter: FlowFilter;
  devices: readonly string[];
  rules: readonly string[];
  onChange: (filter: FlowFilter) => void;
}

export function FlowFilters({ filter, devices, rules, onChange }: FlowFiltersProps) {
  const set = (part: Partial<FlowFilter>) => onChange({ ...filter, ...part });
  const reasons = [["", "Any reason"] as const, ["allowed", "allowed"] as const, ...DENY_REASONS.map((r) => [r.name, r.text] as const)];
  return (
    <search class="filters">
      <Choice label="Verdict" hideLabel value={filter.verdict} options={VERDICTS} onInput={(verdict) => set({ verdict })} />
      <Field label="Search" hideLabel type="search" class="grow" placeholder="Search: name, address, tcp/22, words" value={filter.text} onInput={(text) => set({ text })} />
      <Field label="Device" hideLabel placeholder="Any device" value={filter.device} choices={devices} onInput={(device) => set({ device })} class="short" />
      <Select label="Reason" hideLabel value={filter.reason} options={reasons} onInput={(reason) => set({ reason })} class="short" />
      <Field label="Rule" hideLabel placeholder="Any rule" value={filter.rule} choices={rules} onInput={(rule) => set({ rule })} class="short" />
      {isFiltered(filter) && (
        <Button kind="quiet" icon="close" onClick={() => onChange(NO_FILTER)}>
          Clear
        </Button>
      )}
    </search>
  );
}
