// Builds what nbflow sends to pages: a bootstrap that every notebook's kernel announces, and the
// views themselves, which a page asks for once.

import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "nbflow", "static");

/** Most bytes of each file as it travels, compressed. */
const LIMITS = { "bootstrap.js": 3_000, "widget.js": 100_000 };

const options = {
  absWorkingDir: here,
  entryPoints: { bootstrap: "src/widget/bootstrap.ts", widget: "src/widget/widget.tsx" },
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
  // React's names stand for Preact, whose size is a tenth.
  alias: {
    react: "preact/compat",
    "react-dom": "preact/compat",
    "react/jsx-runtime": "preact/jsx-runtime",
  },
};

/** Whether a file is as light as it must be; says how heavy it is. */
function isLight(file) {
  const name = basename(file.path);
  const size = gzipSync(file.contents, { level: 9 }).length;
  const told = `${(size / 1000).toFixed(1)} kB of at most ${LIMITS[name] / 1000} kB, compressed`;
  console.log(`nbflow/static/${name}: ${told}`);
  return size <= LIMITS[name];
}

/** Writes the files, unless one is too heavy: what stands there would pass for built. */
async function write(files) {
  const heavy = files.filter((file) => !isLight(file));
  if (heavy.length > 0) {
    console.error("The front end is heavier than pages should have to load. Make it lighter.");
    process.exitCode = 1;
    return;
  }
  await mkdir(out, { recursive: true });
  await Promise.all(files.map((file) => writeFile(file.path, file.contents)));
}

if (process.argv.includes("--watch")) {
  const watching = await context({ ...options, logLevel: "info" });
  await watching.watch();
} else {
  const built = await build({ ...options, write: false });
  await write(built.outputFiles);
}
