// SPDX-License-Identifier: Apache-2.0
// The console in Chromium, case by case; run.py starts it. Ends with "N passed, N failed".
import { mkdirSync } from "node:fs";
import { launch, watch } from "./browser.mjs";
import { done, network } from "./network.mjs";
import { cases as access } from "./test_access.mjs";
import { cases as actions } from "./test_actions.mjs";
import { cases as looks } from "./test_looks.mjs";
import { cases as policy } from "./test_policy.mjs";
import { cases as recorded } from "./test_recorded.mjs";
import { cases as scale } from "./test_scale.mjs";

const origin = process.env.CONSOLE;
const screens = process.env.SCREENS;
const words = process.argv.slice(2);
mkdirSync(screens, { recursive: true });

const browser = await launch();
const world = { browser, origin, screens, network, seen: [], link: null };

/** A page of a browser of its own, watched until the end. */
world.open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  world.seen.push(watch(page, origin));
  return page;
};

/** Signs in by a one-time link; without a password yet it is asked for one, and says later. */
world.signIn = async (page, link) => {
  await page.goto(origin + (link ?? (await network.link())));
  await page.getByRole("button", { name: "Sign in with the link" }).click();
  const later = page.getByRole("button", { name: "Later" });
  await page.locator("main#main").or(later).first().waitFor();
  if (await later.isVisible()) await later.click();
  await page.locator("main#main").waitFor();
};

/** Another view without loading the page again, as its links do. */
world.go = async (page, path) => {
  await page.evaluate((target) => {
    history.pushState(null, "", target);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);
};

let passed = 0;
let failed = 0;
for (const [name, run] of [...access, ...actions, ...policy, ...recorded, ...looks, ...scale]) {
  if (words.length && !words.some((word) => name.includes(word))) continue;
  const began = Date.now();
  try {
    const remark = await run(world);
    passed++;
    console.log(`ok ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)${remark ? `: ${remark}` : ""}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${name}: ${String(error.message ?? error).split("\n").slice(0, 14).join("\n    ")}`);
  }
  for (const context of browser.contexts()) await context.close();
}
const csp = world.seen.flatMap((one) => one.csp);
const foreign = world.seen.flatMap((one) => one.foreign);
const errors = world.seen.flatMap((one) => one.errors).filter((text) => !/status of (401|403|404|409|400|413|429|501|503)|ERR_(INCOMPLETE|CONNECTION|EMPTY|FAILED|ABORTED)|ERR_NETWORK/.test(text));
for (const [name, list] of [["no CSP violation", csp], ["no request leaves the console", foreign], ["no error on the browser's console", errors]]) {
  if (list.length === 0) passed++;
  else failed++;
  console.log(list.length ? `FAILED ${name}: ${list.slice(0, 5).join("\n    ")}` : `ok ${name}`);
}
await browser.close();
done();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
