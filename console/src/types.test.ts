// SPDX-License-Identifier: Apache-2.0
// src/types.ts against docs/openapi.json: every field, whether it may be absent, whether it may be null.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const top = process.env.CONSOLE_TOP ?? "";
const source = readFileSync(join(top, "console/src/types.ts"), "utf8");
const document = JSON.parse(readFileSync(join(top, "docs/openapi.json"), "utf8"));

interface Schema {
  $ref?: string;
  type?: string;
  nullable?: boolean;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
}
interface Field {
  optional: boolean;
  nullable: boolean;
}
const schemas: Record<string, Schema> = document.components.schemas;
const resolve = (schema: Schema): Schema => (schema.$ref ? resolve(schemas[schema.$ref.split("/").pop() ?? ""] ?? {}) : schema);

/** Interfaces as they stand in the file: name to fields. */
function interfaces(): Map<string, Map<string, Field>> {
  const found = new Map<string, Map<string, Field>>();
  for (const [, name, parent, body] of source.matchAll(/^export interface (\w+)(?: extends (\w+))? \{\n([\s\S]*?)^\}/gm)) {
    const fields = new Map(parent ? found.get(parent) : undefined);
    for (const [, key, optional, type] of (body ?? "").matchAll(/^ {2}(\w+)(\?)?: (.*);$/gm))
      fields.set(key ?? "", { optional: optional === "?", nullable: /\| null$/.test(type ?? "") });
    found.set(name ?? "", fields);
  }
  return found;
}

function described(schema: Schema): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    const nullable = value.nullable === true || resolve(value).nullable === true;
    fields.set(key, { optional: !(schema.required ?? []).includes(key), nullable });
  }
  return fields;
}

const NAMES: Record<string, string> = {
  ErrorBody: "Error", Device: "ClientInfo", NewLink: "Link", Enforcement: "Enforced.items", Passed: "Passed", Dropped: "Dropped",
  ApiToken: "ApiTokens.api_tokens", IdentityInfo: "Identities.identities",
};

function schemaOf(name: string): Schema {
  const [first, second] = (NAMES[name] ?? name).split(".");
  const outer = schemas[first ?? ""] ?? {};
  if (!second) return resolve(outer);
  return resolve((second === "items" ? outer.items : outer.properties?.[second]?.items) ?? {});
}

const sort = (fields: Map<string, Field>) => [...fields].sort(([a], [b]) => (a < b ? -1 : 1));

for (const [name, fields] of interfaces()) {
  test(`the type ${name} is what docs/openapi.json describes`, () => {
    const schema = schemaOf(name);
    assert.ok(schema.properties, `there is no schema for ${name}`);
    assert.deepEqual(sort(fields), sort(described(schema)));
  });
}
