import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import type { Layer } from "@openagents/contracts";
import { CHECK_CONFIG_BYTES_MAX, REPORT_FOLDER, REPORT_TOOLS, type VerdictDecision } from "@openagents/proof";
import { sha256Hex } from "@openagents/receipts";
import { SandboxError, createSandbox, type RunRequest } from "@openagents/sandbox";
import { runLegs, type LegRun, type LegRunner } from "../src/legs/index.ts";
import { decide } from "./recorded-run.ts";
import { FIXED, PROJECT, planOf, smallJob, testFile, type SmallJob } from "./small-project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const node = { name: "node", version: process.versions.node, prefix: dirname(dirname(process.execPath)) };

const sandbox = await createSandbox().catch((error: unknown) => {
  if (error instanceof SandboxError && error.code === "sandbox_unavailable") return undefined;
  throw error;
});

type RunOptions = {
  readonly runner?: LegRunner;
  readonly repeats?: number;
  readonly signal?: AbortSignal;
  readonly inputs?: ReadonlyMap<string, Buffer>;
};

async function run(t: TestContext, job: SmallJob, options: RunOptions = {}): Promise<readonly LegRun[]> {
  const inputs = options.inputs ?? job.inputs;
  const deps = {
    sandbox: options.runner ?? sandbox ?? idle(),
    toolchains: [node],
    readInput: (sha256: string) => Promise.resolve(inputs.get(sha256) ?? Buffer.alloc(0)),
  };
  const signal = options.signal ?? new AbortController().signal;
  return (await runLegs(deps, job.spec, await temporaryFolder(t), options.repeats ?? 1, signal)).legs;
}

/** A runner that passes everything without running it, and remembers what it was asked. */
function idle(): LegRunner & { readonly requests: RunRequest[] } {
  const requests: RunRequest[] = [];
  return {
    sandbox: "none",
    limitsBy: "rlimits",
    requests,
    async runCommands(request) {
      requests.push(request);
      const [command = ""] = request.commands;
      const output = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
      const outcome = { command, exitCode: 0, startedAtMs: 0, durationMs: 1, ...output };
      return { commands: [outcome], collected: new Map(), collectedTooMuch: false };
    },
  };
}

/** What the legs prove, as a verifier decides it. */
async function verdictOf(t: TestContext, job: SmallJob): Promise<VerdictDecision & { legs: string }> {
  const legs = await run(t, job);
  return { ...decide(job, await planOf(t, job), legs), legs: legs.map(({ leg }) => leg).join(" ") };
}

