import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, readdir, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { SandboxRunSpec } from "@openagents/contracts";
import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import { verifyBundle, type Claim } from "../src/index.ts";
import { copyOf, forged, listFiles, reseal } from "./forge.ts";
import { bundleOf, madeUpLegs, provenAttempt, provenBundle } from "./recorded-bundle.ts";
import { LOG_KEY, OPERATOR_KEY, type RecordedAttempt } from "./recorded-run.ts";
import { FIXED, PROJECT, planOf, smallJob, testFile, type Changes } from "./small-project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const PINNED = { operatorKeys: [OPERATOR_KEY], logKeys: [LOG_KEY] };

async function failing(dir: string): Promise<Claim[]> {
  const { claims, ok } = await verifyBundle(dir, PINNED);
  const fails = claims.filter((claim) => claim.state === "fails");
  assert.equal(ok, fails.length === 0);
  return fails;
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
      ["inclusion", "not_checked"],
    ],
  );
});

test("a bundle without proofs is not checked against the log, and a borrowed proof fails", async (t) => {
  const { bundleDir } = await provenBundle(t);
  const file = join(bundleDir, "BUNDLE.json");
  const { inclusion, ...without } = JSON.parse(await readFile(file, "utf8"));
  const inclusionClaim = async () =>
    (await verifyBundle(bundleDir, PINNED)).claims.find((claim) => claim.name === "inclusion");
  await writeFile(file, `${canonicalize(without)}\n`);
  assert.equal((await inclusionClaim())?.state, "not_checked");
  assert.deepEqual(await failing(bundleDir), []);
  await writeFile(file, `${canonicalize({ ...without, inclusion: { ...inclusion, log_index: 0 } })}\n`);
  assert.equal((await inclusionClaim())?.state, "fails");
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

/** Change a receipt, keep everything signed and listed, and answer which claims fail. */
async function forge(...args: Parameters<typeof forged>): Promise<string[]> {
  return (await failing(await forged(...args))).map((claim) => claim.name);
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
    // The parts add up still, and are not what was signed.
    ["quot", (facts) => ({ ...facts, pay_on: "execution" }), "linkage"],
    ["quot", (facts) => ({ ...facts, valid_until: "2026-01-01T00:00:00.000Z" }), "linkage"],
    ["quot", (facts) => ({ ...facts, quote_signature: {} }), "linkage"],
    ["pay", (facts) => ({ ...facts, pay_on: "execution" }), "payment"],
    ["jcmp", (facts) => ({ ...facts, charged_msats: 1 }), "payment"],
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

async function attemptOf(
  t: TestContext,
  changes: Changes,
  exits: { base: number; patched: number; guard?: number },
  rest: (legs: RecordedAttempt["legs"]) => Partial<RecordedAttempt> = () => ({}),
): Promise<RecordedAttempt> {
  const job = await smallJob(t, changes, { byTests: false });
  const plan = await planOf(t, job);
  const legs = madeUpLegs(plan, job.spec.commands, exits);
  return { job, plan, legs, ...rest(legs) };
}

async function claimsOf(dir: string): Promise<ReadonlyMap<string, Claim>> {
  const { claims } = await verifyBundle(dir, PINNED);
  return new Map(claims.map((claim) => [claim.name, claim]));
}

const SECOND_SAYS = (legs: RecordedAttempt["legs"]) => ("failure" in legs ? {} : { second: legs });
const EDITED_TEST: Changes = {
  "src/sum.js": FIXED,
  "test/sum.test.js": testFile("sum", "assert.equal(sum(2, 2), 4)"),
};

test("a guard leg is part of the story, and one that is left out is missed", async (t) => {
  const attempt = await attemptOf(t, EDITED_TEST, { base: 1, patched: 0 }, SECOND_SAYS);
  const { bundleDir } = await bundleOf(t, [attempt]);
  assert.deepEqual(await failing(bundleDir), []);
  const claims = await claimsOf(bundleDir);
  assert.match(claims.get("trees")?.detail ?? "", /guard [0-9a-f]{12}/);
  assert.match(claims.get("second_opinion")?.detail ?? "", /guard exit 0.*verified, self/);

  if ("failure" in attempt.legs) throw new Error("the fixture has legs");
  const without = attempt.legs.filter(({ leg }) => leg !== "guard");
  const forged = await bundleOf(t, [{ ...attempt, legs: without, second: without }]);
  const fails = (await failing(forged.bundleDir)).map((claim) => claim.name);
  assert.deepEqual(fails, ["trees"]);

  const bent = await attemptOf(t, EDITED_TEST, { base: 1, patched: 0, guard: 1 });
  assert.equal((await claimsOf((await bundleOf(t, [bent])).bundleDir)).get("verdict")?.state, "holds");
});

test("runs that differ are told as such, and only runs that agree make a result verified", async (t) => {
  const exits = { base: 1, patched: 0 };
  const other = await attemptOf(t, { "src/sum.js": FIXED }, exits);
  const lied = madeUpLegs(other.plan, other.job.spec.commands, { base: 1, patched: 1 });
  const { bundleDir } = await bundleOf(t, [{ ...other, second: lied }]);
  assert.deepEqual(await failing(bundleDir), []);
  const told = (await claimsOf(bundleDir)).get("second_opinion");
  assert.match(told?.detail ?? "", /^wrk_b+ disagrees/);
  const elsewhere = madeUpLegs(
    { ...other.plan, patchedTree: "d".repeat(40) },
    other.job.spec.commands,
    exits,
  );
  const inAnotherTree = await bundleOf(t, [{ ...other, second: elsewhere }]);
  assert.deepEqual(await failing(inAnotherTree.bundleDir), []);
  const whose = (await claimsOf(inAnotherTree.bundleDir)).get("second_opinion")?.detail;
  assert.match(whose ?? "", /^wrk_b+ disagrees/);
  const hidden = await forge(t, bundleDir, "vrfy", (facts) => ({ ...facts, disagreement: false }));
  assert.ok(hidden.includes("second_opinion"), hidden.join());

  const killed = madeUpLegs(other.plan, other.job.spec.commands, { base: 126, patched: 0 });
  const noAnswer = await bundleOf(t, [{ ...other, second: killed }]);
  assert.deepEqual(await failing(noAnswer.bundleDir), []);
  assert.match((await claimsOf(noAnswer.bundleDir)).get("second_opinion")?.detail ?? "", /came to nothing/);
  const upgraded = await forge(t, noAnswer.bundleDir, "vrfy", (facts) => ({ ...facts, verdict: "proven" }));
  assert.ok(upgraded.includes("verdict"), upgraded.join());

  const unable = await bundleOf(t, [{ ...other, second: { failure: "toolchain_missing" } }]);
  assert.deepEqual(await failing(unable.bundleDir), []);
  const alone = await bundleOf(t, [other]);
  assert.deepEqual(await failing(alone.bundleDir), []);
  for (const dir of [unable.bundleDir, alone.bundleDir]) {
    const fails = await forge(t, dir, "vrfy", (facts) => ({ ...facts, assurance: "self" }));
    assert.ok(fails.includes("second_opinion"), fails.join());
  }
  const proven = (await provenBundle(t)).bundleDir;
  const forgeries: [string, (facts: JsonObject) => JsonObject, string][] = [
    ["vrfy", (facts) => ({ ...facts, assurance: "independent" }), "second_opinion"],
    [
      "vrfy",
      (facts) => ({ ...facts, second_worker_id: facts["provider_worker_id"] ?? "" }),
      "second_opinion",
    ],
    ["vrfy", (facts) => ({ ...facts, disagreement: true }), "second_opinion"],
    ["vrfy", (facts) => ({ ...facts, assurance: "provider", verdict: "inconclusive" }), "second_opinion"],
    ["vrfy", (facts) => without(facts, "second_job_id"), "linkage"],
    ["vrfy", (facts) => ({ ...facts, second_result: facts["result"] ?? {} }), "linkage"],
    ["sopn", (facts) => ({ ...facts, verdict: "failed" }), "verdict"],
    ["sopn", (facts) => ({ ...facts, result_sha256: "0".repeat(64) }), "linkage"],
    ["pay", (facts) => ({ ...facts, second_opinion_msats: 9_000 }), "payment"],
    ["pay", (facts) => ({ ...facts, operator_fee_msats: 50 }), "payment"],
    ["pay", (facts) => ({ ...facts, second_opinion_worker_id: "wrk_x" }), "linkage"],
  ];
  for (const [prefix, change, claim] of forgeries) {
    const fails = await forge(t, proven, prefix, change);
    assert.ok(fails.includes(claim), `${prefix}: ${claim} must fail, of ${fails.join(", ")}`);
  }
});

function without(facts: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(facts).filter(([member]) => member !== name));
}

test("who was quoted for the second run may be replaced by another, and only who was stopped is asked twice", async (t) => {
  const attempt = await provenAttempt(t);
  const replaced = await bundleOf(t, [{ ...attempt, away: "replaced" }]);
  assert.deepEqual(await failing(replaced.bundleDir), []);
  const told = (await claimsOf(replaced.bundleDir)).get("second_opinion")?.detail;
  assert.match(told ?? "", /^wrk_c+ agrees/);
  const stopped = await bundleOf(t, [{ ...attempt, away: "stopped" }]);
  assert.deepEqual(await failing(stopped.bundleDir), []);
  const again = await bundleOf(t, [{ ...attempt, away: "asked_again" }]);
  assert.deepEqual(
    (await failing(again.bundleDir)).map((claim) => claim.name),
    ["linkage"],
  );
});

test("another provider may take the job over, twice at most, and never one that had it", async (t) => {
  const attempt = await provenAttempt(t);
  const [one, two, three] = ["d", "e", "f"].map((letter) => `wrk_${letter.repeat(32)}`);
  const quoted = `wrk_${"a".repeat(32)}`;
  for (const [fellBackTo, holds] of [
    [[one, two], true],
    [[one, two, three], false],
    [[one, quoted], false],
  ] as const) {
    const { bundleDir } = await bundleOf(t, [{ ...attempt, fellBackTo: fellBackTo.map(String) }]);
    assert.deepEqual(
      (await failing(bundleDir)).map((claim) => claim.name),
      holds ? [] : ["linkage"],
      fellBackTo.join(),
    );
  }
});

test("a second run is passed over when it came to nothing, and never because of what it says", async (t) => {
  const attempt = await provenAttempt(t);
  const says = madeUpLegs(attempt.plan, attempt.job.spec.commands, { base: 1, patched: 0 }, "quoted");
  const limited = says.map((leg) => ({
    ...leg,
    commands: leg.commands.map(({ command, startedAtMs, durationMs, stdout, stderr }) => ({
      command,
      startedAtMs,
      durationMs,
      stdout,
      stderr,
      signal: "SIGKILL",
      limit: "wall" as const,
    })),
  }));
  const nothing = await bundleOf(t, [{ ...attempt, passedOver: limited }]);
  assert.deepEqual(await failing(nothing.bundleDir), []);
  const answer = await bundleOf(t, [{ ...attempt, passedOver: says }]);
  assert.deepEqual(
    (await failing(answer.bundleDir)).map((claim) => claim.name),
    ["linkage"],
  );
  const hidden = await forge(t, nothing.bundleDir, "sopn", (facts) => without(facts, "replaced_result"));
  assert.ok(hidden.includes("linkage"));
});

test("paid by execution, a check that fails honestly for both is paid for, as charged and never more", async (t) => {
  const attempt = await provenAttempt(t);
  const { plan, job } = attempt;
  const legs = (word: string) => madeUpLegs(plan, job.spec.commands, { base: 1, patched: 1 }, word);
  const paid = { ...attempt, legs: legs("first"), second: legs("second"), payOn: "execution" } as const;
  for (const charged of [9_000, 10_000]) {
    const { bundleDir } = await bundleOf(t, [{ ...paid, charged }]);
    assert.deepEqual(await failing(bundleDir), []);
    const more = (facts: JsonObject) => ({ ...facts, amount_msats: charged + 1 });
    assert.ok((await forge(t, bundleDir, "pay", more)).includes("payment"));
  }
  const alone = await bundleOf(t, [{ ...paid, second: attempt.second ?? [] }]);
  const release = (facts: JsonObject) => ({ ...facts, status: "released", amount_msats: 10_000 });
  assert.ok((await forge(t, alone.bundleDir, "pay", release)).includes("payment"), "nobody else came to it");
});

test("a result that needs a person's look is paid only when one accepted it", async (t) => {
  const config = (PROJECT["package.json"] ?? "").replace("node --test", "true");
  const changes = { "src/sum.js": FIXED, "package.json": config };
  const attempt = await attemptOf(t, changes, { base: 1, patched: 0 }, SECOND_SAYS);
  const open = await bundleOf(t, [attempt]);
  assert.deepEqual(await failing(open.bundleDir), []);
  assert.match((await claimsOf(open.bundleDir)).get("review")?.detail ?? "", /nobody has looked/);
  for (const [review, status] of [
    ["accepted", "released"],
    ["rejected", "withheld"],
  ] as const) {
    const { bundleDir } = await bundleOf(t, [{ ...attempt, review }]);
    assert.deepEqual(await failing(bundleDir), [], review);
    const claims = await claimsOf(bundleDir);
    assert.match(claims.get("review")?.detail ?? "", new RegExp(review));
    const flipped = review === "accepted" ? "rejected" : "accepted";
    const fails = await forge(t, bundleDir, "rvw", (facts) => ({ ...facts, decision: flipped }));
    assert.ok(fails.includes("payment"), `${status} although ${flipped}: ${fails.join()}`);
  }
  const summary = await readFile(join(open.bundleDir, "PR_SUMMARY.md"), "utf8");
  assert.match(summary, /## For you to look at[^#]*`package\.json`/);
});

test("earlier attempts stay in the bundle, and the patch is the last job's", async (t) => {
  const wrong = await attemptOf(t, { "src/sum.js": FIXED.replace("+", "*") }, { base: 1, patched: 1 });
  const right = await provenAttempt(t);
  const { bundleDir } = await bundleOf(t, [wrong, right], { inHand: Buffer.from("never bought") });
  assert.deepEqual(await failing(bundleDir), []);
  assert.deepEqual(await readFile(join(bundleDir, "patch.diff")), right.job.patch);
  const kept = join(bundleDir, "artifacts", sha256Hex(wrong.job.patch));
  assert.deepEqual(await readFile(kept), wrong.job.patch);
  const summary = await readFile(join(bundleDir, "PR_SUMMARY.md"), "utf8");
  assert.match(summary, /## Attempts before this one\n\n1\. failed: the check exits 1 with the patch/);
  const lost = await copyOf(t, bundleDir);
  await rm(join(lost, "artifacts", sha256Hex(wrong.job.patch)));
  await reseal(lost);
  assert.ok((await failing(lost)).some((claim) => claim.name === "outputs"));
});

test("a small layer is carried, and a large or lost one is named as left out", async (t) => {
  const small = Buffer.from("a layer");
  const large = Buffer.alloc(64 * 1024 * 1024 + 1);
  const layers = [small, large, Buffer.from("lost")].map((bytes, index) => ({
    kind: "npm" as const,
    sha256: sha256Hex(bytes),
    path: `node_modules${index}`,
  }));
  const job = await smallJob(t, { "src/sum.js": FIXED }, { byTests: false, spec: { layers } });
  const plan = await planOf(t, job);
  const legs = madeUpLegs(plan, job.spec.commands, { base: 1, patched: 0 });
  const inputs = new Map([...job.inputs, [sha256Hex(small), small], [sha256Hex(large), large]]);
  const attempt = { job: { ...job, inputs }, plan, legs, second: legs };
  const { bundleDir } = await bundleOf(t, [attempt]);
  assert.deepEqual(await failing(bundleDir), []);
  const carried = await readdir(join(bundleDir, "artifacts"));
  assert.ok(carried.includes(sha256Hex(small)) && !carried.includes(sha256Hex(large)));
  assert.match((await claimsOf(bundleDir)).get("outputs")?.detail ?? "", /not carried: layers/);
  assert.match(
    await readFile(join(bundleDir, "PR_SUMMARY.md"), "utf8"),
    /`--rerun` cannot run the check here/,
  );
});

test("a job that does not name what its check starts is no proof of a patch that changes it", async (t) => {
  const project = {
    ...PROJECT,
    "prove.js": 'import { sum } from "./src/sum.js";\nprocess.exit(sum(1, 2) - 3);\n',
  };
  const changes = { "src/sum.js": FIXED, "prove.js": "" };
  const record = async (spec: Partial<SandboxRunSpec>) => {
    const job = await smallJob(t, changes, {
      project,
      byTests: false,
      spec: { commands: ["node prove.js"], ...spec },
    });
    const plan = await planOf(t, job);
    const legs = madeUpLegs(plan, job.spec.commands, { base: 1, patched: 0, guard: 0 });
    return (await bundleOf(t, [{ job, plan, legs, second: legs }])).bundleDir;
  };
  assert.deepEqual(await failing(await record({})), []);
  const [fails, ...others] = await failing(await record({ checkPaths: [], guardPaths: [] }));
  assert.deepEqual([fails?.name, others], ["patch", []]);
  assert.match(fails?.detail ?? "", /the check starts prove[.]js/);
});
