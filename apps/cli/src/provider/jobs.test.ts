import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkerJob } from "@openagents/contracts";
import { noStyle } from "../terminal/index.ts";
import { jobLines } from "./jobs.ts";

const JOB: WorkerJob = { jobId: "job_1", jobHash: "", status: "queued", paidMsats: 0n, createdAt: 0 };

test("what went wrong with telling a provider of a job is told to its owner, and what went well is not", () => {
  const text = (changes: Partial<WorkerJob>) => jobLines([{ ...JOB, ...changes }], noStyle).join("\n");
  assert.match(
    text({ pushStatus: "failed", pushDetail: "It answered 404." }),
    /\n {2}It was not told of it: It answered 404\.$/,
  );
  assert.match(text({ pushStatus: "unknown", pushDetail: "x" }), /not known whether/);
  assert.match(text({ pushStatus: "pending" }), /about to be told/);
  for (const quiet of [text({}), text({ pushStatus: "succeeded" })])
    assert.equal(quiet.split("\n").length, 2);
  const both = text({
    status: "reassigned",
    unpaidBecause: "It went on.",
    pushStatus: "failed",
    pushDetail: "y",
  });
  assert.equal(both.split("\n").length, 4);
});
