import assert from "node:assert/strict";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { SandboxError } from "@openagents/sandbox";
import type { LegRunner } from "../src/index.ts";
import { createFakeRuntime, refused, unreachable } from "./fake-runtime.ts";
import { buy, fixedRunner, noPause, startProvider, temporaryFolder } from "./scenario.ts";

/** Remembers the trees that it was given. */
function watched(runner: LegRunner): LegRunner & { readonly trees: string[] } {
  const trees: string[] = [];
  return {
    ...runner,
    trees,
    runCommands(request) {
      trees.push(request.tree);
      return runner.runCommands(request);
    },
  };
}

test("a job's legs run one after the other, and its folder is gone afterwards", async (t) => {
  const runtime = createFakeRuntime();
  const dataDir = await temporaryFolder(t);
  const runner = watched(fixedRunner(1, 0));
  await startProvider(t, runtime, { sandbox: runner, dataDir });
  assert.equal((await buy(t, runtime)).status, "succeeded");
  assert.deepEqual(
    runner.trees.map((tree) => tree.split("/").at(-1)),
    ["base", "patched"],
  );
  assert.deepEqual(await readdir(join(dataDir, "jobs")), []);
});

test("what cannot be done is reported as a failure with its code, never as a result", async (t) => {
  const broken = (error: Error): LegRunner => ({
    ...fixedRunner(1, 0),
    runCommands: () => Promise.reject(error),
  });
  for (const [options, code] of [
    [{ toolchains: [] }, "toolchain_missing"],
    [{ toolchains: [{ name: "node", version: "18.20.1", prefix: "/" }] }, "toolchain_missing"],
    [{ sandbox: broken(new SandboxError("sandbox_unavailable", "no bwrap")) }, "sandbox_unavailable"],
    [{ sandbox: broken(new Error("surprise in /root/secret")) }, "provider_error"],
  ] as const) {
    const runtime = createFakeRuntime();
    const { events } = await startProvider(t, runtime, options);
    const outcome = await buy(t, runtime);
    const [job] = runtime.jobs.values();
    assert.equal(job?.failure?.code, code);
    assert.doesNotMatch(job?.failure?.detail ?? "", /secret/);
    assert.deepEqual([outcome.verdict, outcome.settlementStatus], ["inconclusive", "withheld"]);
    assert.ok(events.some((event) => event.type === "job_reported" && event.code === code));
  }
});

test("an input that is not what its hash says is refused", async (t) => {
  const runtime = createFakeRuntime();
  await startProvider(t, runtime, { sandbox: fixedRunner(1, 0) });
  runtime.before("claimJob", () => {
    for (const sha256 of runtime.artifacts.keys()) runtime.artifacts.set(sha256, Buffer.from("swapped"));
  });
  await buy(t, runtime);
  const [job] = runtime.jobs.values();
  assert.equal(job?.failure?.code, "input_hash_mismatch");
});

test("after a job that went wrong the next one is served", async (t) => {
  const runtime = createFakeRuntime();
  let runs = 0;
  const runner = fixedRunner(1, 0);
  const { events } = await startProvider(t, runtime, {
    sandbox: {
      ...runner,
      runCommands: (request) =>
        (runs += 1) === 1 ? Promise.reject(new Error("x")) : runner.runCommands(request),
    },
  });
  assert.equal((await buy(t, runtime)).status, "failed");
  runtime.reset();
  assert.equal((await buy(t, runtime)).verdict, "proven");
  assert.deepEqual(
    events.filter((event) => event.type === "job_reported").map((event) => event.outcome),
    ["failure", "result"],
  );
});

test("a runtime that is away is waited for", async (t) => {
  const runtime = createFakeRuntime();
  runtime.disturb("registerWorker", { happens: false, error: unreachable(), times: 3 });
  const { events } = await startProvider(t, runtime, { sandbox: fixedRunner(1, 0), pause: noPause });
  runtime.disturb("claimJob", { happens: false, error: unreachable(), times: 3 });
  assert.equal((await buy(t, runtime)).status, "succeeded");
  const troubles = events.filter((event) => event.type === "trouble").map((event) => event.retryMs);
  assert.ok(troubles.length >= 6);
  assert.ok((troubles[2] ?? 0) > (troubles[0] ?? 0), "the waits grow");
});

