import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Agent } from "@openagents/agent";
import { STEPS, verifyBundle, type Progress } from "../src/index.ts";
import { OPERATOR_KEY, createFakeRuntime, refused, unreachable, type FakeRuntime } from "./fake-runtime.ts";
import { buy, demoIn, fixedRunner, noPause, plainRunner, startProvider } from "./scenario.ts";

function statuses(runtime: FakeRuntime): string[] {
  return [...runtime.reservations.values()].map((reservation) => reservation.status);
}

async function claimsOf(bundleDir: string | undefined): Promise<Record<string, string>> {
  assert.ok(bundleDir !== undefined, "a bundle is written");
  const { claims } = await verifyBundle(bundleDir, { operatorKeys: [OPERATOR_KEY] });
  for (const claim of claims) assert.notEqual(claim.state, "fails", `${claim.name}: ${claim.detail}`);
  return Object.fromEntries(claims.map((claim) => [claim.name, claim.state]));
}

test("the demo's issue becomes a proven, credited and verifiable bundle", async (t) => {
  const runtime = createFakeRuntime();
  const { events } = await startProvider(t, runtime, { sandbox: plainRunner });
  const progress: Progress[] = [];
  const outcome = await buy(t, runtime, { onProgress: (news) => progress.push(news) });

  assert.equal(outcome.problem, undefined);
  assert.deepEqual(
    [
      outcome.status,
      outcome.verdict,
      outcome.baseExitCode,
      outcome.patchedExitCode,
      outcome.settlementStatus,
    ],
    ["succeeded", "proven", 1, 0, "released"],
  );
  assert.deepEqual([outcome.amountMsats, outcome.operatorFeeMsats], [10_000n, 50n]);
  assert.deepEqual(statuses(runtime), ["released"]);
  assert.deepEqual(
    events.map((event) => event.type),
    ["registered", "job_claimed", "job_reported"],
  );

  const done = progress.filter((news) => news.state === "done").map((news) => news.step);
  assert.deepEqual(done, STEPS, "each step is told, in order");
  const claims = await claimsOf(outcome.bundleDir);
  assert.deepEqual([...new Set(Object.values(claims))], ["holds"]);
  const summary = await readFile(join(outcome.bundleDir ?? "", "PR_SUMMARY.md"), "utf8");
  assert.match(summary, /reported by provider/);
  assert.doesNotMatch(summary, /is verified|paid/);
});

test("what the agent does is in the run's log as it happens", async (t) => {
  const runtime = createFakeRuntime();
  await startProvider(t, runtime, { sandbox: fixedRunner(1, 0) });
  await buy(t, runtime);
  assert.deepEqual(runtime.eventTypes(), [
    "run.started",
    "issue.claimed",
    "agent.message",
    "agent.message",
    "agent.tool_call",
    "agent.file_change",
    "agent.message",
    "quote.selected",
    "budget.reserved",
    "job.dispatched",
    "job.reported",
    "verification.recorded",
    "payment.released",
    "run.finished",
  ]);
});

test("a patch that does not pass is not credited, and its bundle says so", async (t) => {
  for (const [base, patched, verdict] of [
    [1, 1, "failed"],
    [0, 0, "passed_only"],
    [127, 0, "inconclusive"],
  ] as const) {
    const runtime = createFakeRuntime();
    await startProvider(t, runtime, { sandbox: fixedRunner(base, patched) });
    const outcome = await buy(t, runtime);
    assert.deepEqual([outcome.status, outcome.verdict, outcome.amountMsats], ["failed", verdict, 0n]);
    assert.equal(outcome.problem?.code, `verdict_${verdict}`);
    assert.deepEqual(statuses(runtime), ["withheld"]);
    await claimsOf(outcome.bundleDir);
  }
});

test("nothing is reserved above the budget", async (t) => {
  const runtime = createFakeRuntime();
  await startProvider(t, runtime, { sandbox: fixedRunner(1, 0) });
  const exact = await buy(t, runtime, { budgetMsats: 10_049n });
  assert.equal(exact.problem?.code, "budget_exceeded");
  assert.deepEqual(statuses(runtime), []);
  const claims = await claimsOf(exact.bundleDir);
  assert.equal(claims["payment"], "not_checked");
});

test("a run without a provider, with a lost agent or with no change ends with a bundle and a named problem", async (t) => {
  const agent = (run: Agent["run"]): Agent => ({ name: "test agent", kind: "scripted", run });
  const idle = agent(async () => ({ kind: "finished", summary: "nothing to do" }));
  const lost = agent(async () => ({ kind: "gave_up", reason: "too hard" }));
  for (const [options, step, code] of [
    [{}, "quote", "no_eligible_provider"],
    [{ agent: idle }, "patch", "patch_empty"],
    [{ agent: lost }, "agent", "agent_gave_up"],
    [{ repo: "/nonexistent" }, "workspace", "repository_not_found"],
  ] as const) {
    const outcome = await buy(t, createFakeRuntime(), options);
    assert.equal(outcome.status, "failed");
    assert.deepEqual([outcome.problem?.step, outcome.problem?.code], [step, code]);
    await claimsOf(outcome.bundleDir);
  }
});

test("an answer that is lost and asked for again spends nothing twice", async (t) => {
  const runtime = createFakeRuntime();
  await startProvider(t, runtime, { sandbox: fixedRunner(1, 0) });
  runtime.disturb("reserveCompute", { happens: true, error: unreachable() });
  const outcome = await buy(t, runtime);
  assert.deepEqual([outcome.status, outcome.problem?.step], ["failed", "reserve"]);
  assert.deepEqual(statuses(runtime), ["voided"], "the money that was set aside unseen is given back");
  await claimsOf(outcome.bundleDir);
});

