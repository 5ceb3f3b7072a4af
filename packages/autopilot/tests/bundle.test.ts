import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cp,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  canonicalize,
  parseStrict,
  sealReceipt,
  sha256Hex,
  signReceipt,
  type JsonObject,
  type Receipt,
} from "@openagents/receipts";
import { verifyBundle, type Claim } from "../src/index.ts";
import { bundleOf, madeUpLegs, provenAttempt, provenBundle } from "./recorded-bundle.ts";
import { OPERATOR_KEY, OPERATOR_SECRET, type RecordedAttempt } from "./recorded-run.ts";
import { FIXED, PROJECT, planOf, smallJob, testFile, type Changes } from "./small-project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const PINNED = { operatorKeys: [OPERATOR_KEY] };

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

async function failing(dir: string): Promise<Claim[]> {
  const { claims, ok } = await verifyBundle(dir, PINNED);
  const fails = claims.filter((claim) => claim.state === "fails");
  assert.equal(ok, fails.length === 0);
  return fails;
}

async function copyOf(t: TestContext, dir: string): Promise<string> {
  const copy = join(await temporaryFolder(t), "copy");
  await cp(dir, copy, { recursive: true });
  return copy;
}

/** Positions that are the same in every run, spread by a small linear generator. */
function seededPositions(size: number, count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % size;
  });
}

test("an untouched bundle holds in every claim, and its signer only when pinned", async (t) => {
  const { bundleDir } = await provenBundle(t);
  assert.deepEqual(await failing(bundleDir), []);
  const unpinned = await verifyBundle(bundleDir, { operatorKeys: ["ff".repeat(32)] });
  const others = unpinned.claims.filter((claim) => claim.state !== "holds");
  assert.deepEqual(
    others.map((claim) => [claim.name, claim.state]),
    [
      ["signer", "not_checked"],
      ["review", "not_checked"],
    ],
  );
});

test("a flipped bit in any file makes a claim fail that names the file", async (t) => {
  const { bundleDir } = await provenBundle(t);
  for (const [index, file] of (await listFiles(bundleDir)).entries()) {
    const intact = await readFile(file);
    const size = intact.length;
    if (size === 0) continue;
    const positions = [0, Math.floor(size / 2), size - 1, ...seededPositions(size, 64, index + 1)];
    // The manifest is the one file that no hash protects from outside, so all of its claims are at stake.
    for (const [turn, position] of positions.entries()) {
      const changed = Buffer.from(intact);
      changed[position] = (changed[position] ?? 0) ^ (1 << (turn % 8));
      await writeFile(file, changed);
      const fails = await failing(bundleDir);
      const name = file.slice(bundleDir.length + 1);
      assert.ok(fails.length > 0, `${name}: bit ${turn % 8} of byte ${position}`);
      assert.ok(
        fails.some((claim) => claim.name === "manifest" || claim.detail.includes(name)),
        `${name} is named: ${JSON.stringify(fails)}`,
      );
    }
    await writeFile(file, intact);
  }
  assert.deepEqual(await failing(bundleDir), []);
});

test("a cut, emptied, missing or added file makes a claim fail", async (t) => {
  const { bundleDir } = await provenBundle(t);
  for (const file of await listFiles(bundleDir)) {
    const intact = await readFile(file);
    const { size } = await stat(file);
    for (const length of [0, size - 1]) {
      if (length < 0 || length === size) continue;
      await truncate(file, length);
      assert.notDeepEqual(await failing(bundleDir), [], `${file} cut to ${length}`);
    }
    await writeFile(file, Buffer.concat([intact, Buffer.from("\n")]));
    assert.notDeepEqual(await failing(bundleDir), [], `${file} with one byte more`);
    await rm(file);
    assert.notDeepEqual(await failing(bundleDir), [], `${file} removed`);
    await writeFile(file, intact);
  }
  const additions = [
    "extra.txt",
    `artifacts/${"0".repeat(64)}`,
    `receipts/pay_${"0".repeat(24)}.json`,
    "receipts/x",
    ".hidden",
  ];
  for (const extra of additions) {
    await writeFile(join(bundleDir, extra), "x");
    assert.notDeepEqual(await failing(bundleDir), [], extra);
    await rm(join(bundleDir, extra));
  }
  await mkdir(join(bundleDir, "empty"));
  assert.notDeepEqual(await failing(bundleDir), [], "an empty folder");
  await rm(join(bundleDir, "empty"), { recursive: true });
  assert.deepEqual(await failing(bundleDir), []);
});

