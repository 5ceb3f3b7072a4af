import assert from "node:assert/strict";
import { test } from "node:test";
import { runStatusValues, type RunStatus } from "@openagents/contracts";
import fc from "fast-check";
import { appendEvents, decideAppend, isFinished, type EventDraft } from "./run.ts";
import { NOW, run } from "./run-fixture.ts";

test("every status takes exactly the lifecycle events of the table", () => {
  const drafts: Record<string, EventDraft> = {
    started: draft("run.started"),
    cancel: draft("run.cancel_requested"),
    succeeded: draft("run.finished", { status: "succeeded" }),
    failed: draft("run.finished", { status: "failed" }),
    canceled: draft("run.finished", { status: "canceled" }),
  };
  const table: Record<RunStatus, Record<string, string>> = {
    created: {
      started: "running",
      cancel: "canceling",
      succeeded: "✗",
      failed: "failed",
      canceled: "canceled",
    },
    running: {
      started: "running",
      cancel: "canceling",
      succeeded: "succeeded",
      failed: "failed",
      canceled: "canceled",
    },
    canceling: { started: "✗", cancel: "canceling", succeeded: "✗", failed: "failed", canceled: "canceled" },
    succeeded: { started: "✗", cancel: "✗", succeeded: "✗", failed: "✗", canceled: "✗" },
    failed: { started: "✗", cancel: "✗", succeeded: "✗", failed: "✗", canceled: "✗" },
    canceled: { started: "✗", cancel: "✗", succeeded: "✗", failed: "✗", canceled: "✗" },
  };
  for (const status of runStatusValues) {
    for (const [name, event] of Object.entries(drafts)) {
      const decision = decideAppend(run({ status }), event, undefined);
      assert.equal("status" in decision ? decision.status : "✗", table[status][name], `${status} × ${name}`);
    }
  }
});

test("no sequence of events ever leaves a terminal status", () => {
  const anyDraft = fc.constantFrom(
    draft("run.started"),
    draft("run.cancel_requested"),
    draft("agent.message"),
    draft("run.finished", { status: "succeeded" }),
    draft("run.finished", { status: "failed" }),
    draft("run.finished", { status: "canceled" }),
    draft("run.finished", { status: "nonsense" }),
  );
  fc.assert(
    fc.property(fc.array(anyDraft, { maxLength: 12 }), (drafts) => {
      let current = run({});
      for (const each of drafts) {
        const decision = decideAppend(current, each, undefined);
        if (isFinished(current.status)) assert.ok("refused" in decision);
        if ("status" in decision)
          current = appendEvents({ ...current, status: decision.status }, [each], NOW).run;
      }
    }),
  );
});

test("only the runtime's own commands write events about money, jobs and verdicts", () => {
  for (const eventType of [
    "payment",
    "payment.released",
    "verification.recorded",
    "receipt",
    "job.x",
    "budget.y",
  ]) {
    assert.deepEqual(decideAppend(run({}), draft(eventType), undefined), { refused: "event_type_reserved" });
  }
});

test("a finished run is reported as finished even when the number is wrong too", () => {
  const decision = decideAppend(run({ status: "failed" }), draft("agent.message"), 99n);
  assert.deepEqual(decision, { refused: "run_finished" });
});

test("an expected number that is not the last is refused, the last is taken", () => {
  const at3 = run({ latestSeq: 3n });
  assert.deepEqual(decideAppend(at3, draft("agent.message"), 2n), {
    refused: "expected_previous_seq_mismatch",
  });
  assert.deepEqual(decideAppend(at3, draft("agent.message"), 3n), { status: "running" });
});

test("any change of any event changes the trajectory hash, whether appended one by one or together", () => {
  const drafts = [draft("a.one", { n: 1 }), draft("a.two", { n: 2 }), draft("a.three", { n: 3 })];
  const together = appendEvents(run({}), drafts, NOW);
  let oneByOne = run({});
  for (const each of drafts) oneByOne = appendEvents(oneByOne, [each], NOW).run;
  assert.equal(oneByOne.trajectoryHash, together.run.trajectoryHash);
  assert.deepEqual(
    together.events.map((event) => event.seq),
    [1n, 2n, 3n],
  );
  for (const [index, each] of drafts.entries()) {
    const changed = drafts.with(index, { ...each, payload: { n: 9 } });
    assert.notEqual(appendEvents(run({}), changed, NOW).run.trajectoryHash, together.run.trajectoryHash);
  }
});

function draft(eventType: string, payload: EventDraft["payload"] = {}): EventDraft {
  return { eventType, payload };
}
