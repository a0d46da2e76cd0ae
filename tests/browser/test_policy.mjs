// SPDX-License-Identifier: Apache-2.0
// The policy's page: an editor that says where something is wrong, drafts, history, the way back, and an explanation.
import assert from "node:assert/strict";
import { axe } from "./browser.mjs";

const inForce = (page) => page.evaluate(async () => (await fetch("/api/v1/policy")).json());

/** Puts a text into force past the page, as somebody else would. */
async function setElsewhere(page, text, comment) {
  await page.evaluate(async ([policy, why]) => {
    const { csrf } = await (await fetch("/api/v1/session")).json();
    const headers = { "Content-Type": "application/json", "X-Rnaut-Csrf": csrf };
    const answer = await fetch("/api/v1/policy", { method: "PUT", headers, body: JSON.stringify({ text: policy, comment: why }) });
    if (!answer.ok) throw new Error(await answer.text());
  }, [text, comment]);
}

async function open(world) {
  const page = await world.open();
  await world.signIn(page);
  await world.go(page, "/policy");
  const editor = page.getByLabel("Policy text");
  await editor.waitFor();
  return { page, editor };
}

async function publish(page, comment) {
  await page.locator('.buttons .button.primary:not([aria-disabled])').getByText("Put into force…").click();
  const dialog = page.getByRole("dialog", { name: "Put this policy into force?" });
  await dialog.getByLabel("Comment").fill(comment);
  await dialog.getByRole("button", { name: "Put into force" }).click();
  return dialog;
}

