// SPDX-License-Identifier: Apache-2.0
// The browser's side of tests/bench/page.py: the flow view while flows come in.
import { launch } from "./browser.mjs";
import { done, network } from "./network.mjs";

const STILL_MS = 1500; // nothing more for so long: the last event is there

/** Watches the page from inside: frames, and when the number of events that it shows last changed. */
function watchFrames() {
  const about = document.querySelector(".about");
  const read = () => Number(/^([\d,]+)/.exec(about.textContent)?.[1].replaceAll(",", "") ?? 0);
  const state = (window.seen = { frames: 0, gap: 0, events: read(), changed: performance.timeOrigin + performance.now(), began: performance.now() });
  let before = performance.now();
  const frame = (now) => {
    state.frames++;
    state.gap = Math.max(state.gap, now - before);
    before = now;
    const events = read();
    if (events !== state.events) state.changed = performance.timeOrigin + performance.now();
    state.events = events;
    if (window.seen === state) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return state.events;
}

async function oneRate(page, rate) {
  const before = await page.evaluate(watchFrames);
  const [count, took] = await network.flows(rate);
  const ended = Date.now();
  const during = await page.evaluate(() => ({ frames: window.seen.frames, gap: window.seen.gap, ms: performance.now() - window.seen.began }));
  await page.waitForFunction((still) => performance.timeOrigin + performance.now() - window.seen.changed > still, STILL_MS, { timeout: 60_000 });
  const seen = await page.evaluate(() => window.seen);
  return {
    offered: Math.round(count / took), count, shown: seen.events - before, tail_ms: Math.max(0, Math.round(seen.changed - ended)),
    frames: Math.round((during.frames * 1000) / during.ms), gap_ms: Math.round(during.gap),
  };
}

const browser = await launch();
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
await page.goto(process.env.CONSOLE + (await network.link()));
await page.getByRole("button", { name: "Sign in with the link" }).click();
await page.getByRole("button", { name: "Later" }).click();
await page.locator("main#main").waitFor();
await page.evaluate(() => {
  history.pushState(null, "", "/flows");
  dispatchEvent(new PopStateEvent("popstate"));
});
await page.locator(".live.live").waitFor();
await oneRate(page, 50); // warm
const results = [];
for (const rate of await network.rates()) results.push(await oneRate(page, rate));
await network.result(results);
await browser.close();
done();
