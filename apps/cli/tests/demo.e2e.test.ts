// The demonstration and what is left of it, as an outsider would check it.

import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { freshHome, isRunning, postmasterOf } from "./openagents.ts";

const RESULT_MEMBERS = [
  "ok",
  "run_id",
  "verdict",
  "assurance",
  "proof",
  "base_exit_code",
  "patched_exit_code",
  "guard_exit_code",
  "provider_id",
  "amount_msats",
  "settlement_status",
  "bundle_dir",
];

test("the demo proves a fix, has it run again, credits the cheaper provider, and leaves a bundle that an outsider can check", async (t) => {
  const home = freshHome(t);
  const demo = await home.run(["demo", "--json", "--port-base", "0"]);
  assert.equal(demo.code, 0, demo.err);
  assert.equal(demo.out.trimEnd().split("\n").length, 1);
  const result = JSON.parse(demo.out);
  assert.deepEqual(Object.keys(result), RESULT_MEMBERS);
  assert.equal(result.ok, true);
  assert.equal(result.verdict, "proven");
  assert.equal(result.assurance, "self");
  assert.equal(result.proof, "by_tests");
  assert.equal(result.guard_exit_code, null);
  assert.equal(result.patched_exit_code, 0);
  assert.notEqual(result.base_exit_code, 0);
  assert.equal(result.settlement_status, "released");
  assert.ok(Number.isSafeInteger(result.amount_msats) && result.amount_msats > 0);
  assert.equal(result.bundle_dir, join(home.folder, "sessions", result.run_id));
  assert.doesNotMatch(demo.err, /\bpaid\b/i);
  assert.match(demo.err, /credited/);
  assert.equal(JSON.parse((await home.run(["status", "--json"])).out).running, false);

  await t.test("with its stack gone, the bundle verifies", async () => {
    const verified = await home.run(["verify", result.bundle_dir, "--json"]);
    assert.equal(verified.code, 0, verified.out + verified.err);
    assert.equal(JSON.parse(verified.out).ok, true);
  });

  await t.test(
    "someone who pinned nothing is told that the signer is not checked, unless they name the key",
    async (t2) => {
      const outsider = freshHome(t2);
      const unpinned = await outsider.run(["verify", result.bundle_dir]);
      assert.equal(unpinned.code, 2, unpinned.out);
      assert.match(unpinned.out, /not checked/);
      const pins = JSON.parse(readFileSync(join(home.folder, "pins.json"), "utf8"));
      const key = pins.pins[0].public_key;
      assert.equal((await outsider.run(["verify", result.bundle_dir, "--operator", key])).code, 0);
      const other = await outsider.run(["verify", result.bundle_dir, "--operator", "ab".repeat(32)]);
      assert.equal(other.code, 2);
    },
  );

  await t.test("a changed bit, a cut, a missing or an added file fails", async (t2) => {
    const key = JSON.parse(readFileSync(join(home.folder, "pins.json"), "utf8")).pins[0].public_key;
    // Every damage to the manifest, and one to each other file in turn; a test beside `verifyBundle` does them all.
    for (const [index, file] of filesOf(result.bundle_dir).entries()) {
      const one = DAMAGES[index % DAMAGES.length];
      for (const damage of file === "BUNDLE.json" || one === undefined ? DAMAGES : [one]) {
        const copy = copyOf(t2, result.bundle_dir);
        damage(copy, file);
        const { code, out } = await home.run(["verify", copy, "--operator", key, "--json"]);
        assert.equal(code, 1, `${damage.name} of ${file}: ${out}`);
        assert.ok(JSON.parse(out).claims.some((claim: { state: string }) => claim.state === "fails"));
      }
    }
  });

  await t.test("each receipt of the bundle verifies by itself, and not when changed", async (t2) => {
    const folder = join(result.bundle_dir, "receipts");
    const files = readdirSync(folder);
    assert.ok(files.length >= 5);
    for (const file of files)
      assert.equal((await home.run(["receipts", "verify", join(folder, file)])).code, 0, file);
    const copy = copyOf(t2, folder);
    const victim = join(copy, files[0] ?? "");
    writeFileSync(victim, readFileSync(victim, "utf8").replace(/"nonce":"./, '"nonce":"_'));
    assert.equal((await home.run(["receipts", "verify", victim])).code, 1);
  });
});

test("on a running stack the demo leaves it running, and its run can be listed, shown and replayed", async (t) => {
  const home = freshHome(t);
  const up = JSON.parse((await home.run(["up", "-d", "--port-base", "0", "--json"])).out);
  const demo = await home.run(["demo"]);
  assert.equal(demo.code, 0, demo.out + demo.err);
  assert.match(demo.out, /agent: scripted \(applies a recorded patch\)/);
  assert.equal(demo.out.includes("\u001b"), false);
  assert.doesNotMatch(demo.out, /\bpaid\b/i);
  assert.equal(isRunning(up.pid), true);

  const [run] = JSON.parse((await home.run(["runs", "list", "--json"])).out).runs;
  assert.equal(run.status, "succeeded");
  assert.match((await home.run(["runs", "list"])).out, new RegExp(run.run_id));
  assert.match((await home.run(["runs", "show", run.run_id])).out, /run\.finished/);
  const replay = (await home.run(["runs", "replay", run.run_id])).out;
  assert.equal(replay, readFileSync(join(home.folder, "sessions", run.run_id, "REPLAY.jsonl"), "utf8"));

  const receipts = readdirSync(join(home.folder, "sessions", run.run_id, "receipts"));
  const receipt = receipts.find((file) => file.startsWith("pay_")) ?? "";
  const got = await home.run(["receipts", "get", receipt.replace(".json", "")]);
  assert.equal(got.out, readFileSync(join(home.folder, "sessions", run.run_id, "receipts", receipt), "utf8"));
  assert.equal((await home.run(["receipts", "verify", "-"], got.out)).code, 0);

  const audit = JSON.parse((await home.run(["ledger", "audit", "--json"])).out);
  assert.equal(audit.ok, true);
  const again = await home.run(["demo", "--json"]);
  assert.equal(again.code, 0, again.err);
});

test("with --keep the stack of the demo stays until down", async (t) => {
  const home = freshHome(t);
  const demo = await home.run(["demo", "--keep", "--port-base", "0"]);
  assert.equal(demo.code, 0, demo.out + demo.err);
  const status = JSON.parse((await home.run(["status", "--json"])).out);
  assert.equal(status.services[0].ready, true);
  assert.match(demo.out, new RegExp(status.runtime_url));
  assert.equal((await home.run(["down"])).code, 0);
});

test("Ctrl-C ends the demo and everything that it started", async (t) => {
  const home = freshHome(t);
  const demo = home.start(["demo", "--port-base", "0"]);
  await demo.waitFor(/workspace/);
  const postmaster = postmasterOf(home);
  demo.child.kill("SIGINT");
  const { code } = await demo.ended;
  assert.equal(code, 130);
  assert.equal(isRunning(postmaster), false);
  assert.equal(existsSync(join(home.folder, "stack.json")), false);
  assert.match((await home.run(["down"])).out, /nothing is running/);
});

type Damage = (folder: string, file: string) => void;

const DAMAGES: readonly Damage[] = [
  function flippedFirstBit(folder, file) {
    flipBit(join(folder, file), 0);
  },
  function flippedMiddleBit(folder, file) {
    flipBit(join(folder, file), Math.floor(statSync(join(folder, file)).size / 2));
  },
  function cut(folder, file) {
    const path = join(folder, file);
    const { size } = statSync(path);
    if (size === 0) rmSync(path);
    else truncateSync(path, size - 1);
  },
  function missing(folder, file) {
    rmSync(join(folder, file));
  },
  function added(folder, file) {
    writeFileSync(join(folder, `${file}.extra`), "");
  },
];

function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  if (bytes.length === 0) return writeFileSync(path, "x");
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  );
}

function copyOf(t: TestContext, folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), "oa-bundle-"));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(folder, copy, { recursive: true });
  return copy;
}