test("a link is no file, even when it leads to the right bytes", async (t) => {
  const { bundleDir } = await provenBundle(t);
  const elsewhere = join(await temporaryFolder(t), "patch.diff");
  await rename(join(bundleDir, "patch.diff"), elsewhere);
  await symlink(elsewhere, join(bundleDir, "patch.diff"));
  assert.ok((await failing(bundleDir)).some((claim) => claim.name === "structure"));
});

test("of a folder that is not the sealed one nothing further is looked at", async (t) => {
  const { bundleDir } = await provenBundle(t);
  await writeFile(join(bundleDir, "base.bundle"), "not what was sealed");
  const { claims } = await verifyBundle(bundleDir, PINNED);
  const looked = claims.filter((claim) => claim.state !== "not_checked").map((claim) => claim.name);
  assert.deepEqual(looked, ["structure", "manifest", "signer", "files"]);
});

test("the base of a bundle can be cloned and takes the patch", async (t) => {
  const { bundleDir } = await provenBundle(t);
  const clone = join(await temporaryFolder(t), "clone");
  execFileSync("git", ["clone", "--quiet", join(bundleDir, "base.bundle"), clone]);
  execFileSync("git", ["apply", join(bundleDir, "patch.diff")], { cwd: clone });
  assert.equal(await readFile(join(clone, "src", "sum.js"), "utf8"), FIXED);
});

test("garbage in place of a bundle fails and never throws", async (t) => {
  assert.notDeepEqual(await failing("/nonexistent"), []);
  const { bundleDir } = await provenBundle(t);
  const garbage = [
    "",
    "{}",
    "[]",
    "null",
    "\0",
    "{".repeat(100_000),
    '{"receipt":{},"signature":{}}\n',
    Buffer.from([0xff, 0xfe]),
  ];
  for (const file of await listFiles(bundleDir)) {
    const intact = await readFile(file);
    for (const content of garbage) {
      if (intact.equals(Buffer.from(content))) continue;
      await writeFile(file, content);
      assert.notDeepEqual(await failing(bundleDir), [], file);
    }
    await writeFile(file, intact);
  }
});

/** Seal the folder's manifest again as the operator would, so that only what a claim itself checks can fail. */
async function reseal(dir: string): Promise<void> {
  const file = join(dir, "BUNDLE.json");
  const { receipt_id: _, canonical_json_sha256: __, ...facts } = memberOf(await readFile(file), "receipt");
  const files = [];
  for (const path of await listFiles(dir)) {
    const name = path.slice(dir.length + 1);
    if (name === "BUNDLE.json") continue;
    const bytes = await readFile(path);
    files.push({ path: name, sha256: sha256Hex(bytes), bytes: bytes.length });
  }
  await writeFile(file, signedText(sealAgain({ ...facts, files })));
}

function signedText(receipt: Receipt): string {
  return `${canonicalize({ receipt, signature: signReceipt(receipt, OPERATOR_SECRET) })}\n`;
}

/** As the operator would, whatever the facts say. */
function sealAgain(facts: JsonObject): Receipt {
  return sealReceipt(facts as Parameters<typeof sealReceipt>[0]);
}

function memberOf(bytes: Buffer, name: string): JsonObject {
  const document = parseStrict(bytes) as JsonObject;
  return document[name] as JsonObject;
}

