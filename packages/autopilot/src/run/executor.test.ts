import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError, type Run } from "@openagents/contracts";
import { holdRun, type HoldDeps } from "./executor.ts";

const RUN_ID = `run_${"0".repeat(32)}`;

function refused(reason: string): ProblemError {
  return new ProblemError({ status: 409, code: "refused_state", reason, detail: `Refused: ${reason}.` });
}

/** A lease that answers what the test says, and a clock that the waits move. */
function lease(answers: { acquire?: () => void; renew?: () => void; status?: () => Run["status"] } = {}) {
  const keys: (string | undefined)[] = [];
  let nowMs = 0;
  let released = 0;
  const renewals = Promise.withResolvers<void>();
  const expiring = { executorId: "exe", epoch: 7n, expiresAt: 0, renewEveryMs: 10_000n };
  const deps: HoldDeps = {
    runs: {
      async acquireExecutor(_, options) {
        keys.push(options?.idempotencyKey);
        answers.acquire?.();
        return { lease: expiring };
      },
      async renewExecutor() {
        renewals.resolve();
        answers.renew?.();
        return { lease: expiring };
      },
      async releaseExecutor() {
        released += 1;
        return { runId: RUN_ID };
      },
      async getRun() {
        return { run: { ...RUN, status: answers.status?.() ?? "running" } };
      },
    },
    nowMs: () => nowMs,
    async pause(ms, signal) {
      nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      return !signal.aborted;
    },
  };
  return { deps, keys, renewed: renewals.promise, released: () => released };
}

const RUN: Run = {
  runId: RUN_ID,
  org: "org_a",
  createdBy: "usr_a",
  status: "running",
  metadata: {},
  latestSeq: 1n,
  trajectoryHash: "",
  createdAt: 0,
  updatedAt: 0,
};

const never = new AbortController().signal;
const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });

test("a held lease is waited for, each time with a fresh key, and what holds it is told", async () => {
  let tries = 0;
  const { deps, keys, released } = lease({
    acquire() {
      tries += 1;
      if (tries < 3) throw refused("executor_held");
    },
  });
  const told: string[] = [];
  const hold = await holdRun(deps, RUN_ID, never, (detail) => told.push(detail));
  assert.equal(hold.epoch, 7n);
  assert.equal(new Set(keys).size, 3);
  assert.deepEqual(told, ["Refused: executor_held.", "Refused: executor_held."]);
  await hold.release();
  assert.equal(released(), 1);
});

test("a lease that never lapses is given up after a bounded wait", async () => {
  const { deps } = lease({
    acquire() {
      throw refused("executor_held");
    },
  });
  await assert.rejects(
    holdRun(deps, RUN_ID, never, () => undefined),
    { code: "executor_held" },
  );
  await assert.rejects(
    holdRun(deps, RUN_ID, never, () => undefined, 0),
    { code: "executor_held" },
  );
});

test("who is fenced is told at once, and may spend nothing", async () => {
  const { deps } = lease({
    renew() {
      throw refused("executor_fenced");
    },
  });
  const hold = await holdRun(deps, RUN_ID, never, () => undefined);
  const reason = await aborted(hold.signal);
  assert.ok(reason instanceof Error && "code" in reason && reason.code === "executor_fenced");
  await assert.rejects(hold.assertHeld(never), { code: "executor_fenced" });
  await hold.release();
});

test("a runtime that is away costs nobody the lease", async () => {
  let renewals = 0;
  const { deps } = lease({
    renew() {
      renewals += 1;
      if (renewals < 5) throw new ProblemError({ status: 503, code: "unreachable", detail: "away" });
    },
    status: () => "canceling",
  });
  const hold = await holdRun(deps, RUN_ID, never, () => undefined);
  const reason = await aborted(hold.signal);
  assert.ok(renewals >= 5);
  assert.ok(reason instanceof Error && "code" in reason && reason.code === "cancel_requested");
  await hold.release();
});

test("the end of a run does not look like a lost lease", async () => {
  let finished = false;
  const { deps, renewed } = lease({
    renew() {
      if (finished) throw refused("run_finished");
    },
  });
  const hold = await holdRun(deps, RUN_ID, never, () => undefined);
  await renewed;
  finished = true;
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(hold.signal.aborted, false);
  await hold.release();
});

test("a finished run has nothing to hold", async () => {
  const { deps, released } = lease({
    acquire() {
      throw refused("run_finished");
    },
  });
  const hold = await holdRun(deps, RUN_ID, never, () => undefined);
  assert.equal(hold.epoch, 0n);
  await hold.release();
  assert.equal(released(), 0);
});
