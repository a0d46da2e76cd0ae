// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyReplay } from "../types";
import { missingSentences, replaySentences, sourceText } from "./replayed";

const NONE = { flows: 0, users: 0, unowned_devices: 0 };
const replay = (part: Partial<PolicyReplay>) =>
  ({
    flows: 100,
    would_deny: NONE,
    would_allow: NONE,
    missing: { lost_events: 0, damaged_rows: 0, silences: 0, silent_seconds: 0, unknown_devices: 0, stopped: 0 },
    ...part,
  }) as PolicyReplay;

test("a replay says how many flows of whom", () => {
  const found = replay({ would_deny: { flows: 41, users: 3, unowned_devices: 0 }, would_allow: { flows: "1234567890123456789", users: 1, unowned_devices: 2 } });
  assert.deepEqual(replaySentences(found, 24), {
    deny: "41 flows of 3 users in the last 24 h would have been denied.",
    allow: "1,234,567,890,123,456,789 flows of 1 user and 2 devices of nobody in the last 24 h would have been allowed.",
  });
  const one = replay({ would_deny: { flows: 1, users: 0, unowned_devices: 1 } });
  assert.deepEqual(replaySentences(one, 1), { deny: "1 flow of 1 device of nobody in the last hour would have been denied.", allow: null });
  assert.deepEqual(replaySentences(replay({}), 24), { deny: null, allow: null });
});

test("a replay says what it cannot know, and nothing where there is nothing", () => {
  assert.deepEqual(missingSentences(replay({})), []);
  const missing = { lost_events: 1, damaged_rows: 2, silences: 1, silent_seconds: 90, unknown_devices: 1, stopped: 2 };
  assert.deepEqual(missingSentences(replay({ missing })), [
    "1 event was not recorded.",
    "2 recorded rows cannot be read.",
    "1 flow is of a device that is unknown now.",
    "2 flows are of devices that are revoked or quarantined now, and denied with either policy.",
    "Nothing was recorded for up to 90 seconds while core did not run.",
  ]);
});

test("several sources are counted", () => {
  const change = { source: null, devices: 3 } as PolicyReplay["changes"][number];
  assert.equal(sourceText(change), "3 devices");
  assert.equal(sourceText({ ...change, devices: 8 }), "8 devices or more");
  assert.equal(sourceText({ ...change, source: "laptop", devices: 1 }), "laptop");
});
