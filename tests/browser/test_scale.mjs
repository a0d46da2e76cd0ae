// SPDX-License-Identifier: Apache-2.0
// Ten thousand rows, five hundred devices on the map, numbers that do not fit into a double.
import assert from "node:assert/strict";

const ROWS = 10_000;

/** Scrolls a table to and fro for some seconds and returns how long its frames took, in ms; no table: an idle page's. */
function frames(page, selector, seconds) {
  return page.evaluate(async ([where, time]) => {
    const box = document.querySelector(where) ?? document.createElement("div");
    const took = [];
    const began = performance.now();
    let last = began;
    let way = 1;
    while (last - began < time * 1000) {
      box.scrollTop += way * 260;
      if (box.scrollTop <= 0 || box.scrollTop >= box.scrollHeight - box.clientHeight - 1) way = -way;
      const now = await new Promise(requestAnimationFrame);
      took.push(now - last);
      last = now;
    }
    return took.slice(1);
  }, [selector, seconds]);
}

const part = (list, at) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * at)];

/**
 * The same scrolling with many rows and with few, turn by turn, and the best turn of each. What decides is how many rows are in
 * the page, since that is all that a frame can cost; the times are told, because on a busy machine they say nothing.
 */
async function compare(many, few, selector) {
  const rounds = { many: [], few: [], idle: [] };
  for (let round = 0; round < 5; round++) {
    await few.bringToFront();
    rounds.few.push(await frames(few, selector, 1));
    await many.bringToFront();
    rounds.many.push(await frames(many, selector, 1));
    rounds.idle.push(await frames(many, ".no-table", 0.5));
  }
  const best = (name, at) => Math.min(...rounds[name].map((list) => part(list, at)));
  const rows = await many.locator(`${selector} .rows .row`).count();
  const ms = (name) => `${best(name, 0.5).toFixed(1)} ms (95 %: ${best(name, 0.95).toFixed(1)})`;
  const text = `a frame with many rows ${ms("many")}, few ${ms("few")}, idle ${ms("idle")}; ${rows} rows in the page`;
  assert.ok(rows > 0 && rows <= 150, text);
  return text;
}

/** The gateway's own devices, multiplied: the rows are real, their number is not. */
async function multiply(page, count) {
  await page.route("**/api/v1/devices", async (route) => {
    const answer = await route.fetch();
    const { devices } = await answer.json();
    const clients = devices.filter((device) => !device.hub_type);
    const more = Array.from({ length: count - devices.length }, (_, i) => {
      const device = structuredClone(clients[i % clients.length]);
      return { ...device, client_id: `${device.client_id}-${i}`, number: 1000 + i };
    });
    await route.fulfill({ response: answer, json: { devices: [...devices, ...more] } });
  });
}

export const cases = [
  ["10,000 devices scroll smoothly, and are found and sorted at once", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await multiply(page, ROWS);
    await world.go(page, "/devices");
    await page.getByText(`${ROWS.toLocaleString("en")} devices`).waitFor({ timeout: 60_000 });
    const few = await world.open();
    await world.signIn(few);
    await multiply(few, 200);
    await world.go(few, "/devices");
    await few.getByText("200 devices").waitFor();
    const remark = await compare(page, few, ".devices-grid");
    await page.locator(".devices-grid").focus();
    await page.keyboard.press("End");
    assert.equal(await page.locator(".row.active").getAttribute("aria-rowindex"), String(ROWS + 1));
    await page.getByRole("searchbox").fill("laptop-42");
    await page.getByRole("row", { name: /^laptop-42/ }).first().waitFor();
    return remark;
  }],

  ["10,000 flow events arrive live from the network and scroll smoothly", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/flows");
    await page.locator(".live.live").waitFor();
    const total = () => page.evaluate(() => Number(/^([\d,]+)/.exec(document.querySelector(".about").textContent)[1].replaceAll(",", "")));
    let sent = 0;
    while ((await total()) <= ROWS && sent < 4 * ROWS) sent += await world.network.flood(2000, 800);
    await page.waitForTimeout(500);
    const rows = await total();
    assert.ok(rows > ROWS, `${rows} events after ${sent} packets`);
    const few = await world.open();
    await few.route("**/api/v1/flows?latest=8192", (route) => route.continue({ url: route.request().url().replace("8192", "200") }));
    await world.signIn(few);
    await world.go(few, "/flows");
    await few.locator(".flows-grid .rows .row").first().waitFor();
    const remark = await compare(page, few, ".flows-grid");
    await page.screenshot({ path: `${world.screens}/flows-10000-light.png` });
    return `${rows} events of ${sent} packets; ${remark}`;
  }],

  ["500 devices on the map", async (world) => {
    const page = await world.open({ colorScheme: "dark" });
    await world.signIn(page);
    await multiply(page, 500);
    await world.go(page, "/map");
    await page.getByText("500 devices").waitFor();
    await page.waitForTimeout(1500);
    assert.equal(await page.locator(".node").count(), 500);
    await page.screenshot({ path: `${world.screens}/map-500-dark.png` });
  }],

  ["counters beyond 2^53 are shown with every digit", async (world) => {
    const page = await world.open();
    await page.route("**/api/v1/drops", async (route) => {
      const answer = await route.fetch();
      const text = (await answer.text()).replace(/"packets":\d+/, '"packets":18446744073709551615').replace(/"bytes":\d+/, '"bytes":9007199254740993');
      await route.fulfill({ response: answer, body: text });
    });
    await world.signIn(page);
    await page.getByText("18,446,744,073,709,551,615").waitFor();
    assert.equal(await page.getByTitle("9,007,199,254,740,993 bytes").count(), 1);
  }],
];
