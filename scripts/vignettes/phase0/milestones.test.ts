import assert from "node:assert/strict";
import { test } from "node:test";
import { firstMissing, milestonesOf, receiptSchemaOf, type Happening } from "./milestones.ts";

test("receipts of workers and events of a run make one story by time, a worker's first at the same moment", () => {
  const story = milestonesOf(
    [
      happening(1, "openagents.runtime.worker_registered.v1", { caps: {} }),
      happening(7, "openagents.runtime.worker_disabled.v1"),
    ],
    [
      happening(1, "run.started"),
      happening(2, "issue.claimed"),
      happening(2, "quote.selected"),
      happening(3, "job.dispatched", { job_id: "job_1", purpose: "work" }),
      happening(7, "job.canceled", { job_id: "job_1" }),
    ],
  );
  assert.deepEqual(story, [
    "DeviceEnrolled",
    "CapsSet",
    "RunCreated",
    "IssueClaimed",
    "JobDispatched",
    "ProviderDisabled",
    "JobRejected",
  ]);
});

test("a second opinion's job is told apart from the bought one, and a verdict by what it says", () => {
  const story = milestonesOf(
    [],
    [
      happening(1, "job.dispatched", { job_id: "job_1" }),
      happening(2, "job.reported", { job_id: "job_1", purpose: "work", outcome: "reported" }),
      happening(3, "job.dispatched", { job_id: "job_2", purpose: "second_opinion" }),
      happening(3, "verification.second_opinion_requested", { job_id: "job_1" }),
      happening(4, "job.reported", { job_id: "job_2", purpose: "second_opinion", outcome: "failed" }),
      happening(5, "verification.recorded", { job_id: "job_1", verdict: "inconclusive" }),
      happening(6, "job.reported", { job_id: "job_3", outcome: "failed" }),
    ],
  );
  assert.deepEqual(story, [
    "JobDispatched",
    "JobCompleted",
    "SecondOpinionDispatched",
    "SecondOpinionRequested",
    "SecondOpinionCompleted",
    "VerificationFailed",
    "JobFailed",
  ]);
});

test("an expected order may have others between, and the first that is not in its place is named", () => {
  const happened = ["RunCreated", "IssueClaimed", "JobDispatched", "JobCompleted"] as const;
  assert.equal(firstMissing(happened, ["RunCreated", "JobDispatched"]), undefined);
  assert.equal(firstMissing(happened, ["JobDispatched", "IssueClaimed"]), "IssueClaimed");
  assert.equal(firstMissing(happened, ["JobDispatched", "JobDispatched"]), "JobDispatched");
  assert.equal(firstMissing([], ["RunCreated"]), "RunCreated");
});

test("a strike that quarantines is told as both, and an event's receipt is named by the same table", () => {
  const struck = "openagents.runtime.worker_struck.v1";
  const story = milestonesOf(
    [happening(1, struck, { quarantined: false }), happening(2, struck, { quarantined: true })],
    [happening(3, "job.reassigned"), happening(4, "forge.skipped")],
  );
  assert.deepEqual(story, [
    "ProviderStruck",
    "ProviderStruck",
    "ProviderQuarantined",
    "FallbackProviderUsed",
    "ForgeSkipped",
  ]);
  assert.equal(receiptSchemaOf("job.reassigned"), "openagents.runtime.fallback_provider_used.v1");
  assert.equal(receiptSchemaOf("issue.claimed"), undefined);
});

function happening(atMs: number, what: string, facts: Happening["facts"] = {}): Happening {
  return { atMs, what, facts };
}
