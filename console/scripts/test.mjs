// SPDX-License-Identifier: Apache-2.0
// test.mjs: bundles every src/**/*.test.ts and runs it with node's own test runner; ends with "N passed, N failed".
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const top = fileURLToPath(new URL("..", import.meta.url));
const out = join(top, "..", "build", "console-tests");

function find(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? find(path) : /\.test\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  entryPoints: find(join(top, "src")),
  outdir: out,
  entryNames: "[name]",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node18",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
  define: { "process.env.CONSOLE_TOP": JSON.stringify(join(top, "..")) },
});
const programs = readdirSync(out).filter((name) => name.endsWith(".mjs")).map((name) => join(out, name));
const done = spawnSync(process.execPath, ["--test", "--test-reporter", "tap", ...programs], { encoding: "utf8" });
process.stdout.write(done.stdout);
process.stderr.write(done.stderr);
const count = (word) => Number(new RegExp(`^# ${word} (\\d+)`, "m").exec(done.stdout)?.[1] ?? 0);
const failed = count("fail") + count("cancelled") || Number(done.status !== 0 || count("pass") === 0);
console.log(`${count("pass")} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
