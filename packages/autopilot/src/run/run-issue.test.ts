import assert from "node:assert/strict";
import { test } from "node:test";
import { PROVEN, QUOTE, RESERVATION, RUN_ID, sessionOn } from "./order-fixture.ts";
import { reviewRun } from "./run-issue.ts";

test("a run that has begun to end asks for no person's word any more", async (t) => {
  const verification = { ...PROVEN, verdict: "needs_review" } as const;
  const orders = [{ quote: QUOTE, reserving: true, reservation: RESERVATION, jobId: "job_1", verification }];
  const { session, calls } = await sessionOn(t, { attempts: [{ orders }] });
  await session.journal.save({ ending: { status: "canceled" } });
  const deps = { ...session.deps, clients: session.clients };
  await assert.rejects(reviewRun(deps, RUN_ID, "accepted", ""), { code: "not_in_review" });
  assert.deepEqual(calls, []);
});
