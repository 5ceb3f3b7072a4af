import assert from "node:assert/strict";
import { test } from "node:test";
import { incidentKindValues } from "@openagents/contracts";
import { whyAwaited } from "./decide-incident-wait.ts";

const DAY_MS = 86_400_000;
const OPEN = { incidentId: "inc_1", kind: "disagreement", status: "open", openedAtMs: 1_000 } as const;

test("a disagreement is waited for until it is a day old and its reservation's time is over", () => {
  const reason = (expiresAtMs: number | undefined, nowMs: number) =>
    whyAwaited(OPEN, { expiresAtMs }, nowMs)?.reason;
  for (const expiresAtMs of [undefined, 0, DAY_MS]) {
    assert.equal(reason(expiresAtMs, 1_000 + DAY_MS - 1), "incident_undecided");
    assert.equal(reason(expiresAtMs, 1_000 + DAY_MS), undefined);
  }
  assert.equal(reason(3 * DAY_MS, 3 * DAY_MS - 1), "incident_undecided");
  assert.equal(reason(3 * DAY_MS, 3 * DAY_MS), undefined);
});

test("a decided incident is not waited for, whatever it is about, nor is none", () => {
  const reservation = { expiresAtMs: Infinity };
  for (const kind of incidentKindValues)
    assert.equal(whyAwaited({ ...OPEN, kind, status: "decided" }, reservation, 0), undefined);
  assert.equal(whyAwaited(undefined, reservation, 0), undefined);
});

test("a dispute is waited for without an end, and broken rules and allegations not at all", () => {
  const late = (kind: "dispute" | "violation" | "allegation") =>
    whyAwaited({ ...OPEN, kind, status: "adjudicating" }, { expiresAtMs: 0 }, 1_000 * DAY_MS)?.reason;
  assert.equal(late("dispute"), "dispute_open");
  assert.equal(late("violation"), undefined);
  assert.equal(late("allegation"), undefined);
});
