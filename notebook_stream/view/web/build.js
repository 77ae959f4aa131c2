// Bundles src/ into the two files that the widget ships, or checks that they are current (--check).

import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const HERE = import.meta.dirname;
const { dependencies } = JSON.parse(readFileSync(`${HERE}/package.json`, "utf8"));

const { outputFiles } = await build({
  absWorkingDir: HERE,
  entryPoints: { live: "src/live.js", "live-style": "src/live.css" },
  bundle: true,
  minify: true,
  format: "esm",
  charset: "utf8",
  target: "es2022",
  legalComments: "none",
  banner: {
    js: `// Made of web/src by \`npm run build\`, with morphdom ${dependencies.morphdom} (MIT, morphdom.LICENSE).`,
    css: "/* Made of web/src by `npm run build`. */",
  },
  outdir: "out",
  write: false,
});

const stale = [];
for (const { path, text } of outputFiles) {
  const name = `../live${path.endsWith(".css") ? ".css" : ".js"}`;
  const file = new URL(name, import.meta.url);
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) stale.push(name);
}
if (stale.length) {
  console.error(`${stale.join(" and ")} not current; type: sh .ci/web build`);
  process.exit(1);
}