suite("legs in a real sandbox", { skip: sandbox === undefined && "no sandbox on this machine" }, () => {
  test("a patch of source alone is proven by test name, without a guard leg", async (t) => {
    const verdict = await verdictOf(t, await smallJob(t, { "src/sum.js": FIXED }));
    assert.deepEqual(
      [verdict.verdict, verdict.proof, verdict.legs, verdict.testsFixed, verdict.testsKept],
      ["proven", "by_tests", "base patched", 1, 1],
    );
  });

  test("a new test file runs on the base too, and fails there", async (t) => {
    const job = await smallJob(t, {
      "src/sum.js": FIXED,
      "test/more.test.js": testFile("sum", "assert.equal(sum(2, 2), 4)").replace("sum is right", "more"),
    });
    const verdict = await verdictOf(t, job);
    assert.deepEqual([verdict.verdict, verdict.legs, verdict.testsFixed], ["proven", "base patched", 2]);
  });

  test("an edited test is put back for the guard leg, which must pass as well", async (t) => {
    const stricter = testFile("sum", "assert.equal(sum(1, 2), 3) ?? assert.equal(sum(0, 0), 0)");
    const honest = await verdictOf(
      t,
      await smallJob(t, { "src/sum.js": FIXED, "test/sum.test.js": stricter }),
    );
    assert.deepEqual([honest.verdict, honest.legs], ["proven", "base patched guard"]);

    // Wrong source, and a test that was bent until it passes.
    const wrong = FIXED.replace("a + b", "a * b");
    const bent = testFile("sum", "assert.equal(sum(1, 2), 2)");
    const bentVerdict = await verdictOf(
      t,
      await smallJob(t, { "src/sum.js": wrong, "test/sum.test.js": bent }),
    );
    assert.equal(bentVerdict.verdict, "failed");
    assert.match(bentVerdict.because, /put back over the patch/);
  });

  test("a deleted test comes back for the guard leg, and by name it is missed", async (t) => {
    const verdict = await verdictOf(
      t,
      await smallJob(t, { "src/sum.js": FIXED, "test/same.test.js": undefined }),
    );
    assert.equal(verdict.legs, "base patched guard");
    assert.equal(verdict.verdict, "failed");
  });

  test("a module that exits early makes the runner pass and proves nothing", async (t) => {
    const job = await smallJob(t, { "src/sum.js": `process.exit(0);\n${PROJECT["src/sum.js"] ?? ""}` });
    const patched = (await run(t, job)).find(({ leg }) => leg === "patched");
    const verdict = await verdictOf(t, job);
    assert.equal(patched?.commands.at(-1)?.exitCode, 0, "the exit code is fooled");
    assert.equal(verdict.verdict, "failed", verdict.because);
  });

  test("a patch of the check's configuration asks for a person and names the files", async (t) => {
    const config = (PROJECT["package.json"] ?? "").replace("node --test", "true");
    const job = await smallJob(t, { "src/sum.js": FIXED, "package.json": config });
    const verdict = await verdictOf(t, job);
    assert.deepEqual(
      [verdict.verdict, verdict.legs, verdict.reviewPaths],
      ["needs_review", "base patched guard", ["package.json"]],
    );
  });

  test("an adjudication runs the whole sequence several times over", async (t) => {
    const stricter = testFile("sum", "assert.equal(sum(2, 2), 4)");
    const job = await smallJob(t, { "src/sum.js": FIXED, "test/sum.test.js": stricter });
    const legs = await run(t, job, { repeats: 2 });
    assert.deepEqual(
      legs.map(({ leg, commands }) => `${leg} ${commands.at(-1)?.exitCode}`),
      ["base 1", "patched 0", "guard 0", "base 1", "patched 0", "guard 0"],
    );
    await assert.rejects(run(t, job, { repeats: 6 }), { code: "repeats_invalid" });
  });

  test("a layer is there in every leg, read-only and beside the tree", async (t) => {
    const { tar, layer } = await layerOf(t, "npm", "node_modules", {
      "dep/package.json": `{"name":"dep","main":"index.js"}`,
      "dep/index.js": "module.exports = 3;\n",
    });
    const uses = testFile("sum", "assert.equal(sum(1, 2), three)").replace(
      "import { test }",
      `import three from "dep";\nimport { test }`,
    );
    const project = { ...PROJECT, "test/sum.test.js": uses };
    const job = await smallJob(t, { "src/sum.js": FIXED }, { project, spec: { layers: [layer] } });
    const inputs = new Map(job.inputs).set(layer.sha256, tar);
    const verdict = await verdictOf(t, { ...job, inputs });
    assert.deepEqual([verdict.verdict, verdict.testsFixed, verdict.testsKept], ["proven", 1, 1]);

    const spec = {
      ...job.spec,
      commands: ["echo x >node_modules/dep/index.js || cat node_modules/dep/index.js"],
    };
    const [leg] = await run(t, { ...job, spec, inputs });
    assert.equal(leg?.commands[0]?.stdout.toString(), "module.exports = 3;\n");
  });

  test("an aborted leg ends at once with the signal's reason", async (t) => {
    const stop = new AbortController();
    const real = sandbox ?? idle();
    const runner: LegRunner = {
      ...real,
      runCommands: (request) =>
        real.runCommands({ ...request, onOutput: () => stop.abort(new Error("stop")) }),
    };
    const job = await smallJob(t, { "src/sum.js": FIXED }, { spec: { commands: ["echo here; sleep 30"] } });
    const startedMs = performance.now();
    await assert.rejects(run(t, job, { runner, signal: stop.signal }), /stop/);
    assert.ok(performance.now() - startedMs < 20_000);
  });
});

/** A packed layer as a buyer sends it. */
async function layerOf(
  t: TestContext,
  kind: Layer["kind"],
  path: string,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly tar: Buffer; readonly layer: Layer }> {
  const dir = await temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  const tar = execFileSync("tar", ["-czf", "-", "-C", dir, ...(await readdir(dir))]);
  return { tar, layer: { kind, path, sha256: sha256Hex(tar) } };
}

test("what layers and the reporter want of one variable is joined, the reporter first", async (t) => {
  const { tar, layer } = await layerOf(t, "pip", "deps", { "dep/__init__.py": "" });
  const spec = { layers: [layer], testRunner: "pytest" as const };
  const job = await smallJob(t, { "src/sum.js": FIXED }, { spec });
  const runner = idle();
  await run(t, job, { runner, inputs: new Map(job.inputs).set(layer.sha256, tar) });
  for (const { env = {}, layers = [], collect } of runner.requests) {
    const targets = layers.map(({ target }) => target);
    assert.equal(targets.length, 2);
    const [first, second] = (env["PYTHONPATH"] ?? "").split(":");
    assert.equal(first, REPORT_TOOLS);
    assert.ok(targets[1] !== undefined && second?.startsWith(targets[1]), second);
    assert.equal(collect?.folder, REPORT_FOLDER);
  }
});

test("a layer that is none, or not the one that the spec names, is refused", async (t) => {
  const garbage = Buffer.from("no tar");
  const layer = { kind: "npm" as const, path: "node_modules", sha256: sha256Hex(garbage) };
  const job = await smallJob(t, { "src/sum.js": FIXED }, { spec: { layers: [layer] } });
  const withLayer = (tar: Buffer) => ({ inputs: new Map(job.inputs).set(layer.sha256, tar), runner: idle() });
  await assert.rejects(run(t, job, withLayer(garbage)), { code: "layer_invalid" });
  await assert.rejects(run(t, job, withLayer(Buffer.from("other"))), { code: "input_hash_mismatch" });
});

