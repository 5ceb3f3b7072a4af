// A bundle is the same in its folder and in an archive, and an archive that is
// broken, or holds what no bundle has, is told and never believed.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { sha256Hex } from "@openagents/receipts";
import { looksLikeBundle, verifyBundle } from "../src/index.ts";
import { archiveOf, entriesOf } from "./archive.ts";
import { bundleOf, provenAttempt, provenBundle } from "./recorded-bundle.ts";
import { LOG_KEY, OPERATOR_KEY } from "./recorded-run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const PINNED = { operatorKeys: [OPERATOR_KEY], logKeys: [LOG_KEY] };

async function kept(t: TestContext, archive: Buffer): Promise<string> {
  const path = join(await temporaryFolder(t), "bundle.zip");
  await writeFile(path, archive);
  return path;
}

for (const packed of ["stored", "deflated"] as const) {
  test(`an archive of files that are ${packed} says what its folder says`, async (t) => {
    const { bundleDir } = await provenBundle(t);
    const path = await kept(t, archiveOf(entriesOf(bundleDir), packed));
    assert.equal(looksLikeBundle(path), true);
    assert.deepEqual(await verifyBundle(path, PINNED), await verifyBundle(bundleDir, PINNED));
  });
}

test("an archive that is broken or holds something else fails, whatever is wrong with it", async (t) => {
  const { bundleDir } = await provenBundle(t);
  const entries = entriesOf(bundleDir);
  const whole = archiveOf(entries, "stored");
  const [first] = entries;
  assert.ok(first !== undefined);
  const flipped = Buffer.from(whole);
  flipped.writeUInt8(flipped.readUInt8(200) ^ 1, 200);
  const split = Buffer.from(whole);
  split.writeUInt16LE(1, split.length - 18);
  const encrypted = Buffer.from(whole);
  encrypted.writeUInt16LE(0x0801, encrypted.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 8);
  const broken = {
    flipped,
    split,
    encrypted,
    cut: whole.subarray(0, whole.length - 40),
    "cut in half": whole.subarray(0, whole.length / 2),
    twice: archiveOf([...entries, first], "stored"),
    upwards: archiveOf([...entries, { path: "../x", bytes: Buffer.from("x") }], "stored"),
    deeper: archiveOf([...entries, { path: "receipts/x/y", bytes: Buffer.from("x") }], "stored"),
    fewer: archiveOf(entries.slice(1), "stored"),
  };
  for (const [name, archive] of Object.entries(broken)) {
    const { ok } = await verifyBundle(await kept(t, archive), PINNED);
    assert.equal(ok, false, name);
  }
  assert.equal(looksLikeBundle(await kept(t, Buffer.from("no archive, and long enough"))), false);
});

test("what no job stored of a bundle is stored with it, to be made again from its manifest", async (t) => {
  const { bundleDir, recorder } = await bundleOf(t, [await provenAttempt(t)]);
  for (const { path, bytes } of entriesOf(bundleDir)) {
    if (path.startsWith("receipts/") || path === "BUNDLE.json") continue;
    assert.ok(recorder.artifacts.has(sha256Hex(bytes)), path);
  }
});
