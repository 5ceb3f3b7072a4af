import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  LEASE_MS,
  LOST_AFTER_MS,
  RENEW_EVERY_MS,
  decideAcquire,
  decideLost,
  decideRelease,
  decideRenew,
  type ExecutorDecision,
} from "./executor.ts";
import { decideAppend, type Executor } from "./run.ts";
import { NOW, run } from "./run-fixture.ts";

test("a lease outlives two renewals that did not arrive", () => {
  assert.ok(2 * RENEW_EVERY_MS < LEASE_MS);
});

test("the first executor gets epoch 1, and the log says so", () => {
  assert.deepEqual(decideAcquire(run({}), "exe_a", NOW), {
    executor: held("exe_a", 1n, NOW + LEASE_MS),
    drafts: [{ eventType: "run.executor_acquired", payload: { executor_id: "exe_a", epoch: 1 } }],
  });
});

test("a lease that lives is nobody else's, and one that lapsed is taken over with a greater epoch", () => {
  const mine = run({ executor: held("exe_a", 4n, NOW) });
  assert.deepEqual(decideAcquire(mine, "exe_b", NOW - 1), { refused: "executor_held" });
  assert.deepEqual(decideAcquire(mine, "exe_b", NOW), {
    executor: held("exe_b", 5n, NOW + LEASE_MS),
    drafts: [
      { eventType: "run.executor_lost", payload: { executor_id: "exe_a", epoch: 4 } },
      { eventType: "run.executor_acquired", payload: { executor_id: "exe_b", epoch: 5 } },
    ],
  });
});

test("the holder that acquires again, in time or late, keeps its epoch and writes nothing", () => {
  for (const nowMs of [NOW - 1, NOW + 60_000]) {
    const decision = decideAcquire(run({ executor: held("exe_a", 4n, NOW) }), "exe_a", nowMs);
    assert.deepEqual(decision, { executor: held("exe_a", 4n, nowMs + LEASE_MS), drafts: [] });
  }
});

test("a loss is told once, some time after the lease lapsed, and coming back is told too", () => {
  const mine = run({ executor: held("exe_a", 4n, NOW) });
  assert.equal(decideLost(mine, NOW + LOST_AFTER_MS - 1), undefined);
  assert.deepEqual(decideLost(mine, NOW + LOST_AFTER_MS), {
    executor: held("exe_a", 4n, NOW, true),
    drafts: [{ eventType: "run.executor_lost", payload: { executor_id: "exe_a", epoch: 4 } }],
  });
  const lost = run({ executor: held("exe_a", 4n, NOW, true) });
  assert.equal(decideLost(lost, NOW + 3 * LOST_AFTER_MS), undefined);
  assert.equal(decideLost(run({ status: "failed", executor: held("exe_a", 4n, NOW) }), NOW * 2), undefined);
  assert.equal(decideLost(run({}), NOW * 2), undefined);

  const returned = {
    executor: held("exe_a", 4n, NOW + LEASE_MS),
    drafts: [{ eventType: "run.executor_returned", payload: { executor_id: "exe_a", epoch: 4 } }],
  };
  assert.deepEqual(decideRenew(lost, "exe_a", 4n, NOW), returned);
  assert.deepEqual(decideAcquire(lost, "exe_a", NOW), returned);
  assert.deepEqual(decideAcquire(lost, "exe_b", NOW), {
    executor: held("exe_b", 5n, NOW + LEASE_MS),
    drafts: [{ eventType: "run.executor_acquired", payload: { executor_id: "exe_b", epoch: 5 } }],
  });
});

test("a finished run refuses before it looks at the lease", () => {
  const ended = run({ status: "failed", executor: held("exe_a", 1n, NOW + 1) });
  assert.deepEqual(decideAcquire(ended, "exe_b", NOW), { refused: "run_finished" });
  assert.deepEqual(decideRenew(ended, "exe_b", 1n, NOW), { refused: "run_finished" });
});

