// SPDX-License-Identifier: Apache-2.0
// Every view, dark, light and narrow: axe finds nothing, nothing overflows; a picture of each goes to build/screens/.
import assert from "node:assert/strict";
import { axe } from "./browser.mjs";

const VIEWS = [
  ["overview", "/", ".recent, .empty"],
  ["flows", "/flows", ".flows-grid .rows .row"],
  ["flows-recorded", "/flows?as=recorded", ".recorded-grid .rows .row"],
  ["map", "/map", ".edge-line"],
  ["map-list", "/map?as=list", ".map-list tbody tr"],
  ["devices", "/devices", ".devices-grid .rows .row"],
  ["device", "/devices?open=laptop", ".panel"],
  ["identities", "/identities", "tbody tr"],
  ["hubs", "/hubs", "tbody tr"],
  ["policy", "/policy", ".editor"],
  ["tokens", "/tokens", "tbody tr, .empty"],
  ["events", "/events", "tbody tr"],
  ["access", "/access", "tbody tr"],
  ["not-found", "/nowhere", ".empty"],
];
const MODES = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { colorScheme: "light", viewport: { width: 375, height: 740 } }],
];

async function look(world, page, name, mode) {
  await page.screenshot({ path: `${world.screens}/${name}-${mode}.png` });
  const broken = await axe(page);
  assert.deepEqual(broken, [], `${name}, ${mode}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name}, ${mode}: ${wide} pixels too wide`);
}

async function every(world, mode, options) {
  const page = await world.open(options);
  await page.goto(world.origin + "/login");
  await page.getByLabel("Account").waitFor();
  await look(world, page, "login", mode);
  await world.signIn(page);
  await world.go(page, "/flows"); // traffic gathers while the others are looked at
  await page.locator(".flows-grid .rows .row").first().waitFor();
  await page.waitForTimeout(2500);
  for (const [name, path, ready] of VIEWS) {
    await world.go(page, path);
    await page.locator(ready).first().waitFor();
    await page.waitForTimeout(name === "map" ? 1200 : 300);
    await look(world, page, name, mode);
  }
  await world.go(page, "/flows?verdict=deny");
  await page.locator(".flows-grid .rows .row").first().click();
  await page.getByRole("button", { name: "Explain" }).click();
  await page.locator(".explained").waitFor();
  await look(world, page, "flow", mode);
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await look(world, page, "keyboard", mode);
  await page.keyboard.press("Escape");
  await world.go(page, "/devices");
  await page.getByRole("button", { name: "Add a WireGuard app" }).click();
  await page.getByRole("dialog").getByLabel("Hub").waitFor();
  await look(world, page, "wireguard-app", mode);
  await page.keyboard.press("Escape");
  if (mode === "narrow") {
    await page.getByRole("button", { name: "Navigation" }).click();
    await look(world, page, "navigation", mode);
  }
}

export const cases = [
  ...MODES.map(([mode, options]) => [`every view opens and axe finds nothing: ${mode}`, (world) => every(world, mode, options)]),

  ["the theme's switch goes before the system's", async (world) => {
    const page = await world.open({ colorScheme: "light" });
    await page.goto(world.origin + "/login");
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByRole("button", { name: /^Theme/ }).click();
    await page.getByRole("button", { name: /^Theme/ }).click();
    assert.notEqual(await background(), light);
    await page.reload();
    await page.getByLabel("Account").waitFor();
    assert.notEqual(await background(), light, "the choice is forgotten");
  }],

  ["the map by keys: arrows go from device to device, Enter opens one", async (world) => {
    const page = await world.open({ reducedMotion: "reduce" });
    await world.signIn(page);
    await world.go(page, "/map");
    await page.locator(".node").first().waitFor();
    await page.locator('.node[tabindex="0"]').focus();
    const names = new Set();
    for (const key of ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowDown"]) {
      await page.keyboard.press(key);
      names.add(await page.evaluate(() => document.activeElement?.getAttribute("data-node")));
    }
    assert.ok(names.size >= 3, `only ${[...names]}`);
    await page.keyboard.press("Enter");
    await page.locator(".panel").waitFor();
    const animated = await page.evaluate(() => document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations === Infinity).length);
    assert.equal(animated, 0, "something moves although motion is to be reduced");
  }],
];
