import { defineConfig } from "vitest/config";

// What is tested is what ships: React's names stand for Preact, as in the bundles.
const preact = "preact/compat";

export default defineConfig({
  resolve: {
    alias: {
      "react-dom/client": "preact/compat/client",
      "react-dom/test-utils": "preact/test-utils",
      "react-dom": preact,
      "react/jsx-runtime": "preact/jsx-runtime",
      "react/jsx-dev-runtime": "preact/jsx-dev-runtime",
      react: preact,
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    // What hangs ends then; how fast a test is depends on what else the machine does.
    testTimeout: 60_000,
  },
});
