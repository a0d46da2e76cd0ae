// SPDX-License-Identifier: Apache-2.0
// What people do, and that the network does it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { axe } from "./browser.mjs";

/** The newest event of laptop to server with this reason, as the API tells it. */
async function fromApi(page, reason) {
  return page.evaluate(async (wanted) => {
    for (let i = 0; i < 50; i++) {
      const { events } = await (await fetch("/api/v1/flows?latest=500")).json();
      const found = events.reverse().find((e) => e.source.client_id === "laptop" && e.reason === wanted);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no event with reason ${wanted}`);
  }, reason);
}

async function reasons(page) {
  const drops = await page.evaluate(async () => (await fetch("/api/v1/drops")).json());
  return new Map(drops.dropped.map((row) => [row.reason, row.text]));
}

/** Moves the focus with Tab until it is on something whose text or label matches. */
async function tabTo(page, pattern, most = 40) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => {
      const e = document.activeElement;
      return e?.getAttribute("aria-label") ?? e?.textContent ?? "";
    });
    if (pattern.test(name)) return;
  }
  throw new Error(`Tab does not reach ${pattern}`);
}

export const cases = [
  ["quarantine is clicked while a TCP stream runs, the stream stops, and the row says why", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/devices");
    await page.getByRole("row", { name: /^laptop/ }).click();
    assert.equal(await world.network.beginFlow(), true, "the stream runs before");
    assert.equal(await world.network.flowAnswers(5), true, "the stream runs before");
    await page.getByRole("button", { name: "Quarantine", exact: true }).click();
    await page.getByText("laptop is quarantined.").waitFor();
    assert.equal(await world.network.flowAnswers(2), false, "the stream goes on");

    const event = await fromApi(page, "source_quarantined");
    await page.getByRole("link", { name: "What was denied" }).click();
    const row = page.locator('.flows-grid .rows .row:has(.c-reason[title="source_quarantined"])').first();
    await row.waitFor();
    const shown = await row.evaluate((e) => Object.fromEntries(["source", "verdict", "reason", "trust", "hub"].map((k) => [k, e.querySelector(`.c-${k}`).firstChild?.textContent])));
    assert.equal(await row.locator(".c-verdict").innerText(), "Denied");
    assert.equal(shown.source, "laptop");
    const texts = await reasons(page);
    const wanted = texts.get("source_quarantined") ?? "the source is quarantined";
    assert.equal(shown.reason, wanted, "the row's reason is the API's");
    assert.equal(event.reason, await row.locator(".c-reason").getAttribute("title"));

    await row.click();
    await page.getByRole("button", { name: "Explain" }).click();
    await page.locator(".explained").getByText(wanted).waitFor();

    await world.go(page, "/devices?open=laptop");
    await page.getByRole("button", { name: "Release from quarantine" }).click();
    await page.getByText("laptop is released from quarantine.").waitFor();
    assert.equal(await world.network.flowAnswers(10), true, "the stream goes on after the release");
    await world.network.endFlow();
    return `reason "${shown.reason}"`;
  }],

  ["quarantine and release by the keyboard alone", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await page.keyboard.press("g");
    await page.keyboard.press("d");
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    await page.getByRole("row", { name: /^laptop/ }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("laptop");
    await tabTo(page, /^Devices$/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "laptop" }).waitFor();
    await tabTo(page, /^Quarantine$/);
    await page.keyboard.press("Enter");
    await page.getByText("laptop is quarantined.").waitFor();
    const state = () => page.evaluate(async () => (await (await fetch("/api/v1/devices/laptop")).json()).security_context.quarantined);
    assert.equal(await state(), true);
    await page.getByRole("button", { name: "Release from quarantine" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("laptop is released from quarantine.").waitFor();
    assert.equal(await state(), false);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".panel").count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("role")), "grid", "the focus goes back to the table");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("dialog").count(), 0);
  }],

  ["trust is set, enforced and taken back", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/devices?open=laptop");
    const trust = () => page.evaluate(async () => (await (await fetch("/api/v1/devices/laptop")).json()).security_context.trust_score);
    const before = await trust();
    await page.getByLabel("Trust", { exact: true }).fill("20");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText("laptop has trust 20 now.").waitFor();
    assert.equal(await trust(), 20);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText(`laptop has trust ${before} now.`).waitFor();
    assert.equal(await trust(), before);
  }],

  ["revoking asks for the device's name", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/devices?open=phone");
    await page.getByRole("button", { name: "Revoke…" }).click();
    const dialog = page.getByRole("dialog");
    const button = dialog.getByRole("button", { name: /^Revoke for good/ });
    await dialog.getByLabel("Type phone to confirm").fill("phon");
    assert.equal(await button.getAttribute("aria-disabled"), "true");
    await page.keyboard.press("Enter");
    await dialog.getByLabel("Type phone to confirm").fill("phone");
    assert.equal(await button.getAttribute("aria-disabled"), null);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await page.evaluate(async () => (await (await fetch("/api/v1/devices/phone")).json()).security_context.revoked), false);
  }],

  ["a token is shown once, and its device could join with it", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/tokens");
    await page.getByRole("button", { name: "New token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("tablet");
    await dialog.getByLabel("Owner").fill("alice");
    await dialog.getByRole("button", { name: "Create token" }).click();
    assert.match(await dialog.locator(".copy-box code").innerText(), /^rnt1\.[A-Za-z0-9_-]+$/);
    await dialog.getByRole("button", { name: "Done" }).click();
    const row = page.getByRole("row", { name: /tablet/ });
    await row.waitFor();
    assert.doesNotMatch(await page.locator("body").innerText(), /rnt1\./);
    await row.getByRole("button", { name: /^Delete token/ }).click();
    await row.waitFor({ state: "detached" });
  }],

  ["a WireGuard app is added, its configuration works as it is, and its handshake is seen", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/devices");
    await page.getByRole("button", { name: "Add a WireGuard app" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("laptop");
    await dialog.getByLabel("Owner").fill("bob");
    await dialog.getByLabel("Hub").selectOption("hub-a");
    await dialog.getByRole("button", { name: "Add it" }).click();
    await dialog.getByRole("alert").waitFor(); // there is a laptop
    await dialog.getByLabel("Name").fill("tablet");
    await page.keyboard.press("Enter");
    await dialog.getByText("This is the only time that the configuration is shown.").waitFor();
    await page.screenshot({ path: `${world.screens}/configuration.png` });
    assert.deepEqual(await axe(page), []);
    const text = await dialog.locator(".copy-box code").innerText();
    const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("link", { name: "save it as tablet.conf" }).click()]);
    assert.equal(download.suggestedFilename(), "tablet.conf");
    assert.equal((await readFile(await download.path(), "utf8")).trim(), text.trim());
    await dialog.getByRole("button", { name: "Done" }).click();
    assert.doesNotMatch(await page.locator("body").innerText(), /PrivateKey/);
    const before = page.getByRole("row", { name: /^tablet/ }).locator(".c-seen");
    assert.equal(await before.innerText(), "none yet");
    assert.equal(await world.network.useConfiguration(text), true, "the server answers");
    for (const name of ["tablet", "laptop", "phone"]) // hub-a's devices, of which the gateway knows by hub-a alone
      await page.getByRole("row", { name: new RegExp(`^${name}`) }).locator(".c-seen", { hasText: /^now$| ago$/ }).waitFor();
    await page.getByRole("row", { name: /^tablet/ }).click();
    await page.locator(".panel").getByText("Last handshake").waitFor();
    await page.screenshot({ path: `${world.screens}/device-added.png` });
  }],

  ["from a device to those of its identity, by keys", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.getByRole("heading", { name: "Identities" }).waitFor();
    const row = page.getByRole("row", { name: /user:alice/ }).filter({ has: page.getByRole("link") }).first();
    await row.waitFor();
    const identity = (await row.getByRole("rowheader").innerText()).trim();
    await page.keyboard.press("/");
    await page.keyboard.type(identity);
    await tabTo(page, /^Identities$/);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    await page.waitForURL((url) => url.search === `?q=${encodeURIComponent(`identity:${identity}`)}`.replace("%3A", ":"));
    const names = await page.evaluate(async (number) => (await (await fetch("/api/v1/devices")).json()).devices.filter((d) => String(d.identity) === number).map((d) => d.client_id), identity);
    await page.locator(".devices-grid .rows .row").first().waitFor();
    assert.deepEqual(await page.locator(".devices-grid .rows .row .device-name").allInnerTexts(), names.sort());
    await page.locator(".devices-grid .rows .row").first().click();
    await page.locator(".panel").getByRole("link", { name: identity, exact: true }).click();
    await page.getByRole("heading", { name: "Identities" }).waitFor();
  }],

  ["the stream comes back by itself and says meanwhile that it is away", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    await world.go(page, "/flows");
    await page.locator(".live.live").waitFor();
    await world.network.restartWeb();
    await page.locator(".live.reconnecting").waitFor();
    await page.locator(".live.live").waitFor({ timeout: 30_000 });
    const count = () => page.locator(".about").innerText();
    const before = await count();
    await page.waitForFunction((text) => document.querySelector(".about")?.textContent !== text, before);
  }],
];
