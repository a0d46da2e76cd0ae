// SPDX-License-Identifier: Apache-2.0
import type { ClientType, TokenRequest } from "../types";

export interface TokenForm {
  type: string;
  name: string;
  owner: string;
  hub: string;
  tags: string;
  lifetime: string;
}

/** What was filled in, and nothing else: the API refuses empty names. */
export function tokenRequest(form: TokenForm): TokenRequest {
  const isHub = form.type === "hub";
  const request: TokenRequest = isHub ? { hub_type: "hub" } : { client_type: form.type as ClientType };
  const tags = form.tags.split(/[\s,]+/).filter(Boolean);
  if (form.name.trim()) request.name = form.name.trim();
  if (!isHub && form.owner.trim()) request.owner = form.owner.trim();
  if (!isHub && form.hub) request.hub = form.hub;
  if (tags.length) request.tags = tags;
  request.lifetime_seconds = Number(form.lifetime);
  return request;
}
