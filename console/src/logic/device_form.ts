// SPDX-License-Identifier: Apache-2.0
// Forms about devices that are to come, as requests: what was filled in, and nothing else, since the API refuses empty names.
import type { ClientRequest, ClientType, TokenRequest } from "../types";

export interface DeviceForm {
  type: string;
  name: string;
  owner: string;
  hub: string;
  tags: string;
}

export interface TokenForm extends DeviceForm {
  lifetime: string;
}

type Filled = Pick<TokenRequest, "name" | "owner" | "hub" | "tags">;

function filled(form: DeviceForm): Filled {
  const request: Filled = {};
  const tags = form.tags.split(/[\s,]+/).filter(Boolean);
  if (form.name.trim()) request.name = form.name.trim();
  if (form.owner.trim()) request.owner = form.owner.trim();
  if (form.hub) request.hub = form.hub;
  if (tags.length) request.tags = tags;
  return request;
}

/** A hub belongs to nobody and to no hub. */
export function tokenRequest(form: TokenForm): TokenRequest {
  const lifetime_seconds = Number(form.lifetime);
  if (form.type === "hub") return { hub_type: "hub", ...filled({ ...form, owner: "", hub: "" }), lifetime_seconds };
  return { client_type: form.type as ClientType, ...filled(form), lifetime_seconds };
}

export function clientRequest(form: DeviceForm, wireguard_public_key: string): ClientRequest {
  return { ...filled(form), client_type: form.type as ClientType, name: form.name.trim(), wireguard_public_key };
}
