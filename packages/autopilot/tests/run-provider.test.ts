import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { pushHash, signHash } from "@openagents/receipts";
import { SandboxError, createSandbox } from "@openagents/sandbox";
import {
  runProvider,
  type LegRunner,
  type Pause,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderOptions,
} from "../src/index.ts";
import { pauseFor } from "../src/pause.ts";
import {
  RUNTIME_KEY,
  createProviderMarket,
  refused,
  unreachable,
  type ProviderMarket,
} from "./provider-market.ts";
import { FIXED, planOf, smallJob, testFile } from "./small-project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const node = { name: "node", version: process.versions.node, prefix: dirname(dirname(process.execPath)) };

/** Lets everyone else go on, and takes next to no time. */
const noPause: Pause = (_ms, signal) => pauseFor(1, signal);

/** Waits only for the end: no heartbeat and no renewal ever becomes due. */
const endOnly: Pause = (_ms, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener("abort", () => resolve(false), { once: true });
  });

/** Ends each command with the exit code of its leg, and remembers the trees that it was given. */
function madeUpRunner(): LegRunner & { readonly trees: string[] } {
  const trees: string[] = [];
  return {
    sandbox: "none",
    limitsBy: "rlimits",
    trees,
    async runCommands({ tree, commands: [command = ""] }) {
      trees.push(tree);
      const exitCode = tree.endsWith("base") ? 1 : 0;
      const output = { stdout: Buffer.from(`exit ${exitCode}\n`), stderr: Buffer.alloc(0) };
      const outcome = { command, exitCode, startedAtMs: 0, durationMs: 1, ...output };
      return { commands: [outcome], collected: new Map(), collectedTooMuch: false };
    },
  };
}

type Provider = {
  readonly events: ProviderEvent[];
  readonly ended: Promise<ProviderEnd>;
  readonly stop: () => void;
};

async function startProvider(
  t: TestContext,
  market: ProviderMarket,
  options: Partial<ProviderOptions> = {},
): Promise<Provider> {
  const stop = new AbortController();
  const events: ProviderEvent[] = [];
  const { promise: registered, resolve } = Promise.withResolvers<void>();
  const ended = runProvider({
    client: { baseUrl: "http://unused.invalid", token: "" },
    clients: market.clients,
    displayName: "provider",
    priceMsats: 10_000n,
    caps: { memoryMibMax: 4096, diskMibMax: 4096, wallMsMax: 600_000n, concurrentJobsMax: 1 },
    sandbox: madeUpRunner(),
    toolchains: [node],
    dataDir: await temporaryFolder(t),
    signal: stop.signal,
    pause: endOnly,
    ...options,
    onEvent(event) {
      events.push(event);
      options.onEvent?.(event);
      if (event.type === "registered") resolve();
    },
  });
  t.after(async () => {
    stop.abort();
    await ended.catch(() => undefined);
  });
  await Promise.race([registered, ended]);
  return { events, ended, stop: () => stop.abort() };
}

const CHANGES = { "src/sum.js": FIXED, "test/sum.test.js": testFile("sum", "1") };

test("a job's legs run one after the other in their trees, and its folder is gone afterwards", async (t) => {
  const market = createProviderMarket();
  const dataDir = await temporaryFolder(t);
  const runner = madeUpRunner();
  await startProvider(t, market, { sandbox: runner, dataDir });
  const job = await smallJob(t, CHANGES, { byTests: false });
  const { result } = await market.offer(job, { repeats: 2, purpose: "adjudication" });
  const plan = await planOf(t, job);
  const guard = plan.guard.kind === "needed" ? plan.guard.tree : "";
  const once = [`base ${plan.baseTree} 1`, `patched ${plan.patchedTree} 0`, `guard ${guard} 0`];
  assert.deepEqual(
    result?.legs.map(({ leg, tree, commands }) => `${leg} ${tree} ${commands[0]?.exitCode}`),
    [...once, ...once],
  );
  assert.deepEqual(
    runner.trees.map((tree) => tree.split("/").at(-1)),
    ["base", "patched", "guard", "base", "patched", "guard"],
  );
  for (const { commands } of result?.legs ?? []) {
    for (const command of commands)
      assert.ok(market.artifacts.has(command.stdoutSha256), "outputs are stored");
  }
  assert.deepEqual(result?.environment.toolchains, [{ name: "node", version: process.versions.node }]);
  assert.deepEqual(await readdir(join(dataDir, "jobs")), []);
});

