// How much script each page of the console needs before it can be used, packed as
// it is sent: little enough for a slow connection, whichever page is the first.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildConsole } from "../web/build.ts";

const PAGE_BYTES_MAX = 200_000;

let dir: string;
before(async () => {
  ({ dir } = await buildConsole());
});

test("no page needs more script than fits before its first paint", async (t) => {
  const html = await readFile(join(dir, "index.html"), "utf8");
  const begin = [...html.matchAll(/(?:src|href)="\/assets\/([^"]+\.js)"/g)].map(([, name = ""]) => name);
  assert.ok(begin.length > 0, "the page begins with a script");
  const first = await closure(begin);
  const pages = (await Promise.all([...first].map(lazilyImported))).flat();
  assert.ok(pages.length > 10, "each page is a part of its own");
  let most = { name: "", bytes: 0 };
  for (const name of pages) {
    let bytes = 0;
    for (const part of await closure([...begin, ...pages.filter(isShell), name]))
      bytes += await packedBytes(part);
    if (bytes > most.bytes) most = { name, bytes };
  }
  t.diagnostic(`${most.name} needs the most: ${most.bytes} bytes of script, packed`);
  assert.ok(most.bytes < PAGE_BYTES_MAX, `${most.name} needs ${most.bytes} bytes of script`);
});

/** The frame of every page behind the sign-in. */
function isShell(name: string): boolean {
  return name.startsWith("shell-");
}

/** These files and all that they import before they run. */
async function closure(names: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set(names);
  // Sets are walked through what is added meanwhile, too.
  for (const name of found) {
    const imports = (await textOf(name)).matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+\.js)"/g);
    for (const [, imported = ""] of imports) found.add(imported);
  }
  return found;
}

async function lazilyImported(name: string): Promise<string[]> {
  const imports = (await textOf(name)).matchAll(/\bimport\(\s*["'`]\.\/([^"'`]+\.js)["'`]\s*\)/g);
  return [...imports].map(([, imported = ""]) => imported);
}

async function packedBytes(name: string): Promise<number> {
  return gzipSync(await readFile(join(dir, "assets", name)), { level: 9 }).length;
}

function textOf(name: string): Promise<string> {
  return readFile(join(dir, "assets", name), "utf8");
}