export const cases = [
  ["policy: an error is marked at its place while it is typed, and nothing is put into force", async (world) => {
    const { page, editor } = await open(world);
    const good = await editor.inputValue();
    const bad = good.replace('"action": "deny"', '"action": "forbid"');
    const line = good.split("\n").findIndex((text) => text.includes('"deny"')) + 1;
    await editor.fill(bad);
    const problem = page.locator(".check .notice.bad");
    await problem.waitFor();
    assert.match(await problem.innerText(), new RegExp(`line ${line}, column \\d+`));
    assert.equal(await editor.getAttribute("aria-invalid"), "true");
    const mark = page.locator(".mark-line");
    const [at, first] = await Promise.all([mark.boundingBox(), editor.boundingBox()]);
    assert.equal(Math.round((at.y - first.y - 10) / 20) + 1, line, "the mark is on another line");
    await page.getByRole("button", { name: /^Put into force/ }).click({ force: true });
    assert.equal(await page.getByRole("dialog").count(), 0);
    await page.getByRole("button", { name: `Go to line ${line}` }).click();
    assert.equal(await editor.evaluate((e) => e.value.slice(0, e.selectionStart).split("\n").length), line);
    await page.screenshot({ path: `${world.screens}/policy-error.png` });
    assert.deepEqual(await axe(page), []);
    await editor.fill(good + "// good\n");
    await page.getByText("The policy is good.").waitFor();
    assert.equal(await mark.count(), 0);
    await page.getByRole("button", { name: "Undo my changes" }).click();
    assert.equal(await editor.inputValue(), good);
  }],

  ["policy: what changes is shown before, the history says who and why, and the way back is a new version", async (world) => {
    const { page, editor } = await open(world);
    const before = await inForce(page);
    await editor.fill(before.text + "// changed in the console\n");
    const dialog = await publish(page, "tried out");
    await page.getByText("The policy is in force.").waitFor();
    await dialog.waitFor({ state: "detached" });
    const after = await inForce(page);
    assert.ok(after.version > before.version);
    assert.match(after.text, /changed in the console/);
    assert.deepEqual([after.author, after.comment], ["admin", "tried out"]);

    const row = page.getByRole("row", { name: /in force.*tried out/ });
    await row.waitFor();
    await row.getByRole("button", { name: /^Changes of version/ }).click();
    await page.locator(".diff .come").getByText("// changed in the console").waitFor();
    await page.screenshot({ path: `${world.screens}/policy-diff.png` });
    assert.deepEqual(await axe(page), []);
    await page.keyboard.press("Escape");

    const old = page.getByRole("row", { name: new RegExp(`^Compare from version ${before.version} `) }).or(page.locator("tr", { has: page.getByLabel(`Compare from version ${before.version}`, { exact: true }) })).first();
    await old.getByLabel(`Compare from version ${before.version}`, { exact: true }).check();
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByRole("dialog").locator(".diff .come").first().waitFor();
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: `Roll back to version ${before.version}` }).click();
    const confirm = page.getByRole("dialog", { name: `Put version ${before.version} into force again?` });
    await confirm.locator(".diff .gone").getByText("// changed in the console").waitFor();
    await confirm.getByLabel("Comment").fill("it was better");
    await confirm.getByRole("button", { name: "Put into force" }).click();
    await page.getByText(`Version ${before.version} is in force again`).waitFor();
    const now = await inForce(page);
    assert.equal(now.text, before.text);
    assert.equal(now.rolled_back_to, before.version);
    await page.getByRole("row", { name: /in force.*it was better/ }).waitFor();
    assert.equal(await editor.inputValue(), before.text, "the editor follows");
  }],

  ["policy: tests that fail and rules in vain are said while it is typed, and before it is set what changes, in words", async (world) => {
    const { page, editor } = await open(world);
    const rule = { source_criteria: ["everyone"], destination_criteria: ["everyone"], action: "allow" };
    const test = { id: "eve-ssh", source: { user: "eve" }, destination: { device: "server" }, services: ["tcp:22"], expect: "deny" };
    const text = (expect) => JSON.stringify({ rules: [{ ...rule, id: "all" }, { ...rule, id: "again" }], tests: [{ ...test, expect }] }, null, 2);
    await editor.fill(text("deny"));
    const remarks = page.getByRole("list", { name: "What there is to say of this policy" });
    await remarks.getByText(/test "eve-ssh" fails/).waitFor();
    await remarks.getByText(/rule "again" never decides/).waitFor();
    await page.getByText("0 tests of 1 pass.").waitFor();
    assert.equal(await page.locator(".buttons .button.primary").first().getAttribute("aria-disabled"), "true");
    await remarks.getByRole("button").last().click();
    const line = await editor.evaluate((e) => e.value.slice(0, e.selectionStart).split("\n").length);
    assert.ok(line > 10, `line ${line}`);
    await page.screenshot({ path: `${world.screens}/policy-remarks.png` });
    assert.deepEqual(await axe(page), []);
    await editor.fill(text("allow"));
    await page.locator(".buttons .button.primary:not([aria-disabled])").getByText("Put into force…").click();
    const words = page.getByRole("list", { name: "What changes, in words" });
    await words.locator(".gains").first().waitFor();
    await page.screenshot({ path: `${world.screens}/policy-words.png` });
    assert.deepEqual(await axe(page), []);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Undo my changes" }).click();
  }],

  ["policy: a draft is stored, opened by somebody else, and put into force", async (world) => {
    const { page, editor } = await open(world);
    const before = await inForce(page);
    await editor.fill(before.text + "// from a draft\n");
    await page.getByRole("button", { name: "Store as a draft…" }).click();
    const dialog = page.getByRole("dialog", { name: "Store as a draft" });
    await dialog.getByLabel("Name").fill("Not A Name");
    await dialog.getByRole("button", { name: "Store draft" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByLabel("Name").fill("monday");
    await dialog.getByLabel("Comment").fill("for monday");
    await dialog.getByRole("button", { name: "Store draft" }).click();
    await page.getByText("The draft monday is stored.").waitFor();
    assert.deepEqual(await axe(page), []);

    const other = await open(world);
    await other.page.getByRole("button", { name: "Open monday" }).click();
    await other.page.getByText("This is the draft monday.").waitFor();
    assert.match(await other.editor.inputValue(), /from a draft/);
    await publish(other.page, "it is monday");
    await other.page.getByText("The policy is in force.").waitFor();
    const after = await inForce(page);
    assert.match(after.text, /from a draft/);
    assert.equal(after.comment, "it is monday");
    await other.page.getByRole("button", { name: "Open monday" }).waitFor({ state: "detached" });
    await setElsewhere(page, before.text, "as before");
  }],

  ["policy: who did not see another's version is told before it is replaced", async (world) => {
    const { page, editor } = await open(world);
    const before = await inForce(page);
    await editor.fill(before.text + "// mine\n");
    await page.getByText("The policy is good.").waitFor();
    await setElsewhere(page, before.text + "// theirs\n", "theirs");
    const dialog = await publish(page, "mine");
    await dialog.getByRole("alert").waitFor();
    assert.match(await dialog.getByRole("alert").innerText(), /was put into force by admin/);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "What changed" }).click({ timeout: 20_000 });
    await page.locator(".diff .come").getByText("// theirs").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Keep mine" }).click();
    await publish(page, "mine after all");
    await page.getByText("The policy is in force.").waitFor();
    assert.match((await inForce(page)).text, /\/\/ mine/);
    await setElsewhere(page, before.text, "as before");
  }],

  ["policy: an explanation is a sentence, and its rule leads to its line", async (world) => {
    const { page, editor } = await open(world);
    await page.getByLabel("From", { exact: true }).fill("laptop");
    await page.getByLabel("To", { exact: true }).fill("server");
    await page.getByLabel("Port").fill("80");
    await page.getByRole("button", { name: "Explain", exact: true }).click();
    const sentence = page.locator(".explained-verdict");
    await sentence.getByText(/laptop may reach server at tcp\/80: the rule \S+ allows it\./).waitFor();
    await page.locator(".conditions .met").first().waitFor();
    const link = page.locator(".explained a").first();
    const rule = await link.innerText();
    for (let i = 0; i < 2; i++) {
      await editor.evaluate((e) => e.setSelectionRange(0, 0));
      await link.click();
      await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA" && document.activeElement.selectionStart > 0);
      const line = await editor.evaluate((e) => e.value.split("\n")[e.value.slice(0, e.selectionStart).split("\n").length - 1]);
      assert.match(line, new RegExp(`"${rule}"`));
    }
  }],

  ["policy: a replay says which recorded flows the text would have denied, and its rule leads to its line", async (world) => {
    const { page, editor } = await open(world);
    const before = await inForce(page);
    const replay = page.locator("section.replay");
    await replay.getByRole("button", { name: "Replay" }).click();
    await replay.getByText(/None of [\d,]+ flows? in the last 24 h would have been decided otherwise\.|No flow was recorded/).waitFor();
    const cut = { id: "cut-everyone", source_criteria: ["everyone"], destination_criteria: ["device:server"], action: "deny" };
    const policy = JSON.stringify({ rules: [cut, { id: "rest", source_criteria: ["everyone"], destination_criteria: ["everyone"], action: "allow" }] }, null, 2);
    await editor.fill(policy);
    await replay.getByText("The text in the editor has changed since").waitFor();
    await replay.getByLabel("Hours to look back").fill("2");
    await replay.getByRole("button", { name: "Replay" }).click();
    await replay.getByText(/[\d,]+ flows? of \d+ users? .*in the last 2 h would have been denied\./).waitFor();
    const row = replay.getByRole("row", { name: /server.*Allowed.*Denied.*cut-everyone/ }).first();
    await row.waitFor();
    await page.locator("section.replay").scrollIntoViewIfNeeded();
    for (const [mode, width, colorScheme] of [["light", 1440, "light"], ["dark", 1440, "dark"], ["narrow", 375, "light"]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await replay.evaluate((element) => element.scrollIntoView());
      await page.screenshot({ path: `${world.screens}/policy-replay-${mode}.png` });
      assert.deepEqual(await axe(page), []);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${mode}: too wide`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await row.getByRole("link", { name: "cut-everyone" }).click();
    await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA" && document.activeElement.selectionStart > 0);

    await editor.fill("{ broken");
    await replay.getByRole("button", { name: "Replay" }).click();
    await replay.getByRole("alert").waitFor();
    await page.getByRole("button", { name: "Undo my changes" }).click();
    assert.equal((await inForce(page)).version, before.version, "a replay changes nothing");
  }],

  ["policy: a replay that is refused or takes long says so, and can be stopped", async (world) => {
    const { page } = await open(world);
    const replay = page.locator("section.replay");
    const button = replay.getByRole("button", { name: "Replay" });
    const answers = [
      [413, { error: { code: "too_large", message: "a viewer's request may have 64 KiB: <b>ask an operator</b>" } }, {}],
      [503, { error: { code: "busy", message: "another policy is being replayed: try again in a moment" } }, { "Retry-After": "2" }],
    ];
    for (const [status, body, headers] of answers) {
      await page.route("**/api/v1/policy/replay*", (route) => route.fulfill({ status, headers, contentType: "application/json", body: JSON.stringify(body) }));
      await button.click();
      const alert = replay.getByRole("alert");
      await alert.getByText(body.error.message.slice(1), { exact: false }).waitFor();
      assert.equal(await alert.locator("b").count(), 0, "text became HTML");
      await page.unroute("**/api/v1/policy/replay*");
    }
    let release = () => {};
    const asked = new Promise((resolve) => {
      release = resolve;
    });
    await page.route("**/api/v1/policy/replay*", async (route) => {
      await asked;
      await route.abort().catch(() => {});
    });
    await button.click();
    await replay.getByLabel("Replaying").waitFor();
    await page.screenshot({ path: `${world.screens}/policy-replay-runs.png` });
    await replay.getByRole("button", { name: "Stop" }).click();
    await replay.getByLabel("Replaying").waitFor({ state: "detached" });
    assert.equal(await replay.getByRole("alert").count(), 0, "who stops it sees no error");
    release();
    await page.unroute("**/api/v1/policy/replay*");
  }],

  ["policy: a viewer reads all of it and changes nothing", async (world) => {
    const { page } = await open(world);
    await page.evaluate(async () => {
      const { csrf } = await (await fetch("/api/v1/session")).json();
      const headers = { "Content-Type": "application/json", "X-Rnaut-Csrf": csrf };
      await fetch("/api/v1/accounts", { method: "POST", headers, body: JSON.stringify({ account: "reader", role: "viewer" }) });
    });
    const link = await page.evaluate(async () => {
      const { csrf } = await (await fetch("/api/v1/session")).json();
      const headers = { "Content-Type": "application/json", "X-Rnaut-Csrf": csrf };
      return (await (await fetch("/api/v1/accounts/reader/link", { method: "POST", headers, body: "{}" })).json()).link;
    });
    const reader = await world.open();
    await world.signIn(reader, link);
    await world.go(reader, "/policy");
    const editor = reader.getByLabel("Policy text");
    await editor.waitFor();
    assert.equal(await editor.evaluate((e) => e.readOnly), true);
    await reader.getByRole("row", { name: /in force/ }).waitFor();
    for (const name of [/^Put into force/, /^Store as a draft/]) assert.equal(await reader.getByRole("button", { name }).getAttribute("aria-disabled"), "true");
    assert.deepEqual(await axe(reader), []);
  }],
];
