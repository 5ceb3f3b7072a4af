import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { ENDED_UNSEEN } from "../bundle/index.ts";
import { closeOrder } from "./close-order.ts";
import { isOpen, openMsats, type Order } from "./journal.ts";
import { currentOrder, review } from "./order.ts";
import { PROVEN, QUOTE, RESERVATION, SETTLEMENT, jobOf, refusal, sessionOn } from "./order-fixture.ts";

const ASKED: Order = { quote: QUOTE, reserving: true };
const RESERVED: Order = { ...ASKED, reservation: RESERVATION };
const ORDERED: Order = { ...RESERVED, jobId: "job_1" };

function held(): void {
  throw refusal("job_taken");
}

test("what was decided to be refused set nothing aside, and any other answer leaves the order open", async (t) => {
  const answers = [
    [refusal("insufficient_funds", 402), true],
    [refusal("quote_expired"), true],
    [new ProblemError({ status: 401, code: "unauthenticated", detail: "x" }), false],
    [new ProblemError({ status: 403, code: "missing_scope", reason: "treasury:write", detail: "x" }), false],
    [new ProblemError({ status: 409, code: "idempotency_in_flight", detail: "x" }), false],
    [new ProblemError({ status: 426, code: "client_too_old", detail: "x" }), false],
    [new ProblemError({ status: 429, code: "rate_limited", detail: "x" }), false],
  ] as const;
  for (const [answer, closes] of answers) {
    const { session } = await sessionOn(t, {
      attempts: [{ orders: [ASKED] }],
      market: {
        reserve() {
          throw answer;
        },
      },
    });
    const closing = closeOrder(session);
    await (closes ? closing : assert.rejects(closing, answer));
    assert.equal(isOpen(currentOrder(session)), !closes, answer.code);
    assert.equal(openMsats(session.journal.current), closes ? 0n : 100n);
  }
});

test("money is given back when no provider has the job", async (t) => {
  for (const order of [ASKED, RESERVED, ORDERED]) {
    const { session, calls } = await sessionOn(t, { attempts: [{ orders: [order] }] });
    await closeOrder(session);
    assert.equal(currentOrder(session).closed, true);
    assert.equal(calls.at(-1), "void");
  }
});

test("a settlement whose answer was lost is found again, and not taken for money that came back", async (t) => {
  const { session } = await sessionOn(t, {
    attempts: [{ orders: [{ ...ORDERED, verification: PROVEN }] }],
    market: {
      giveBack() {
        throw refusal("reservation_not_reserved");
      },
      job: (jobId) => jobOf(jobId, { status: "settled" }),
    },
  });
  await closeOrder(session);
  assert.deepEqual(currentOrder(session).settlement, SETTLEMENT);
});

test("the money of a job that was called off has come back", async (t) => {
  const { session } = await sessionOn(t, {
    attempts: [{ orders: [ORDERED] }],
    market: {
      giveBack() {
        throw refusal("reservation_not_reserved");
      },
      job: (jobId) => jobOf(jobId, { status: "canceled" }),
    },
  });
  await closeOrder(session);
  assert.deepEqual([currentOrder(session).closed, currentOrder(session).settlement], [true, undefined]);
});

test("a provider that works longer than the grace leaves the order open, and another time closes it", async (t) => {
  let status: "leased" | "reported" = "leased";
  const { session } = await sessionOn(t, {
    attempts: [{ orders: [ORDERED] }],
    market: { giveBack: held, job: (jobId) => jobOf(jobId, { status }) },
  });
  await closeOrder(session);
  assert.ok(session.nowMs() >= 15_000 && session.nowMs() < 20_000);
  assert.equal(openMsats(session.journal.current), 100n);
  status = "reported";
  await closeOrder(session);
  assert.deepEqual(currentOrder(session).settlement, SETTLEMENT);
  assert.equal(openMsats(session.journal.current), 0n);
});

const WAITS = { ...PROVEN, verdict: "needs_review" } as const;

test("what no person looked at is rejected in the ending's own name, and known again after a lost answer", async (t) => {
  const keys: string[] = [];
  const { session } = await sessionOn(t, {
    attempts: [{ orders: [{ ...ORDERED, verification: WAITS }] }],
    market: {
      giveBack: held,
      job: (jobId) => jobOf(jobId, { status: "verified" }),
      review(key, note) {
        assert.equal(note, ENDED_UNSEEN);
        keys.push(key);
        if (keys.length === 1) throw new ProblemError({ status: 500, code: "internal", detail: "x" });
      },
    },
  });
  await assert.rejects(closeOrder(session), { code: "internal" });
  await closeOrder(session);
  assert.equal(new Set(keys).size, 1);
  assert.deepEqual(
    [currentOrder(session).verification?.review, currentOrder(session).unseen],
    ["rejected", true],
  );
});

test("a person's word whose answer was lost stands, whoever asks after it", async (t) => {
  for (const by of ["ending", "person"] as const) {
    const { session, calls } = await sessionOn(t, {
      attempts: [{ orders: [{ ...ORDERED, verification: WAITS }] }],
      market: {
        giveBack: held,
        job: (jobId) => jobOf(jobId, { status: "verified" }),
        review() {
          throw refusal("already_reviewed");
        },
        verification: () => ({ ...WAITS, review: "accepted" }),
      },
    });
    if (by === "ending") await closeOrder(session);
    else await review(session, { decision: "rejected", note: "", by });
    const { verification, unseen } = currentOrder(session);
    assert.deepEqual([verification?.review, unseen], ["accepted", undefined]);
    assert.equal(calls.includes("settle"), by === "ending");
  }
});
