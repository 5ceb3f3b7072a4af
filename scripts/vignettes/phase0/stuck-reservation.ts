// A buyer sets money aside and is gone: once before it ordered, once after its
// job was verified. When the reservations' time is over, the treasury gives the
// one back and pays what the other owes.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { textOf } from "./milestones.ts";
import { awaitReport, openRun, order, refusalOf, reserve, verify } from "./purchase.ts";
import type { Stage } from "./stage.ts";
import type { Vignette } from "./vignette.ts";

/** The shortest that a reservation may be made for. */
const TTL_MS = 60_000n;
const LOOK_MS = 500;
/** The time of both and the treasury's own looks, with room for a slow machine. */
const LOOKS_MAX = 360;

export const stuckReservation: Vignette = {
  name: "stuck-reservation",
  shows: "money that a buyer set aside and forgot is its own again, and verified work is paid without it",
  expected: ["RunCreated", "IssueClaimed", "BudgetReserved", "BudgetExpired"],
  expectedOfOthers: [
    "RunCreated",
    "IssueClaimed",
    "BudgetReserved",
    "JobDispatched",
    "JobCompleted",
    "SecondOpinionCompleted",
    "VerificationPassed",
    "PaymentReleased",
  ],
  async begin(stage, cast) {
    const unused = await openRun(stage);
    const unsettled = await openRun(stage);
    cast.runIds.push(unused.runId, unsettled.runId);
    await reserve(stage, unused.runId, stage.orders.mended, TTL_MS);
    const { job } = await order(stage, unsettled.runId, stage.orders.mended, "market", TTL_MS);
    await awaitReport(stage, job.jobId);
    const verification = await verify(stage, job.jobId);
    assert.equal(verification.verdict, "proven", verification.because);
  },
  async play(stage, cast) {
    const { buyer, operator, signal } = stage;
    const [unused, unsettled] = cast.runIds;
    assert.ok(unused !== undefined && unsettled !== undefined);
    await untilTold(stage, unused, "budget.expired", async () => {
      // The service looks by itself; an operator may send the same.
      await operator.treasury.reconcileCompute({}, { signal });
    });
    const { freed } = await operator.treasury.reconcileCompute({}, { signal });
    assert.deepEqual(
      freed.filter(({ runId }) => runId === unused),
      [],
      "what has ended does not end again",
    );
    const reserved = (await eventsOf(stage, unused)).find(({ eventType }) => eventType === "budget.reserved");
    const reservationId = textOf(reserved?.payload ?? {}, "reservation_id");
    assert.equal(
      await refusalOf(buyer.treasury.voidReservation({ reservationId }, { signal })),
      "reservation_not_reserved",
    );

    await untilTold(stage, unsettled, "payment.released", async () => {});
    const paid = (await eventsOf(stage, unsettled)).filter(
      ({ eventType }) => eventType === "payment.released",
    );
    assert.equal(paid.length, 1, "verified work is paid once");
    const after = await buyer.treasury.getComputeSummary({}, { signal });
    assert.equal(after.reservedMsats, 0n, "nothing is set aside any more");
    assert.equal(after.availableMsats + after.spentMsats, stage.grantedMsats, "no money is lost");
  },
};

async function untilTold(
  stage: Stage,
  runId: string,
  wanted: string,
  look: () => Promise<void>,
): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    if ((await eventsOf(stage, runId)).some(({ eventType }) => eventType === wanted)) return;
    await pause(LOOK_MS, undefined, { signal: stage.signal });
    await look();
  }
  throw new Error(`${runId} has no ${wanted} after ${(LOOK_MS * LOOKS_MAX) / 1000} s`);
}

async function eventsOf({ buyer, signal }: Stage, runId: string) {
  return (await buyer.runs.listRunEvents({ runId, limit: 500 }, { signal })).events;
}
