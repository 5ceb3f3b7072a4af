import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CAUTIOUS_POLICY } from "../autopilots/autopilot.ts";
import { decideSpend, periodsOf } from "./decide-spend.ts";

const NOTHING = { dayMsats: 0n, monthMsats: 0n };

test("without limits nothing is spent, and without a threshold every spend waits for a person", () => {
  const refused = decideSpend(CAUTIOUS_POLICY, 1n, NOTHING);
  assert.equal(refused.kind === "refused" && refused.reason, "spend_per_call_exceeded");
  const limits = { spendPerCallMsatsMax: 9n, spendPerDayMsatsMax: 9n, spendPerMonthMsatsMax: 9n };
  const asked = decideSpend({ ...CAUTIOUS_POLICY, ...limits }, 1n, NOTHING);
  assert.deepEqual(asked, { kind: "allowed", needsApproval: true });
});

test("whatever is allowed stays within every limit, and what is refused would pass the one that is named", () => {
  const amount = fc.bigInt({ min: 0n, max: 1_000n });
  fc.assert(
    fc.property(
      amount,
      amount,
      amount,
      amount,
      amount,
      fc.bigInt({ min: 1n, max: 1_000n }),
      (call, day, month, today, further, wants) => {
        const policy = {
          ...CAUTIOUS_POLICY,
          spendPerCallMsatsMax: call,
          spendPerDayMsatsMax: day,
          spendPerMonthMsatsMax: month,
        };
        const spending = { dayMsats: today, monthMsats: today + further };
        const fits = wants <= call && today + wants <= day && today + further + wants <= month;
        assert.equal(decideSpend(policy, wants, spending).kind, fits ? "allowed" : "refused");
      },
    ),
  );
});

test("a day ends at midnight of UTC", () => {
  assert.deepEqual(periodsOf(Date.UTC(2026, 0, 31, 23, 59, 59, 999)), {
    day: "2026-01-31",
    month: "2026-01",
  });
  assert.deepEqual(periodsOf(Date.UTC(2026, 1, 1)), { day: "2026-02-01", month: "2026-02" });
});
