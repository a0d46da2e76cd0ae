// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium under playwright, and what every page of these tests watches.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

export const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS });
}

/** Collects what must not happen: CSP violations, errors on the console, requests that leave the origin. */
export function watch(page, origin) {
  const seen = { csp: [], errors: [], foreign: [] };
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const text = message.text();
    (/Content Security Policy|Trusted ?Type/i.test(text) ? seen.csp : seen.errors).push(text);
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) seen.foreign.push(request.url());
  });
  return seen;
}

/** Rules that axe finds broken on the page as it is. */
export async function axe(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const found = await window.axe.run(document, { resultTypes: ["violations"] });
    return found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " (" + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? "") + ")").join("; ")}`);
  });
}
