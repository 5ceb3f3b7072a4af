import assert from "node:assert/strict";
import { test } from "node:test";
import { exportOutcomeValues, exportStatusValues, type ExportStatus } from "@openagents/contracts";
import fc from "fast-check";
import { decideBegin, decideOutcome, markerOf, type Reported } from "./export.ts";

const REPORTED: Reported = { outcome: "succeeded", url: "https://forge/1", detail: undefined };

test("begin and outcome of every status are as the table says", () => {
  const begins = {
    pending: undefined,
    failed: undefined,
    unknown: "export_unknown",
    succeeded: "export_succeeded",
  };
  const outcomes = {
    pending: { succeeded: "succeeded", failed: "failed", absent: "same" },
    unknown: { succeeded: "succeeded", failed: "failed", absent: "pending" },
    failed: { succeeded: "succeeded", failed: "failed", absent: "export_not_begun" },
    succeeded: { succeeded: "export_succeeded", failed: "export_succeeded", absent: "export_succeeded" },
  };
  for (const status of exportStatusValues) {
    assert.equal(decideBegin({ status }), begins[status], status);
    for (const outcome of exportOutcomeValues) {
      const decision = decideOutcome({ status, url: undefined, detail: "other" }, { ...REPORTED, outcome });
      const told =
        decision.kind === "changed" ? decision.status : decision.kind === "same" ? "same" : decision.reason;
      assert.equal(told, outcomes[status][outcome], `${status} ${outcome}`);
    }
  }
});

test("the same outcome again is no change, and another word on what succeeded is refused", () => {
  const done = { status: "succeeded", url: "https://forge/1", detail: undefined } as const;
  assert.deepEqual(decideOutcome(done, REPORTED), { kind: "same" });
  const other = decideOutcome(done, { ...REPORTED, url: "https://forge/2" });
  assert.deepEqual(other, { kind: "refused", reason: "export_succeeded" });
});

test("whatever is asked in whatever order, nothing is sent twice without a word that the first is not there", () => {
  const anyStep = fc.constantFrom("begin", ...exportOutcomeValues);
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      let status: ExportStatus = "pending";
      let maybeThere = false;
      for (const step of steps) {
        if (step === "begin") {
          if (decideBegin({ status }) !== undefined) continue;
          assert.ok(!maybeThere, "sent twice");
          maybeThere = true;
          status = "unknown";
          continue;
        }
        const decision = decideOutcome(
          { status, url: undefined, detail: undefined },
          { ...REPORTED, outcome: step },
        );
        if (decision.kind !== "changed") continue;
        // Absent and failed are words that it is not there.
        maybeThere = step === "succeeded";
        status = decision.status;
      }
    }),
  );
});

test("a marker is of one run, kind and target", () => {
  const one = { runId: "run_a", kind: "pull_request", target: "forge/o/r" } as const;
  const others = [
    { ...one, runId: "run_b" },
    { ...one, kind: "status_comment" as const },
    { ...one, target: "x" },
  ];
  assert.equal(new Set([one, one, ...others].map(markerOf)).size, 4);
  assert.match(markerOf(one), /^oa-export-[0-9a-f]{32}$/);
});
