import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { listPins, pinOperator } from "./pins.ts";

const KEY = "ab".repeat(32);

test("nothing is pinned before something is", (t) => {
  assert.deepEqual(listPins(homeOf(t)), []);
});

test("a pin keeps its first label and date, and only its owner may read the file", (t) => {
  const home = homeOf(t);
  assert.equal(pinOperator({ home, key: KEY, label: "first", nowMs: 1000 }), true);
  assert.equal(pinOperator({ home, key: KEY, label: "second", nowMs: 2000 }), false);
  assert.deepEqual(listPins(home), [
    { publicKey: KEY, label: "first", pinnedAt: "1970-01-01T00:00:01.000Z" },
  ]);
  assert.equal(statSync(join(home, "pins.json")).mode & 0o777, 0o600);
  assert.equal(statSync(home).mode & 0o777, 0o700);
});

test("only the one written form of a key can be pinned", (t) => {
  const home = homeOf(t);
  for (const key of ["", "ab", KEY.toUpperCase(), `${KEY}0`, `0x${KEY.slice(2)}`, `${KEY}\n`]) {
    assert.throws(() => pinOperator({ home, key, label: "x", nowMs: 0 }), { code: "operator_key_invalid" });
  }
  assert.deepEqual(listPins(home), []);
});

test("a damaged list is an error, never an empty list", (t) => {
  const home = homeOf(t);
  pinOperator({ home, key: KEY, label: "x", nowMs: 0 });
  for (const text of [
    "",
    "{}",
    '{"pins":[{}]}',
    '{"pins":[{"public_key":"zz","label":"x","pinned_at":"y"}]}',
    "[1]",
  ]) {
    writeFileSync(join(home, "pins.json"), text);
    assert.throws(() => listPins(home), { code: "pins_damaged" }, text);
    assert.throws(() => pinOperator({ home, key: "cd".repeat(32), label: "x", nowMs: 0 }), {
      code: "pins_damaged",
    });
  }
});

test("stacks that start side by side lose none of each other's pins", async (t) => {
  const home = homeOf(t);
  const keys = Array.from({ length: 8 }, (_, index) => index.toString(16).repeat(64));
  const exits = keys.map(async (key) => {
    const source = `
      import { pinOperator } from ${JSON.stringify(new URL("./pins.ts", import.meta.url).href)};
      pinOperator({ home: ${JSON.stringify(home)}, key: "${key}", label: "x", nowMs: 0 });`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", source], {
      stdio: "inherit",
    });
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
  });
  await Promise.all(exits);
  assert.deepEqual(
    listPins(home)
      .map((pin) => pin.publicKey)
      .sort(),
    keys,
  );
});

function homeOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "oa-pins-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "home");
}