test("a refused registration ends the provider at once", async (t) => {
  const runtime = createFakeRuntime();
  const error = new ProblemError({ status: 401, code: "token_invalid", detail: "The token is not valid." });
  runtime.disturb("registerWorker", { happens: false, error });
  await assert.rejects(startProvider(t, runtime), { code: "token_invalid" });
});

test("a restarted provider is the same worker; on another stack it becomes a new one", async (t) => {
  const dataDir = await temporaryFolder(t);
  const runtime = createFakeRuntime();
  const first = await startProvider(t, runtime, { dataDir });
  first.stop();
  const { workerId } = await first.ended;
  const second = await startProvider(t, runtime, { dataDir });
  second.stop();
  assert.equal((await second.ended).workerId, workerId);
  assert.equal(runtime.workers.size, 1);
  const elsewhere = await startProvider(t, createFakeRuntime(), { dataDir });
  elsewhere.stop();
  assert.equal((await elsewhere.ended).reason, "stopped");
  assert.equal((await stat(join(dataDir, "worker-id"))).mode & 0o077, 0);
});

test("a provider that stops says so, also to a runtime that does not answer, and sweeps what a killed one left", async (t) => {
  const dataDir = await temporaryFolder(t);
  await mkdir(join(dataDir, "jobs", "job_left"), { recursive: true });
  const runtime = createFakeRuntime();
  const first = await startProvider(t, runtime, { dataDir });
  assert.deepEqual(await readdir(dataDir), ["worker-id"]);
  first.stop();
  const { workerId } = await first.ended;
  assert.equal(runtime.workers.get(workerId)?.status, "stopped");
  const second = await startProvider(t, runtime, { dataDir });
  assert.equal(runtime.workers.get(workerId)?.status, "running");
  runtime.disturb("stopWorker", { happens: false, error: unreachable() });
  second.stop();
  assert.equal((await second.ended).reason, "stopped");
});

test("a disabled worker stops", async (t) => {
  const runtime = createFakeRuntime();
  runtime.disturb("claimJob", { happens: false, error: refused(403, "worker_disabled") });
  const { ended } = await startProvider(t, runtime);
  assert.equal((await ended).reason, "worker_disabled");
});

test("a stopped provider gives its job back as a failure, so that the buyer need not wait", async (t) => {
  const runtime = createFakeRuntime();
  let stop = () => {};
  const provider = await startProvider(t, runtime, {
    sandbox: {
      ...fixedRunner(1, 0),
      async runCommands({ signal }) {
        stop();
        signal?.throwIfAborted();
        throw new Error("the signal was not aborted");
      },
    },
  });
  stop = provider.stop;
  const outcome = await buy(t, runtime);
  assert.equal((await provider.ended).reason, "stopped");
  const [job] = runtime.jobs.values();
  assert.equal(job?.failure?.code, "provider_stopped");
  assert.equal(outcome.settlementStatus, "withheld");
});

test("a lost lease stops the work and reports nothing", async (t) => {
  const runtime = createFakeRuntime();
  let gaveUp: unknown;
  const { events } = await startProvider(t, runtime, {
    pause: noPause,
    sandbox: {
      ...fixedRunner(1, 0),
      async runCommands({ signal }) {
        runtime.disturb("renewLease", { happens: false, error: refused(409, "lease_lapsed") });
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        gaveUp = signal?.reason;
        throw gaveUp;
      },
    },
  });
  let nowMs = 0;
  await buy(t, runtime, { nowMs: () => (gaveUp === undefined ? 0 : (nowMs += 10_000)) });
  assert.equal(gaveUp instanceof Error && "code" in gaveUp && gaveUp.code, "lease_lost");
  assert.ok(events.some((event) => event.type === "job_lost"));
  assert.ok(!runtime.calls.includes("submitResult"));
});
