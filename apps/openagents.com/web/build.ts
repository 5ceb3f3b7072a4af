// Builds the console once per state of its sources, and packs each file for
// browsers that take it packed. Run by hand, by the stack and by tests:
//
//   node apps/openagents.com/web/build.ts

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const WEB = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(WEB, "../../..");

/** What the built console depends on. */
const SOURCES = [
  "apps/openagents.com/web",
  "packages/ui/src",
  "packages/contracts/src",
  "packages/spacetime/src",
  "packages/receipts/src",
  "package-lock.json",
];

const STAMP = ".source-hash";

/** Files below this are not worth unpacking. */
const PACKED_BYTES_MIN = 1024;

export type Built = { readonly dir: string; readonly built: boolean };

/** Build unless what is there was built from these sources. Two at once do no harm: the last one stays. */
export async function buildConsole(log: (line: string) => void = () => {}): Promise<Built> {
  const dir = join(WEB, "dist");
  const sourceHash = await hashOfSources();
  const stamp = await readFile(join(dir, STAMP), "utf8").catch(() => "");
  if (stamp === sourceHash) return { dir, built: false };
  // Beside the one that is served, so that it is whole at every moment.
  const next = join(WEB, `.dist-${process.pid}`);
  try {
    await runVite(next, log);
    await pack(next);
    await writeFile(join(next, STAMP), sourceHash);
    await rm(dir, { recursive: true, force: true });
    await rename(next, dir);
  } finally {
    await rm(next, { recursive: true, force: true });
  }
  return { dir, built: true };
}

async function hashOfSources(): Promise<string> {
  const sum = createHash("sha256").update(process.version);
  for (const source of SOURCES) {
    for (const path of await filesUnder(join(ROOT, source))) {
      sum.update(`\n${relative(ROOT, path)}\n`).update(await readFile(path));
    }
  }
  return sum.digest("hex");
}

async function filesUnder(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    // Results, of this build and others.
    if (entry.name === "dist" || entry.name === "node_modules" || entry.name.startsWith(".")) continue;
    if (/\.test\.tsx?$/.test(entry.name)) continue;
    const inside = join(path, entry.name);
    if (entry.isDirectory()) found.push(...(await filesUnder(inside)));
    else found.push(inside);
  }
  return found;
}

async function runVite(outDir: string, log: (line: string) => void): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const vite = join(ROOT, "node_modules/vite/bin/vite.js");
  const child = spawn(process.execPath, [vite, "build", "--outDir", outDir, "--emptyOutDir"], {
    cwd: WEB,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`The console does not build:\n${output}`);
  for (const line of output.split("\n")) if (line.trim() !== "") log(line);
}

/** Beside each file its packed forms, which the service picks by what a browser takes. */
async function pack(dir: string): Promise<void> {
  for (const path of await filesUnder(dir)) {
    if (!/\.(html|js|css|svg|json|webmanifest|txt)$/.test(path)) continue;
    const bytes = await readFile(path);
    if (bytes.length < PACKED_BYTES_MIN) continue;
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, { params }));
    await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { dir, built } = await buildConsole((line) => console.log(line));
  console.log(`${built ? "Built" : "Is current"}: ${relative(process.cwd(), dir)}`);
}
