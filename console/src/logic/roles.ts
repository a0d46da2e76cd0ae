// SPDX-License-Identifier: Apache-2.0
import type { Role } from "../types";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2, root: 3 };

export function may(role: Role, needed: Role): boolean {
  return RANK[role] >= RANK[needed];
}

/** Why a control is off, for its title and for screen readers; null where it is on. */
export function refusal(role: Role, needed: Role): string | null {
  if (may(role, needed)) return null;
  return `This needs the role ${needed}; you are signed in as ${role}.`;
}
