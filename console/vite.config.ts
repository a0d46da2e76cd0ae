// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

/*
 * One script and one style sheet with hashed names under assets/. Nothing inline: the page's CSP allows none, and a data:
 * URL would be one more thing for it to allow.
 */
export default defineConfig({
  base: "/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
});
