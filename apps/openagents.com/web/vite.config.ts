// Builds the console into `dist`, which the control service serves. No script and
// no style may stand in the page itself: its content security policy refuses them.

import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { developmentStack } from "./development.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ command }) => ({
  root: here("."),
  plugins: [react(), ...(command === "serve" ? [developmentStack()] : [])],
  resolve: {
    conditions: ["browser", "module", "development|production"],
    alias: [{ find: /^.*\/buf\/validate\/validate_pb\.ts$/, replacement: here("request-rules.ts") }],
  },
  build: {
    outDir: here("dist"),
    emptyOutDir: true,
    target: "es2022",
    // The polyfill of module preloading is an inline script in old browsers' stead.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    sourcemap: false,
    chunkSizeWarningLimit: 600,
  },
}));
