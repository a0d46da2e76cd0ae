// SPDX-License-Identifier: Apache-2.0
import { api } from "../api";
import { useResource } from "../hooks/resource";
import type { DeviceForm } from "../logic/device_form";
import { Field, Select } from "../ui/field";

export const CLIENT_TYPES = [
  ["desktop", "Desktop"],
  ["mobile", "Mobile"],
  ["server", "Server"],
  ["iot", "IoT device"],
] as const;

interface DeviceFieldsProps {
  form: DeviceForm;
  types: readonly (readonly [string, string])[];
  onInput: (part: Partial<DeviceForm>) => void;
  /** The device names itself where nobody does. */
  nameHint?: string;
  /** A hub belongs to nobody and to no hub. */
  isHub?: boolean;
}

/** What is asked about every device that is to come. */
export function DeviceFields({ form, types, onInput, nameHint, isHub }: DeviceFieldsProps) {
  const { data: hubs } = useResource((signal) => api.hubs(signal));
  return (
    <>
      <Select label="For a" value={form.type} options={types} onInput={(type) => onInput({ type })} />
      <Field label="Name" value={form.name} onInput={(name) => onInput({ name })} hint={nameHint} required={!nameHint} autofocus />
      {!isHub && (
        <>
          <Field label="Owner" value={form.owner} onInput={(owner) => onInput({ owner })} hint="Empty: nobody's." />
          <Select
            label="Hub"
            value={form.hub}
            options={[["", "The gateway chooses"], ...(hubs ?? []).map((hub) => [hub.hub_name, hub.hub_name] as const)]}
            onInput={(hub) => onInput({ hub })}
          />
        </>
      )}
      <Field label="Tags" value={form.tags} onInput={(tags) => onInput({ tags })} hint="Separated by commas or blanks." />
    </>
  );
}
