import assert from "node:assert/strict";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { SandboxError, createSandbox } from "@openagents/sandbox";
import { runLegs, type LegRun, type LegRunner } from "../src/legs/index.ts";
import { verifyBundle, type Claim, type RerunOptions } from "../src/index.ts";
import { forged } from "./forge.ts";
import { bundleOf, madeUpLegs } from "./recorded-bundle.ts";
import { OPERATOR_KEY } from "./recorded-run.ts";
import { FIXED, PROJECT, planOf, smallJob, testFile, type Changes, type SmallJob } from "./small-project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const node = { name: "node", version: process.versions.node, prefix: dirname(dirname(process.execPath)) };

const sandbox = await createSandbox().catch((error: unknown) => {
  if (error instanceof SandboxError && error.code === "sandbox_unavailable") return undefined;
  throw error;
});

const signal = new AbortController().signal;

async function runOf(t: TestContext, job: SmallJob, runner: LegRunner): Promise<readonly LegRun[]> {
  const readInput = async (sha256: string) => job.inputs.get(sha256) ?? Buffer.alloc(0);
  const deps = { sandbox: runner, toolchains: [node], readInput };
  return (await runLegs(deps, job.spec, await temporaryFolder(t), 1, signal)).legs;
}

async function rerun(dir: string, options: Partial<RerunOptions> = {}): Promise<Claim> {
  const asked = { sandbox, toolchains: [node], signal, ...options };
  const { claims } = await verifyBundle(dir, { operatorKeys: [OPERATOR_KEY], rerun: asked });
  const claim = claims.find(({ name }) => name === "rerun");
  assert.ok(claim !== undefined, "the claim is made when it is asked for");
  return claim;
}

const EDITED: Changes = {
  "src/sum.js": FIXED,
  "test/sum.test.js": testFile("sum", "assert.equal(sum(2, 2), 4)"),
};

suite("reruns in a real sandbox", { skip: sandbox === undefined && "no sandbox on this machine" }, () => {
  test("all legs run again from the bundle alone and come to the same verdict", async (t) => {
    if (sandbox === undefined) return;
    const job = await smallJob(t, EDITED);
    const legs = await runOf(t, job, sandbox);
    const { bundleDir } = await bundleOf(t, [{ job, plan: await planOf(t, job), legs, second: legs }]);
    const claim = await rerun(bundleDir);
    assert.equal(claim.state, "holds", claim.detail);
    assert.match(claim.detail, /^proven here too: base exit 1, patched exit 0, guard exit 0$/);
    const { claims, ok } = await verifyBundle(bundleDir, { operatorKeys: [OPERATOR_KEY] });
    assert.ok(ok && claims.every(({ name }) => name !== "rerun"));
    const verdict = claims.find(({ name }) => name === "verdict")?.detail ?? "";
    assert.match(verdict, /^proven \(by tests, tests fixed: 1\)/);
    const summary = await readFile(join(bundleDir, "PR_SUMMARY.md"), "utf8");
    assert.match(summary, /Tests fixed: 1\..*\n\n- `.*sum is right/);
    assert.match(summary, /\| `guard` \| `[0-9a-f]{12}` \| `node --test` \| exit 0 \|/);
  });

  test("results that were made up do not come about again", async (t) => {
    const job = await smallJob(t, { "src/sum.js": FIXED.replace("a + b", "a * b") }, { byTests: false });
    const plan = await planOf(t, job);
    const legs = madeUpLegs(plan, job.spec.commands, { base: 1, patched: 0 });
    const { bundleDir } = await bundleOf(t, [{ job, plan, legs, second: legs }]);
    const { ok } = await verifyBundle(bundleDir, { operatorKeys: [OPERATOR_KEY] });
    assert.ok(ok, "two liars and a careless operator make a bundle that hangs together");
    const claim = await rerun(bundleDir);
    assert.equal(claim.state, "fails");
    assert.match(claim.detail, /patched: exit 0 and exit 1/);
    assert.match(claim.detail, /the verdict differs: failed and proven/);
  });

  test("a verdict that was changed afterwards is not the one that the legs give", async (t) => {
    if (sandbox === undefined) return;
    const job = await smallJob(t, { "src/sum.js": FIXED }, { byTests: false });
    const legs = await runOf(t, job, sandbox);
    const { bundleDir } = await bundleOf(t, [{ job, plan: await planOf(t, job), legs, second: legs }]);
    const dir = await forged(t, bundleDir, "vrfy", (facts) => ({ ...facts, verdict: "failed" }));
    const claim = await rerun(dir);
    assert.deepEqual([claim.state, claim.detail], ["fails", "the verdict differs: proven and failed"]);
  });

  test("an early exit that fools the exit code fails by tests, here too", async (t) => {
    if (sandbox === undefined) return;
    const changes = { "src/sum.js": `process.exit(0);\n${PROJECT["src/sum.js"] ?? ""}` };
    const job = await smallJob(t, changes);
    const legs = await runOf(t, job, sandbox);
    const { bundleDir } = await bundleOf(t, [{ job, plan: await planOf(t, job), legs }]);
    const claim = await rerun(bundleDir);
    assert.equal(claim.state, "holds", claim.detail);
    assert.match(claim.detail, /^failed here too/);
  });

  test("what this machine lacks is not checked, and told", async (t) => {
    const layers = [{ kind: "npm" as const, sha256: "0".repeat(64), path: "node_modules" }];
    const bundle = async (spec: Partial<SmallJob["spec"]>) => {
      const job = await smallJob(t, { "src/sum.js": FIXED }, { byTests: false, spec });
      const plan = await planOf(t, job);
      const legs = madeUpLegs(plan, job.spec.commands, { base: 1, patched: 0 });
      return (await bundleOf(t, [{ job, plan, legs, second: legs }])).bundleDir;
    };
    const plain = await bundle({});
    const stopped = AbortSignal.abort();
    const expectations = [
      [await rerun(plain, { toolchains: [] }), /no node of version 20/],
      [await rerun(plain, { sandbox: undefined }), /no sandbox/],
      [await rerun(plain, { signal: stopped }), /stopped/],
      [await rerun(await bundle({ layers })), /layer 0{64} is not in the bundle/],
    ] as const;
    for (const [claim, words] of expectations) {
      assert.equal(claim.state, "not_checked", claim.detail);
      assert.match(claim.detail, words);
    }
  });

  test("nothing is run of a folder that is not the sealed one", async (t) => {
    const job = await smallJob(t, { "src/sum.js": FIXED }, { byTests: false });
    const plan = await planOf(t, job);
    const legs = madeUpLegs(plan, job.spec.commands, { base: 1, patched: 0 });
    const { bundleDir } = await bundleOf(t, [{ job, plan, legs, second: legs }]);
    let runs = 0;
    const watched: LegRunner = {
      sandbox: "none",
      limitsBy: "rlimits",
      runCommands: () => Promise.reject(new Error(`run ${(runs += 1)}`)),
    };
    assert.equal((await rerun(bundleDir, { sandbox: watched })).state, "fails");
    assert.equal(runs, 1, "an intact one is run");
    const [artifact = ""] = await readdir(join(bundleDir, "artifacts"));
    await writeFile(join(bundleDir, "artifacts", artifact), "other");
    assert.equal((await rerun(bundleDir, { sandbox: watched })).state, "not_checked");
    await rm(join(bundleDir, "artifacts"), { recursive: true });
    assert.equal((await rerun(bundleDir, { sandbox: watched })).state, "not_checked");
    assert.equal(runs, 1);
  });
});