test("by exit code nothing is mounted and nothing collected", async (t) => {
  const runner = idle();
  await run(t, await smallJob(t, { "src/sum.js": FIXED }, { byTests: false }), { runner });
  assert.equal(runner.requests.length, 2);
  for (const { layers, env = {}, collect } of runner.requests) {
    assert.deepEqual([layers, collect], [[], undefined]);
    assert.doesNotMatch(JSON.stringify(env), /report/i);
  }
});

test("an input that is not what the spec names is refused before anything is made of it", async (t) => {
  const job = await smallJob(t, { "src/sum.js": FIXED });
  for (const swapped of [job.spec.patchSha256, job.spec.baseBundleSha256]) {
    const runner = idle();
    const inputs = new Map(job.inputs).set(swapped, Buffer.from("swapped"));
    await assert.rejects(run(t, job, { runner, inputs }), { code: "input_hash_mismatch" });
    assert.equal(runner.requests.length, 0);
  }
});

test("a spec that says other paths than its patch, or another configuration than its base, is refused", async (t) => {
  const job = await smallJob(t, { "src/sum.js": FIXED, "test/sum.test.js": testFile("sum", "1") });
  const refusals = [
    [{ guardPaths: [] }, "classification_differs"],
    [{ patchTestPaths: [] }, "classification_differs"],
    [{ patchTestPaths: ["test/sum.test.js", "src/sum.js"] }, "classification_differs"],
    [{ checkPaths: ["src/absent.js"] }, "classification_differs"],
    [{ checkPaths: ["src"] }, "classification_differs"],
    [{ checkPaths: ["src/sum.js"] }, "classification_differs"],
    [{ configSha256: "0".repeat(64) }, "config_mismatch"],
  ] as const;
  for (const [change, code] of refusals) {
    const runner = idle();
    await assert.rejects(run(t, { ...job, spec: { ...job.spec, ...change } }, { runner }), { code });
    assert.equal(runner.requests.length, 0);
  }
  const { configSha256: _, ...without } = job.spec;
  const project = {
    ...PROJECT,
    "test/words.js": "1\n",
    ".openagents/config.json": `{"version":1,"source_paths":["test/**"]}`,
  };
  const configured = await smallJob(t, { "test/words.js": "2\n" }, { project });
  assert.deepEqual(configured.spec.guardPaths, [], "the base's configuration counts");
  assert.equal((await run(t, configured, { runner: idle() })).length, 2);
  const { configSha256: __, ...silent } = configured.spec;
  await assert.rejects(run(t, { ...configured, spec: silent }, { runner: idle() }), {
    code: "config_mismatch",
  });
  assert.equal((await run(t, { ...job, spec: without }, { runner: idle() })).length, 3);
});

test("a configuration that is too large is refused by its size", async (t) => {
  const text = `{"version":1}${" ".repeat(CHECK_CONFIG_BYTES_MAX - 13)}`;
  const jobOf = (config: string) =>
    smallJob(t, { "src/sum.js": FIXED }, { project: { ...PROJECT, ".openagents/config.json": config } });
  const fits = await jobOf(text);
  assert.equal((await run(t, fits, { runner: idle() })).length, 2);
  const project = { ...PROJECT, ".openagents/config.json": `${text} ` };
  const larger = await smallJob(t, { "src/sum.js": FIXED }, { project, config: false });
  await assert.rejects(run(t, larger, { runner: idle() }), {
    code: "config_invalid",
    message: /65536 bytes/,
  });
});

test("a patch cannot choose its own classification by changing the configuration", async (t) => {
  const job = await smallJob(t, {
    ".openagents/config.json": `{"version":1,"source_paths":["test/**"]}`,
    "test/sum.test.js": testFile("sum", "1"),
  });
  assert.deepEqual(job.spec.guardPaths, ["test/sum.test.js"]);
  assert.equal((await planOf(t, job)).guard.kind, "needed");
});

test("a renamed test comes back under its old name, and its new name goes when it is a test too", async (t) => {
  const rename = async (to: string) => {
    const job = await smallJob(t, { "test/same.test.js": { to } }, { findRenames: true });
    return planOf(t, job);
  };
  const untouched = (await planOf(t, await smallJob(t, { "README.md": "x\n" }))).baseTree;
  const toTest = await rename("test/other.test.js");
  assert.equal(toTest.files[0]?.status, "renamed");
  assert.deepEqual(toTest.guard, { kind: "needed", tree: untouched });
  const toSource = await rename("src/other.js");
  assert.ok(toSource.guard.kind === "needed" && toSource.guard.tree !== untouched, "source may need it");
});

test("putting back what did not change is no leg", async (t) => {
  const job = await smallJob(t, { "src/sum.js": FIXED, "test/more.test.js": "1\n" });
  assert.deepEqual((await planOf(t, job)).guard, { kind: "nothing_to_guard" });
});
