// The threat model names the test of each control; a test that is renamed or gone takes its row along.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const ROOT = new URL("../../../", import.meta.url);

test("every test that the threat model rests on exists", async () => {
  const text = await readFile(new URL("docs/threat-model.md", ROOT), "utf8");
  const rows = text.split("\n").filter((line) => /^\| (?!Attack|-)/.test(line));
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const [, path, name] =
      /`([^`]+\.test\.ts)`: "([^"]+)" \|$/.exec(row) ?? assert.fail(`names no test: ${row}`);
    const source = await readFile(new URL(path ?? "", ROOT), "utf8");
    assert.ok(source.includes(`test("${name}"`), `${path} has no test "${name}"`);
  }
});
