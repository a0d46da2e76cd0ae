// SPDX-License-Identifier: Apache-2.0
import { REASONS } from "../verdicts";

const BY_NAME = new Map(REASONS.map((reason) => [reason.name, reason]));

/** The reason as a sentence; a reason this page does not know yet stays readable. */
export function reasonText(name: string): string {
  return BY_NAME.get(name)?.text ?? name.replaceAll("_", " ");
}

export const DENY_REASONS = REASONS.filter((reason) => reason.number !== 0);