test("one that is told of a job asks for it at once; one that was not told asks later", async (t) => {
  const job = await smallJob(t, CHANGES);
  const told = createProviderMarket();
  await startProvider(t, told, { listen: { port: 0 } });
  const claims = () => told.calls.filter((name) => name === "claimJob").length;
  while (claims() === 0) await turn();
  for (let turns = 0; turns < 5; turns += 1) await turn();
  const reported = told.offer(job);
  assert.equal(claims(), 1);
  const [worker] = told.workers.values();
  const jobId = `job_${"1".repeat(32)}`;
  const body = JSON.stringify({
    job_id: jobId,
    worker_id: worker?.workerId,
    runtime_url: "http://x.invalid",
  });
  const { status } = await fetch(`${worker?.endpointUrl}/v1/sandbox_run`, {
    method: "POST",
    body,
    headers: {
      "x-idempotency-key": jobId,
      "x-openagents-signature": signHash(pushHash(body), RUNTIME_KEY).signature_hex,
    },
  });
  assert.equal(status, 202);
  assert.ok((await reported).result);

  const alone = createProviderMarket();
  const endpointUrl = "https://proxy.example/oa";
  await startProvider(t, alone, { listen: { port: 0, endpointUrl }, pause: noPause });
  assert.equal([...alone.workers.values()][0]?.endpointUrl, endpointUrl);
  assert.ok((await alone.offer(job)).result);
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("what the test runner reported is handed over by hash; nothing reported is no report", async (t) => {
  const market = createProviderMarket();
  const runner = madeUpRunner();
  await startProvider(t, market, {
    sandbox: {
      ...runner,
      async runCommands(request) {
        const outcome = await runner.runCommands(request);
        const collected = new Map([["a", Buffer.from("words")]]);
        return request.tree.endsWith("base") ? outcome : { ...outcome, collected };
      },
    },
  });
  const { result } = await market.offer(await smallJob(t, { "src/sum.js": FIXED }));
  const [base, patched] = result?.legs ?? [];
  assert.equal(base?.reportSha256, undefined);
  assert.ok(market.artifacts.has(patched?.reportSha256 ?? ""));
});

test("what cannot be done is reported as a failure with its code, never as a result", async (t) => {
  const broken = (error: Error): LegRunner => ({
    ...madeUpRunner(),
    runCommands: () => Promise.reject(error),
  });
  const unavailable = new SandboxError("sandbox_unavailable", "no bwrap");
  for (const [options, code] of [
    [{ toolchains: [] }, "toolchain_missing"],
    [{ toolchains: [{ name: "node", version: "18.20.1", prefix: "/" }] }, "toolchain_missing"],
    [{ sandbox: broken(unavailable) }, "sandbox_unavailable"],
    [{ sandbox: broken(new Error("surprise in /root/secret")) }, "provider_error"],
  ] as const) {
    const market = createProviderMarket();
    const { events, stop, ended } = await startProvider(t, market, options);
    const report = await market.offer(await smallJob(t, CHANGES));
    assert.equal(report.failure?.code, code);
    assert.equal(report.result, undefined);
    assert.doesNotMatch(report.failure?.detail ?? "", /secret/);
    stop();
    await ended;
    assert.ok(events.some((event) => event.type === "job_reported" && event.code === code));
  }
});

test("a job that is not what its own inputs say is refused by name", async (t) => {
  const market = createProviderMarket();
  await startProvider(t, market);
  const job = await smallJob(t, CHANGES);
  const swapped = { ...job, inputs: new Map([...job.inputs.keys()].map((key) => [key, Buffer.from("x")])) };
  assert.equal((await market.offer(swapped)).failure?.code, "input_hash_mismatch");
  const asked = async (change: Partial<typeof job.spec>) =>
    (await market.offer({ ...job, spec: { ...job.spec, ...change } })).failure?.code;
  assert.equal(await asked({ guardPaths: [] }), "classification_differs");
  assert.equal(await asked({ configSha256: "0".repeat(64) }), "config_mismatch");
  assert.equal(await asked({ baseTree: "0".repeat(40) }), "base_mismatch");
  market.artifacts.clear();
  const nothing = { ...job, inputs: new Map<string, Buffer>() };
  assert.equal((await market.offer(nothing)).failure?.code, "input_unavailable");
});

test("after a job that went wrong the next one is served", async (t) => {
  const market = createProviderMarket();
  let runs = 0;
  const runner = madeUpRunner();
  const { events, stop, ended } = await startProvider(t, market, {
    sandbox: {
      ...runner,
      runCommands: (request) =>
        (runs += 1) === 1 ? Promise.reject(new Error("x")) : runner.runCommands(request),
    },
  });
  const job = await smallJob(t, CHANGES);
  assert.equal((await market.offer(job)).failure?.code, "provider_error");
  assert.equal((await market.offer(job)).result?.legs.length, 3);
  stop();
  await ended;
  assert.deepEqual(
    events.filter((event) => event.type === "job_reported").map((event) => event.outcome),
    ["failure", "result"],
  );
});

test("a runtime that is away is waited for", async (t) => {
  const market = createProviderMarket();
  market.disturb("registerWorker", unreachable(), 3);
  const { events } = await startProvider(t, market, { pause: noPause });
  market.disturb("claimJob", unreachable(), 3);
  const job = await smallJob(t, CHANGES);
  await market.offer(job);
  assert.equal((await market.offer(job)).failure, undefined);
  const troubles = events.filter((event) => event.type === "trouble").map((event) => event.retryMs);
  assert.ok(troubles.length >= 5);
  assert.ok((troubles[2] ?? 0) > (troubles[0] ?? 0), "the waits grow");
});

test("a claim whose answer was lost is repeated under its key, which finds the job again", async (t) => {
  const market = createProviderMarket();
  market.disturb("claimJob", unreachable(), 3);
  await startProvider(t, market, { pause: noPause });
  const job = await smallJob(t, CHANGES);
  await market.offer(job);
  market.disturb("claimJob", refused(403, "concurrent_jobs_max"), 1);
  await market.offer(job);
  const [first, ...keys] = market.claimKeys;
  assert.deepEqual(keys.slice(0, 3), [first, first, first]);
  assert.equal(new Set(keys.slice(2)).size, keys.length - 2, "what was answered or refused is asked anew");
});

test("a runtime that is away while a job is done costs neither the job nor its report", async (t) => {
  const market = createProviderMarket();
  for (const method of ["getArtifact", "putArtifact", "submitResult"])
    market.disturb(method, unreachable(), 10);
  const { events } = await startProvider(t, market, { pause: noPause });
  const { result, failure } = await market.offer(await smallJob(t, CHANGES));
  assert.deepEqual([failure, result?.legs.length], [undefined, 3]);
  assert.equal(market.reports.length, 1);
  assert.equal(events.filter((event) => event.type === "job_lost").length, 0);
});

test("a refused registration ends the provider at once", async (t) => {
  const market = createProviderMarket();
  const error = new ProblemError({ status: 401, code: "token_invalid", detail: "The token is not valid." });
  market.disturb("registerWorker", error);
  await assert.rejects(startProvider(t, market), { code: "token_invalid" });
});

test("a restarted provider is the same worker; on another stack it becomes a new one", async (t) => {
  const dataDir = await temporaryFolder(t);
  const market = createProviderMarket();
  const first = await startProvider(t, market, { dataDir });
  first.stop();
  const { workerId } = await first.ended;
  const second = await startProvider(t, market, { dataDir });
  second.stop();
  assert.equal((await second.ended).workerId, workerId);
  assert.equal(market.workers.size, 1);
  const elsewhere = await startProvider(t, createProviderMarket(), { dataDir });
  elsewhere.stop();
  assert.equal((await elsewhere.ended).reason, "stopped");
  assert.equal((await stat(join(dataDir, "worker-id"))).mode & 0o077, 0);
});

for (const reason of ["worker_disabled", "worker_quarantined", "worker_stopped"]) {
  test(`a provider whose claim is refused as ${reason} ends with that reason`, async (t) => {
    const market = createProviderMarket();
    market.disturb("claimJob", refused(403, reason));
    const { ended } = await startProvider(t, market);
    assert.equal((await ended).reason, reason);
  });
}

test("a disabled worker stops, and does not say that it stopped by itself", async (t) => {
  const market = createProviderMarket();
  market.disturb("claimJob", refused(403, "worker_disabled"));
  const { ended } = await startProvider(t, market);
  assert.equal((await ended).reason, "worker_disabled");
  assert.ok(!market.calls.includes("stopWorker"));
});

test("a worker that is disabled at its heartbeat drops the job that it holds", async (t) => {
  const market = createProviderMarket();
  let gaveUp: unknown;
  const { ended } = await startProvider(t, market, {
    pause: noPause,
    sandbox: {
      ...madeUpRunner(),
      async runCommands({ signal }) {
        market.disturb("heartbeatWorker", refused(403, "worker_disabled"));
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        gaveUp = signal?.reason;
        throw gaveUp;
      },
    },
  });
  void market.offer(await smallJob(t, CHANGES));
  assert.equal((await ended).reason, "worker_disabled");
  assert.notEqual(gaveUp, undefined);
});

test("a stopped provider says so, and gives its job back as a failure", async (t) => {
  const market = createProviderMarket();
  let stop = () => {};
  const provider = await startProvider(t, market, {
    sandbox: {
      ...madeUpRunner(),
      async runCommands({ signal }) {
        stop();
        signal?.throwIfAborted();
        throw new Error("it goes on");
      },
    },
  });
  stop = provider.stop;
  const report = await market.offer(await smallJob(t, CHANGES));
  assert.equal(report.failure?.code, "provider_stopped");
  const { reason, workerId } = await provider.ended;
  assert.equal(reason, "stopped");
  assert.equal(market.workers.get(workerId)?.status, "stopped");
});

test("a provider that cannot say that it stops ends all the same", async (t) => {
  const market = createProviderMarket();
  const { ended, stop } = await startProvider(t, market);
  market.disturb("stopWorker", unreachable());
  stop();
  assert.equal((await ended).reason, "stopped");
});

test("a provider sweeps what a killed one left", async (t) => {
  const dataDir = await temporaryFolder(t);
  await mkdir(join(dataDir, "jobs", "job_left"), { recursive: true });
  await startProvider(t, createProviderMarket(), { dataDir });
  assert.deepEqual(await readdir(dataDir), ["worker-id"]);
});

test("a provider that ends gently says so at once, and finishes the job that it holds", async (t) => {
  const market = createProviderMarket();
  const drain = new AbortController();
  const stopped = Promise.withResolvers<void>();
  market.before("stopWorker", () => stopped.resolve());
  const runner = madeUpRunner();
  const { ended } = await startProvider(t, market, {
    drain: drain.signal,
    sandbox: {
      ...runner,
      async runCommands(request) {
        drain.abort();
        await stopped.promise;
        return runner.runCommands(request);
      },
    },
  });
  const report = await market.offer(await smallJob(t, CHANGES));
  assert.equal(report.result?.legs.length, 3);
  assert.equal((await ended).reason, "stopped");
});

test("a lost lease or a canceled job stops the work and reports nothing", async (t) => {
  for (const reason of ["lease_lapsed", "job_canceled"]) {
    const market = createProviderMarket();
    const lost = Promise.withResolvers<unknown>();
    const told = Promise.withResolvers<void>();
    await startProvider(t, market, {
      pause: noPause,
      onEvent: (event) => event.type === "job_lost" && told.resolve(),
      sandbox: {
        ...madeUpRunner(),
        async runCommands({ signal }) {
          market.disturb("renewLease", refused(409, reason));
          await new Promise((resolve) => signal?.addEventListener("abort", resolve));
          lost.resolve(signal?.reason);
          throw signal?.reason;
        },
      },
    });
    void market.offer(await smallJob(t, CHANGES));
    const gaveUp = await lost.promise;
    assert.equal(gaveUp instanceof Error && "code" in gaveUp && gaveUp.code, "lease_lost");
    await told.promise;
    assert.deepEqual(market.reports, []);
  }
});

const sandbox = await createSandbox().catch((error: unknown) => {
  if (error instanceof SandboxError && error.code === "sandbox_unavailable") return undefined;
  throw error;
});

function isAlive(mark: string): boolean {
  return readdirSync("/proc").some((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "latin1").includes(mark);
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

test(
  "when a lease is lost, nothing of the job is alive any more",
  { skip: sandbox === undefined },
  async (t) => {
    if (sandbox === undefined) return;
    const market = createProviderMarket();
    // A length of sleep that no other process asks for.
    const mark = `7${process.pid}.25`;
    const told = Promise.withResolvers<void>();
    const jobs = { renewals: 0 };
    market.before("renewLease", () => {
      jobs.renewals += 1;
      if (isAlive(mark)) market.disturb("renewLease", refused(409, "job_canceled"));
    });
    await startProvider(t, market, {
      pause: noPause,
      sandbox,
      onEvent: (event) => event.type === "job_lost" && told.resolve(),
    });
    const spec = { commands: [`sleep ${mark} & sleep ${mark}`] };
    void market.offer(await smallJob(t, CHANGES, { byTests: false, spec }));
    await told.promise;
    assert.ok(jobs.renewals > 0);
    assert.equal(isAlive(mark), false);
    assert.deepEqual(market.reports, []);
  },
);
