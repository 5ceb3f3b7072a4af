import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { budgetPeriodValues } from "@openagents/contracts";
import { counterAt, leftMsats, type Budget, type CountedBudget } from "./budget.ts";
import { decideSpend, describeExceeded } from "./decide-spend.ts";
import { periodEndMs, periodStartMs } from "./period.ts";

const NOON = Date.UTC(2028, 1, 29, 12);

test("periods start at midnight UTC, weeks on Monday, months on the first, also in a leap year", () => {
  const startOf = (period: Budget["period"]) => new Date(periodStartMs(period, NOON)).toISOString();
  assert.equal(startOf("day"), "2028-02-29T00:00:00.000Z");
  assert.equal(startOf("week"), "2028-02-28T00:00:00.000Z");
  assert.equal(startOf("month"), "2028-02-01T00:00:00.000Z");
  assert.equal(new Date(periodStartMs("week", NOON)).getUTCDay(), 1);
  assert.equal(periodStartMs("none", NOON), 0);
  assert.equal(periodEndMs("month", periodStartMs("month", NOON)), Date.UTC(2028, 2, 1));
});

test("every moment is in one period: at or after its start, before its end, which starts the next", () => {
  const moments = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2100, 0, 1) });
  fc.assert(
    fc.property(moments, fc.constantFrom(...budgetPeriodValues), (nowMs, period) => {
      const startMs = periodStartMs(period, nowMs);
      const endMs = periodEndMs(period, startMs) ?? Infinity;
      assert.ok(startMs <= nowMs && nowMs < endMs);
      assert.equal(periodStartMs(period, startMs), startMs);
      if (endMs !== Infinity) {
        assert.equal(periodStartMs(period, endMs), endMs);
        assert.equal(periodStartMs(period, endMs - 1), startMs);
      }
    }),
  );
});

test("a spend fits up to the last msat and not beyond, and the widest exceeded limit is told", () => {
  const org = counted({ level: "org", limitMsats: 100n }, { reservedMsats: 30n, spentMsats: 60n });
  const run = counted({ level: "run", subject: "run_x", limitMsats: 5n });
  assert.equal(decideSpend([org], 10n, NOON).kind, "fits");
  assert.equal(decideSpend([org], 11n, NOON).kind, "exceeded");
  const decision = decideSpend([org, run], 11n, NOON);
  assert.equal(decision.kind === "exceeded" && decision.budget.level, "org");
  const narrow = decideSpend([org, run], 6n, NOON);
  assert.equal(narrow.kind === "exceeded" && narrow.budget.level, "run");
});

test("a new period starts from nothing, and a clock that goes back stays in the newest", () => {
  const day = counted({ period: "day", limitMsats: 100n }, { spentMsats: 100n });
  assert.equal(decideSpend([day], 1n, NOON).kind, "exceeded");
  assert.equal(decideSpend([day], 100n, NOON + 86_400_000).kind, "fits");
  assert.equal(decideSpend([day], 1n, NOON - 86_400_000).kind, "exceeded");
  assert.equal(counterAt(day, NOON + 86_400_000).periodStartMs, periodStartMs("day", NOON + 86_400_000));
});

test("a limit that was lowered under what is spent leaves nothing, and never less than nothing", () => {
  const low = counted({ limitMsats: 10n }, { spentMsats: 50n });
  assert.equal(leftMsats(low.budget, counterAt(low, NOON)), 0n);
});

test("who is refused reads which limit, how far it is used, and what helps", () => {
  const { budget, newest } = counted(
    { level: "project", subject: "acme/site", period: "day", limitMsats: 100n },
    { reservedMsats: 20n, spentMsats: 70n },
  );
  assert.ok(newest);
  const text = describeExceeded(budget, newest, 11n);
  assert.match(
    text,
    /project acme\/site is 100 msats each day: 70 are spent, 20 reserved, and 11 do not fit/,
  );
  assert.match(text, /raise the budget bgt_x, or wait until 2028-03-01T00:00:00.000Z/);
});

function counted(
  budget: Partial<Budget>,
  counter?: { readonly reservedMsats?: bigint; readonly spentMsats?: bigint },
): CountedBudget {
  const whole: Budget = {
    budgetId: "bgt_x",
    org: "org_a",
    level: "org",
    subject: "",
    period: "none",
    limitMsats: 0n,
    removedAtMs: undefined,
    receiptId: "bset_x",
    createdAtMs: 0,
    updatedAtMs: 0,
    ...budget,
  };
  const newest =
    counter === undefined
      ? undefined
      : { periodStartMs: periodStartMs(whole.period, NOON), reservedMsats: 0n, spentMsats: 0n, ...counter };
  return { budget: whole, newest };
}
