// SPDX-License-Identifier: Apache-2.0
// The flows that the gateway recorded: filters, older rows, and that nothing of them becomes HTML.
import assert from "node:assert/strict";
import { axe } from "./browser.mjs";

const API = "**/api/v1/flows/recorded*";

async function open(world, query = "") {
  const page = await world.open();
  await world.signIn(page);
  await world.go(page, `/flows?as=recorded${query}`);
  return page;
}

const rows = (page) => page.locator(".recorded-grid .rows .row");

function row(serial, part = {}) {
  return {
    serial, time: "2026-11-27T12:00:00.000Z", heard: "2026-11-27T12:00:00Z",
    source: { client_id: "laptop", owner: "alice", identity: 3, trust_score: 50 }, destination: { client_id: "server", identity: 2 },
    protocol: "tcp", port: 22, verdict: "deny", reason_number: 2, reason: "deny_rule", rule: "no-ssh", rule_number: 1, policy_version: 7,
    hub: "hub-a", flows: 1, packets: 3, observed_rule: null, bytes: 60, ...part,
  };
}

const answer = (flows, next = null) => ({ flows, next, recorded_since: "2026-11-20T12:00:00Z", lost: 0, damaged: 0, silences: 0 });

export const cases = [
  ["recorded flows: the list is the gateway's, a filter narrows it, and a row says what it knows", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/flows");
    await page.getByRole("radio", { name: "Recorded" }).check();
    await rows(page).first().waitFor();
    assert.match(page.url(), /as=recorded/);
    await page.getByLabel("Source", { exact: true }).fill("laptop");
    await page.getByLabel("Port", { exact: true }).fill("8080");
    const narrowed = () =>
      page.evaluate(() => {
        const seen = [...document.querySelectorAll(".recorded-grid .rows .row")];
        return seen.length > 0 && seen.every((e) => e.querySelector(".c-service")?.textContent === "tcp/8080" && e.querySelector(".c-source")?.textContent?.startsWith("laptop"));
      });
    for (let i = 0; !(await narrowed()); i++) {
      assert.ok(i < 20, "the filter does not narrow the list to what the laptop does all the time");
      await page.waitForTimeout(700);
      await page.getByRole("button", { name: "Load again" }).click();
    }
    assert.match(page.url(), /source=laptop&port=8080/);
    await rows(page).first().click();
    const panel = page.locator(".panel");
    await panel.getByText("Its owner now").waitFor();
    assert.match(await panel.innerText(), /alice/);
    await panel.getByRole("button", { name: "Explain" }).click();
    await panel.locator(".explained").waitFor();
    assert.deepEqual(await axe(page), []);
    await page.screenshot({ path: `${world.screens}/recorded-panel.png` });
    await page.keyboard.press("Escape");
    await page.getByLabel("Source", { exact: true }).fill("nobody-has-this-name");
    await page.getByText("No recorded flow matches").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await rows(page).first().waitFor();
    await page.getByLabel("Hours back").fill("0");
    await page.getByRole("alert").waitFor();
    assert.deepEqual(await axe(page), []);
  }],

  ["recorded flows: older rows come as one scrolls, and where few match one can look further back", async (world) => {
    const page = await open(world);
    await rows(page).first().waitFor();
    const asked = [];
    await page.route(API, (route) => {
      const query = new URL(route.request().url()).searchParams;
      const before = Number(query.get("before") ?? 1001);
      asked.push(before);
      const few = query.get("source") === "few";
      const list = Array.from({ length: few ? 1 : 200 }, (_, i) => row(before - 1 - i));
      const last = before - list.length;
      return route.fulfill({ json: few ? answer(list, last) : answer(list, last > 1 ? last : null) });
    });
    await page.getByRole("button", { name: "Load again" }).click();
    await page.getByText("200 recorded rows, older ones below").waitFor();
    for (const many of [400, 600, 800]) {
      await page.locator(".recorded-grid").evaluate((e) => e.scrollTo(0, e.scrollHeight));
      await page.getByText(`${many} recorded rows`).waitFor();
    }
    assert.deepEqual(asked, [1001, 801, 601, 401]);
    await page.getByLabel("Source", { exact: true }).fill("few");
    const further = page.getByRole("button", { name: "Look further back" });
    await further.waitFor();
    const seen = await rows(page).count();
    assert.ok(seen > 0 && seen < 40, `${seen} rows`);
    await further.click();
    await page.waitForFunction((before) => document.querySelectorAll(".recorded-grid .rows .row").length > before, seen);
    await page.unroute(API);
  }],

  ["recorded flows: names are text, and what is missing or refused is a sentence", async (world) => {
    const page = await open(world);
    const evil = "<img src=x onerror=alert(1)>";
    await page.route(API, (route) =>
      route.fulfill({ json: { ...answer([row(1, { source: { client_id: evil, owner: evil, identity: 1, trust_score: 1 }, rule: evil, hub: evil, reason: evil })]), lost: 3, damaged: 1, silences: 2 } }));
    await page.getByRole("button", { name: "Load again" }).click();
    await page.getByText("Among what was looked at: 3 events came too fast to be recorded; 1 row cannot be read; the gateway's core did not run 2 times.").waitFor();
    await rows(page).getByText(evil).first().waitFor();
    await rows(page).first().click();
    await page.locator(".panel").waitFor();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    await page.unroute(API);
    await page.route(API, (route) =>
      route.fulfill({ status: 501, json: { error: { code: "unsupported", message: "flows are not recorded here: see flow_rows and flow_days in rnaut.conf, and core's log" } } }));
    await page.getByRole("button", { name: "Load again" }).click();
    await page.getByRole("alert").getByText("Flows are not recorded here").waitFor();
    await page.unroute(API);
  }],
];