test("only the holder of the latest epoch renews or releases", () => {
  const mine = run({ executor: held("exe_a", 2n, NOW) });
  for (const [executorId, epoch] of [
    ["exe_b", 2n],
    ["exe_a", 1n],
    ["exe_a", 3n],
  ] as const) {
    assert.deepEqual(decideRenew(mine, executorId, epoch, NOW), { refused: "executor_fenced" });
    assert.equal(decideRelease(mine, executorId, epoch), undefined);
  }
  assert.deepEqual(decideRenew(mine, "exe_a", 2n, NOW), {
    executor: held("exe_a", 2n, NOW + LEASE_MS),
    drafts: [],
  });
  assert.deepEqual(decideRelease(mine, "exe_a", 2n), { epoch: 2n, lease: undefined });
});

test("a log with an executor takes events of its epoch only, and requests to cancel from anyone", () => {
  const message = { eventType: "agent.message", payload: {} };
  const cancel = { eventType: "run.cancel_requested", payload: {} };
  const fenced = { refused: "executor_fenced" };
  const mine = run({ executor: held("exe_a", 2n, NOW) });
  assert.deepEqual(decideAppend(mine, message, undefined, 2n), { status: "running" });
  for (const epoch of [undefined, 1n, 3n])
    assert.deepEqual(decideAppend(mine, message, undefined, epoch), fenced);
  assert.deepEqual(decideAppend(mine, cancel, undefined), { status: "canceling" });
  assert.deepEqual(decideAppend(mine, cancel, undefined, 1n), fenced);

  const released = run({ executor: { epoch: 2n, lease: undefined } });
  for (const epoch of [undefined, 1n, 2n, 3n])
    assert.deepEqual(decideAppend(released, message, undefined, epoch), fenced);

  assert.deepEqual(decideAppend(run({}), message, undefined), { status: "running" });
  assert.deepEqual(decideAppend(run({}), message, undefined, 1n), fenced);
});

test("callers append the lifecycle of a run, and nothing about its executor", () => {
  for (const eventType of ["run.executor_lost", "run.executor_acquired", "run.executor_x"]) {
    const decision = decideAppend(run({}), { eventType, payload: {} }, undefined);
    assert.deepEqual(decision, { refused: "event_type_reserved" });
  }
  for (const eventType of ["run.started", "run.executors", "run.note"]) {
    assert.deepEqual(decideAppend(run({}), { eventType, payload: {} }, undefined), { status: "running" });
  }
});

test("whatever executors do, and whenever: one lives at a time, and epochs only grow", () => {
  const anyExecutor = fc.constantFrom("exe_a", "exe_b", "exe_c");
  const anyStep = fc.record({
    act: fc.constantFrom("acquire", "renew", "release"),
    executorId: anyExecutor,
    back: fc.bigInt({ min: 0n, max: 2n }),
    afterMs: fc.integer({ min: 0, max: 2 * LEASE_MS }),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      let current = run({});
      let nowMs = NOW;
      for (const { act, executorId, back, afterMs } of steps) {
        nowMs += afterMs;
        const before = current.executor;
        const epoch = before.epoch - back;
        const after =
          act === "release"
            ? (decideRelease(current, executorId, epoch) ?? before)
            : executorOf(
                before,
                act === "acquire"
                  ? decideAcquire(current, executorId, nowMs)
                  : decideRenew(current, executorId, epoch, nowMs),
              );
        assert.ok(after.epoch >= before.epoch);
        const lived = before.lease !== undefined && nowMs < before.lease.expiresAtMs;
        const changedHands = after.lease !== undefined && after.lease.executorId !== before.lease?.executorId;
        if (changedHands) {
          assert.ok(!lived, "nobody loses a lease that lives");
          assert.equal(after.epoch, before.epoch + 1n);
        }
        current = { ...current, executor: after };
      }
    }),
  );
});

function executorOf(before: Executor, decision: ExecutorDecision): Executor {
  return "refused" in decision ? before : decision.executor;
}

function held(executorId: string, epoch: bigint, expiresAtMs: number, lost = false): Executor {
  return { epoch, lease: { executorId, expiresAtMs, lost } };
}
