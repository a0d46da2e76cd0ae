// SPDX-License-Identifier: Apache-2.0
// Asking run.py for what only the network can do: a line of JSON each way.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin });
const waiting = [];
lines.on("line", (line) => waiting.shift()?.(JSON.parse(line)));

function ask(name, values) {
  return new Promise((resolve, reject) => {
    waiting.push((answer) => ("error" in answer ? reject(new Error(`${name}: ${answer.error}`)) : resolve(answer.value)));
    process.stdout.write(`ask ${JSON.stringify({ name, values })}\n`);
  });
}

export const network = new Proxy({}, { get: (_, name) => (...values) => ask(name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), values) });

export function done() {
  lines.close();
}