/** Change a receipt, keep everything signed and listed, and answer which claims fail. */
async function forge(
  t: TestContext,
  bundleDir: string,
  prefix: string,
  change: (facts: JsonObject) => JsonObject,
): Promise<string[]> {
  const dir = await copyOf(t, bundleDir);
  const [name = ""] = (await readdir(join(dir, "receipts"))).filter((file) => file.startsWith(`${prefix}_`));
  const file = join(dir, "receipts", name);
  const { receipt_id: _, canonical_json_sha256: __, ...facts } = memberOf(await readFile(file), "receipt");
  const receipt = sealAgain(change(facts));
  await rm(file);
  await writeFile(join(dir, "receipts", `${receipt.receipt_id}.json`), signedText(receipt));
  await reseal(dir);
  return (await failing(dir)).map((claim) => claim.name);
}

test("a story that does not hang together fails, even when the operator signed all of it", async (t) => {
  const { bundleDir } = await provenBundle(t);
  const untouched = await copyOf(t, bundleDir);
  await reseal(untouched);
  assert.deepEqual(await failing(untouched), [], "sealing again alone changes nothing");

  const expectations: [string, (facts: JsonObject) => JsonObject, string][] = [
    ["pay", (facts) => ({ ...facts, amount_msats: 20_000 }), "payment"],
    ["pay", (facts) => ({ ...facts, verification_receipt_sha256: "0".repeat(64) }), "linkage"],
    ["pay", (facts) => ({ ...facts, job_id: "job_other" }), "linkage"],
    ["vrfy", (facts) => ({ ...facts, verdict: "failed" }), "verdict"],
    ["vrfy", (facts) => ({ ...facts, base_tree: "0".repeat(40) }), "linkage"],
    ["vrfy", (facts) => ({ ...facts, result: withTree(facts, "0".repeat(40)) }), "trees"],
    ["quot", (facts) => ({ ...facts, total_price_msats: 1 }), "linkage"],
    ["bres", (facts) => ({ ...facts, amount_msats: 1 }), "linkage"],
    [
      "jdis",
      (facts) => ({ ...facts, spec: { ...(facts["spec"] as JsonObject), commands: ["true"] } }),
      "linkage",
    ],
    ["jcmp", (facts) => ({ ...facts, result_sha256: "0".repeat(64) }), "linkage"],
    ["runc", (facts) => ({ ...facts, first_event_payload_hash: "sha256:" }), "log"],
    ["quot", (facts) => ({ ...facts, tenant: "org_other" }), "receipts"],
  ];
  for (const [prefix, change, claim] of expectations) {
    const fails = await forge(t, bundleDir, prefix, change);
    assert.ok(fails.includes(claim), `${prefix}: ${claim} must fail, of ${fails.join(", ")}`);
  }
});

function withTree(facts: JsonObject, tree: string): JsonObject {
  const result = facts["result"] as JsonObject;
  const legs = result["legs"] as readonly JsonObject[];
  return { ...result, legs: legs.map((leg) => ({ ...leg, tree })) };
}

test("another patch, base or output fails its own claim, even when the operator listed it", async (t) => {
  const { bundleDir } = await provenBundle(t);
  const change = async (path: string, edit: (bytes: Buffer) => Buffer | string): Promise<string[]> => {
    const dir = await copyOf(t, bundleDir);
    await writeFile(join(dir, path), edit(await readFile(join(dir, path))));
    await reseal(dir);
    return (await failing(dir)).map((claim) => claim.name);
  };
  const patch = await change("patch.diff", (bytes) => bytes.toString().replace("a + b", "a * b"));
  assert.ok(patch.includes("patch") && patch.includes("trees"), patch.join());
  const base = await change("base.bundle", (bytes) => bytes.subarray(0, -40));
  assert.ok(base.includes("base"), base.join());
  const [output = ""] = await readdir(join(bundleDir, "artifacts"));
  assert.ok((await change(`artifacts/${output}`, () => "other")).includes("outputs"));
  const replay = await change("REPLAY.jsonl", (bytes) =>
    bytes.toString().replace("run.started", "run.started2"),
  );
  assert.ok(replay.includes("replay"), replay.join());
  const spaced = await change("RECEIPT.json", (bytes) => bytes.toString().replace(":", ": "));
  assert.deepEqual(spaced, ["run_receipt"], "one spelling only");
});
