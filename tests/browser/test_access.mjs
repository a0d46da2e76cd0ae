// SPDX-License-Identifier: Apache-2.0
// Signing in and out, roles, the end of a session.
import assert from "node:assert/strict";

const PASSWORD = "four quiet words here";

export const cases = [
  ["a one-time link signs in once, and a password is asked for", async (world) => {
    const link = await world.network.link();
    const page = await world.open();
    await page.goto(world.origin + link);
    await page.getByRole("button", { name: "Sign in with the link" }).click();
    assert.equal(new URL(page.url()).hash, "", "the link stays in the address bar");
    await page.getByLabel("New password", { exact: true }).fill("short");
    await page.getByLabel("New password again").fill("short");
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByText("Use at least 12 characters").waitFor();
    await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("New password again").fill(PASSWORD);
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();

    const other = await world.open();
    await other.goto(world.origin + link);
    await other.getByRole("button", { name: "Sign in with the link" }).click();
    await other.getByRole("alert").waitFor();
    await other.context().close();
  }],

  ["a password signs in, a wrong one says so, and one comes back to where one was", async (world) => {
    const page = await world.open();
    await page.goto(world.origin + "/flows?verdict=deny");
    await page.getByLabel("Account").fill("admin");
    await page.getByLabel("Password").fill("this is not the one");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".field-error").waitFor();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Flows" }).waitFor();
    await page.waitForURL((url) => url.search === "?verdict=deny");

    await page.context().clearCookies();
    await world.go(page, "/devices?sort=-trust");
    await page.getByText("Your session has ended").waitFor();
    await page.getByLabel("Account").fill("admin");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    await page.waitForURL((url) => url.search === "?sort=-trust");
  }],

  ["signing out ends the session at the gateway", async (world) => {
    const page = await world.open();
    await world.signIn(page);
    const cookies = await page.context().cookies();
    assert.deepEqual(cookies.map((c) => [c.name, c.httpOnly, c.secure, c.sameSite]), [["__Host-rnaut", true, true, "Strict"]]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.context().addCookies(cookies);
    const status = await page.evaluate(async () => (await fetch("/api/v1/session")).status);
    assert.equal(status, 401);
  }],

  ["a viewer sees everything, and every control says why it is off", async (world) => {
    const admin = await world.open();
    await world.signIn(admin);
    await world.go(admin, "/access");
    await admin.getByRole("button", { name: "New account" }).click();
    await admin.getByRole("dialog").getByLabel("Account").fill("vera");
    await admin.getByRole("button", { name: "Create account" }).click();
    const link = await admin.locator(".copy-box code").innerText();
    await admin.getByRole("button", { name: "Done" }).click();
    await admin.getByRole("rowheader", { name: "vera" }).waitFor();

    const page = await world.open();
    await world.signIn(page, new URL(link).pathname + new URL(link).hash);
    await world.go(page, "/devices?open=laptop");
    const button = page.getByRole("button", { name: /^Quarantine/ });
    await button.waitFor();
    assert.equal(await button.getAttribute("aria-disabled"), "true");
    await page.getByText("This needs the role operator").first().waitFor();
    await button.click({ force: true });
    const answer = await page.evaluate(async () => {
      const { csrf } = await (await fetch("/api/v1/session")).json();
      const headers = { "Content-Type": "application/json", "X-Rnaut-Csrf": csrf };
      return (await fetch("/api/v1/devices/laptop/quarantine", { method: "POST", headers, body: '{"on":true}' })).status;
    });
    assert.equal(answer, 403);
    for (const path of ["/tokens", "/access"]) {
      await world.go(page, path);
      await page.getByText("This needs the role").first().waitFor();
    }
    await page.context().close();
    await admin.getByRole("button", { name: "Delete vera" }).click();
    await admin.getByRole("button", { name: "Delete account" }).click();
    await admin.getByText("vera is deleted.").waitFor();
  }],
];