test("a dispatch whose answer is lost is closed: the job is canceled and the money back", async (t) => {
  const runtime = createFakeRuntime();
  const provider = await startProvider(t, runtime);
  provider.stop();
  await provider.ended;
  runtime.disturb("dispatchSandboxRun", { happens: true, error: unreachable() });
  const outcome = await buy(t, runtime);
  assert.equal(outcome.problem?.step, "job");
  assert.deepEqual(statuses(runtime), ["voided"]);
  assert.deepEqual(
    [...runtime.jobs.values()].map((job) => job.status),
    ["canceled"],
  );
  await claimsOf(outcome.bundleDir);
});

test("a poll that fails for a moment does not end the run", async (t) => {
  const runtime = createFakeRuntime();
  await startProvider(t, runtime, { sandbox: fixedRunner(1, 0) });
  runtime.disturb("getJob", { happens: false, error: unreachable(), times: 3 });
  assert.equal((await buy(t, runtime)).status, "succeeded");
});

test("canceling gives the money back when no provider has the job, and still writes the bundle", async (t) => {
  const runtime = createFakeRuntime();
  const provider = await startProvider(t, runtime);
  provider.stop();
  await provider.ended;
  const cancel = new AbortController();
  runtime.before("getJob", () => cancel.abort());
  const outcome = await buy(t, runtime, { signal: cancel.signal });
  assert.deepEqual(
    [outcome.status, outcome.problem?.code, outcome.problem?.step],
    ["canceled", "canceled", "job"],
  );
  assert.deepEqual(statuses(runtime), ["voided"]);
  await claimsOf(outcome.bundleDir);
});

test("canceling while a provider works settles what it reports in time", async (t) => {
  const runtime = createFakeRuntime();
  const cancel = new AbortController();
  const slow = { ...fixedRunner(1, 0) };
  await startProvider(t, runtime, {
    sandbox: {
      ...slow,
      async runCommands(request) {
        cancel.abort();
        for (let turn = 0; turn < 50; turn += 1) await noPause(0, cancel.signal);
        return slow.runCommands(request);
      },
    },
  });
  const outcome = await buy(t, runtime, { signal: cancel.signal });
  assert.deepEqual([outcome.status, outcome.settlementStatus], ["canceled", "released"]);
  assert.equal(outcome.openReservation, undefined);
  await claimsOf(outcome.bundleDir);
});

test("money that a working provider still holds is named as open", async (t) => {
  const runtime = createFakeRuntime();
  const cancel = new AbortController();
  const stuck: Promise<never> = new Promise(() => {});
  await startProvider(t, runtime, {
    sandbox: {
      ...plainRunner,
      runCommands({ signal }) {
        cancel.abort();
        const stopped = new Promise<never>((_, reject) => {
          signal?.addEventListener("abort", () => reject(new Error("stopped")));
        });
        return Promise.race([stuck, stopped]);
      },
    },
  });
  let nowMs = 0;
  const clock = () => (cancel.signal.aborted ? (nowMs += 1_000) : nowMs);
  const outcome = await buy(t, runtime, { signal: cancel.signal, nowMs: clock });
  assert.equal(outcome.status, "canceled");
  assert.equal(outcome.openReservation?.status, "reserved");
  await claimsOf(outcome.bundleDir);
});

test("money is given back as soon as a provider has lost the job, however often that was refused before", async (t) => {
  const runtime = createFakeRuntime();
  const cancel = new AbortController();
  await startProvider(t, runtime, {
    sandbox: {
      ...plainRunner,
      async runCommands({ signal }) {
        cancel.abort();
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        throw new Error("stopped");
      },
    },
  });
  let looks = 0;
  runtime.before("getJob", () => {
    looks += cancel.signal.aborted ? 1 : 0;
    const [job] = runtime.jobs.values();
    // The lease lapses while the run is being closed; the provider does not come back for the job.
    if (looks === 2 && job !== undefined) {
      runtime.jobs.set(job.jobId, { ...job, status: "queued", providerWorkerId: "wrk_gone" });
    }
  });
  const outcome = await buy(t, runtime, { signal: cancel.signal, nowMs: () => 0 });
  assert.deepEqual([outcome.status, outcome.openReservation], ["canceled", undefined]);
  assert.deepEqual(statuses(runtime), ["voided"]);
});

test("a job that nobody takes is given up and its money given back", async (t) => {
  const runtime = createFakeRuntime();
  const provider = await startProvider(t, runtime);
  provider.stop();
  await provider.ended;
  let nowMs = 0;
  const outcome = await buy(t, runtime, { nowMs: () => (nowMs += 10_000) });
  assert.equal(outcome.problem?.code, "job_stuck");
  assert.deepEqual(statuses(runtime), ["voided"]);
});

test("a bundle that cannot be sealed is a problem of its own and leaves no half bundle", async (t) => {
  const runtime = createFakeRuntime();
  await startProvider(t, runtime, { sandbox: fixedRunner(1, 0) });
  runtime.disturb("sealBundle", { happens: false, error: refused(409, "bundle_already_sealed") });
  const { repo } = await demoIn(t);
  const sessionsDir = join(repo, "sessions");
  const outcome = await buy(t, runtime, { sessionsDir });
  assert.deepEqual(
    [outcome.status, outcome.problem?.step, outcome.problem?.code],
    ["succeeded", "bundle", "bundle_already_sealed"],
  );
  assert.equal(outcome.bundleDir, undefined);
  assert.deepEqual(await readdir(sessionsDir).catch(() => []), []);
});
