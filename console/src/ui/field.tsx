// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "number" | "search" | "datetime-local";
  hint?: ComponentChildren;
  error?: string | null;
  choices?: readonly string[];
  autocomplete?: string;
  required?: boolean;
  hideLabel?: boolean;
  placeholder?: string;
  min?: number;
  max?: number;
  class?: string;
  autofocus?: boolean;
}

/** A labelled input. choices: what the browser offers while somebody types; anything else may be typed too. */
export function Field(props: FieldProps) {
  const id = useId();
  const described = props.error ? `${id}-error` : props.hint ? `${id}-hint` : undefined;
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id} class={props.hideLabel ? "unseen" : undefined}>
        {props.label}
      </label>
      <input
        id={id}
        type={props.type ?? "text"}
        value={props.value}
        list={props.choices ? `${id}-list` : undefined}
        autocomplete={props.autocomplete ?? "off"}
        spellcheck={false}
        required={props.required}
        placeholder={props.placeholder}
        min={props.min}
        max={props.max}
        autofocus={props.autofocus}
        aria-invalid={props.error ? true : undefined}
        aria-describedby={described}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {props.choices && (
        <datalist id={`${id}-list`}>
          {props.choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
      {props.error ? (
        <p class="field-error" id={`${id}-error`}>
          {props.error}
        </p>
      ) : (
        props.hint && (
          <p class="hint" id={`${id}-hint`}>
            {props.hint}
          </p>
        )
      )}
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  onInput: (value: string) => void;
  hideLabel?: boolean;
  disabled?: boolean;
  class?: string;
  title?: string | undefined;
}

export function Select(props: SelectProps) {
  const id = useId();
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id} class={props.hideLabel ? "unseen" : undefined}>
        {props.label}
      </label>
      <select
        id={id}
        value={props.value}
        disabled={props.disabled}
        title={props.title}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** One of a few, all of them visible. */
export function Choice(props: Omit<SelectProps, "class" | "title">) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class={props.hideLabel ? "unseen" : undefined}>{props.label}</legend>
      <div class="segments">
        {props.options.map(([value, text]) => (
          <label key={value}>
            <input
              type="radio"
              name={name}
              value={value}
              checked={props.value === value}
              onChange={() => props.onInput(value)}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
