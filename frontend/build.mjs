// Bundles src/main.js and src/style.css with what they import into the directory given as argument.
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const out = process.argv[2] ?? "built";

// JSROOT imports these under Node.js only; package.json's overrides keep them from being installed.
const underNodeOnly = Object.keys(JSON.parse(readFileSync("package.json", "utf8")).overrides.jsroot);

const { metafile } = await build({
  entryPoints: { main: "src/main.js", style: "src/style.css" },
  outdir: out,
  chunkNames: "chunk-[name]-[hash]",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2022",
  metafile: true,
  legalComments: "eof",
  logLevel: "warning",
  external: [...underNodeOnly, "three/addons", "fs", "zlib", "gl", "node:worker_threads"],
});

// The licences of what is bundled go with it.
const packages = new Set();
for (const path of Object.keys(metafile.inputs)) {
  const found = path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
const notices = [...packages].sort().map((name) => {
  const { version } = JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8"));
  return `${name} ${version}\n\n${readFileSync(join("node_modules", name, "LICENSE"), "utf8")}`;
});
writeFileSync(join(out, "licences.txt"), notices.join(`\n${"-".repeat(80)}\n\n`));
