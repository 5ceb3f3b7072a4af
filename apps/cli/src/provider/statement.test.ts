import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProviderStatementLine } from "@openagents/contracts";
import { noStyle } from "../terminal/index.ts";
import { CSV_HEAD, statementCsv, statementLines } from "./statement.ts";

const LINE: ProviderStatementLine = {
  jobId: "job_1",
  purpose: "second_opinion",
  workerId: "wrk_1",
  quotedMsats: 2_000n,
  earnedMsats: 1_500n,
  operatorFeeMsats: 7n,
  balanceMsats: 9_007_199_254_740_993n,
  bookedAt: Date.UTC(2027, 0, 1),
};

test("each line of a statement is one record of CSV, whatever its reason says", () => {
  const because = 'it said "no", twice,\nand left';
  const record = statementCsv({ ...LINE, earnedMsats: 0n, withheldReason: "x", withheldBecause: because });
  assert.equal(
    record,
    '2027-01-01T00:00:00.000Z,job_1,second_opinion,wrk_1,2000,0,7,9007199254740993,x,"it said ""no"", twice,\nand left"',
  );
  assert.equal(CSV_HEAD.split(",").length, statementCsv(LINE).split(",").length);
});

test("a person reads what was earned, the fee, the balance, and why nothing was paid", () => {
  const [head = "", paid = "", unpaid = "", because = ""] = statementLines(
    [LINE, { ...LINE, earnedMsats: 0n, operatorFeeMsats: 0n, withheldBecause: "The check fails." }],
    noStyle,
  );
  assert.match(head, /Earned.*fee.*Balance/);
  assert.match(paid, /2027-01-01 00:00:00 {2}job_1 {2}second opinion +1\.500 sat +0\.007 sat/);
  assert.match(unpaid, /– +– /);
  assert.equal(because, "  The check fails.");
  assert.deepEqual(statementLines([], noStyle), ["Nothing was settled in this time."]);
});
