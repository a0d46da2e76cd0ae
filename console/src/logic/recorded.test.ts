// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isRecordedFiltered, NO_RECORDED_FILTER, recordedFromQuery, recordedPlace, recordedRequest, recordedToQuery } from "./recorded";

const FILTER = { verdict: "deny", source: "lap top & co", destination: "server", owner: "alice", rule: "r-1", protocol: "tcp", port: "22", hours: "24" };

test("a filter of recorded flows survives the address bar, and other keys stay", () => {
  const query = recordedToQuery(FILTER, new URLSearchParams("as=recorded"));
  assert.deepEqual(recordedFromQuery(new URLSearchParams(query.toString())), FILTER);
  assert.equal(recordedToQuery(NO_RECORDED_FILTER, query).toString(), "as=recorded");
  assert.equal(isRecordedFiltered(FILTER), true);
  assert.equal(isRecordedFiltered(recordedFromQuery(new URLSearchParams("verdict=maybe&protocol=gre&as=recorded"))), false);
});

test("the gateway is asked for what is given, and from where to go on", () => {
  assert.equal(recordedRequest(NO_RECORDED_FILTER, null, 200), "limit=200");
  const filter = { ...NO_RECORDED_FILTER, source: " laptop ", owner: "  ", port: "22" };
  assert.equal(recordedRequest(filter, "12345678901234567890", 200), "limit=200&source=laptop&port=22&before=12345678901234567890");
});

test("a place of recorded flows can be linked to", () => {
  assert.equal(recordedPlace({ source: "a&b", port: "22" }), "/flows?as=recorded&source=a%26b&port=22");
});
