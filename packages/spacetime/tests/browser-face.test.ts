import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const FACE = new URL("../src/browser.ts", import.meta.url);
/** What a browser's face may bring in besides its own files. */
const ALLOWED = /^(?:@openagents\/(?:contracts|receipts|streams)|@noble\/hashes\/[a-z0-9]+\.js)$/;

test("the face for browsers reaches nothing of Node and nothing of the server", () => {
  const seen = new Set<string>();
  const waiting = [FACE];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (seen.has(url.href)) continue;
    seen.add(url.href);
    assert.ok(existsSync(url), url.href);
    assert.doesNotMatch(fileURLToPath(url), /src\/server\//);
    for (const [, specifier = ""] of readFileSync(url, "utf8").matchAll(/ from "([^"]+)"/g)) {
      if (specifier.startsWith(".")) waiting.push(new URL(specifier, url));
      else assert.match(specifier, ALLOWED, `${fileURLToPath(url)} imports ${specifier}`);
    }
  }
  assert.ok(seen.size > 20, "the walk found the client and the protocol");
});
