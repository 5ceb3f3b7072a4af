import assert from "node:assert/strict";
import { test } from "node:test";
import { closeOrder } from "./close-order.ts";
import { openMsats, type Order } from "./journal.ts";
import { currentOrder, settle } from "./order.ts";
import { PROVEN, QUOTE, RESERVATION, SETTLEMENT, jobOf, refusal, sessionOn } from "./order-fixture.ts";
import { trackSteps, type Progress } from "./progress.ts";

const DISAGREED = {
  ...PROVEN,
  verdict: "inconclusive",
  assurance: "provider",
  disagreement: true,
  incidentId: "inc_1",
} as const;
const ORDERED: Order = { quote: QUOTE, reserving: true, reservation: RESERVATION, jobId: "job_1" };
const verifiedJob = (jobId: string) => jobOf(jobId, { status: "verified" });
const UNDECIDED = { attempts: [{ orders: [{ ...ORDERED, verification: DISAGREED }] }] };
const DECIDED = { status: "decided", outcome: "second_struck" } as const;

test("what nobody contradicts is settled at once, without a look at incidents", async (t) => {
  const { session, calls } = await sessionOn(t, {
    attempts: [{ orders: [{ ...ORDERED, verification: PROVEN }] }],
  });
  await settle(session);
  assert.deepEqual(calls, ["settle"]);
});

test("a disagreement is settled after the operator's decision, and the screen says what is waited for", async (t) => {
  const { session, calls } = await sessionOn(t, {
    ...UNDECIDED,
    market: {
      job: verifiedJob,
      incident(nowMs) {
        assert.ok(!calls.includes("settle"));
        if (nowMs >= 60_000) return DECIDED;
        return nowMs < 30_000 ? { status: "open" } : { status: "adjudicating" };
      },
    },
  });
  const told: Progress[] = [];
  await settle({ ...session, steps: trackSteps((progress) => told.push(progress)) });
  assert.deepEqual(currentOrder(session).settlement, SETTLEMENT);
  assert.equal(calls.at(-1), "settle");
  assert.deepEqual(
    told.filter(({ step }) => step === "third").map(({ state, detail }) => [state, detail]),
    [
      ["started", ""],
      ["updated", "two runs disagree: waits for a third run, by the operator's reserve"],
      ["updated", "two runs disagree: the operator's reserve makes a third run"],
      ["done", "the third run contradicts the second one"],
    ],
  );
});

test("a process that is killed while it waits leaves nothing behind that the next one does not do", async (t) => {
  let decided = false;
  const keys: string[] = [];
  const { session } = await sessionOn(t, {
    ...UNDECIDED,
    market: {
      job: verifiedJob,
      incident: () => (decided ? DECIDED : { status: "open" }),
      settle(key) {
        keys.push(key);
        return SETTLEMENT;
      },
    },
  });
  const killed = async () => {
    throw new Error("killed");
  };
  await assert.rejects(settle({ ...session, pause: killed }), /killed/);
  assert.deepEqual(keys, []);
  decided = true;
  await settle(session);
  await settle(session);
  assert.equal(keys.length, 1);
});

test("a refusal of before the decision is kept under its key, so that another one is taken", async (t) => {
  const keys: string[] = [];
  const { session } = await sessionOn(t, {
    ...UNDECIDED,
    market: {
      job: verifiedJob,
      incident: () => DECIDED,
      settle(key) {
        keys.push(key);
        if (keys.length === 1) throw refusal("incident_undecided");
        return SETTLEMENT;
      },
    },
  });
  await settle(session);
  assert.deepEqual(
    keys.map((key) => key.replace(keys[0] ?? "", "")),
    ["", ":decided"],
  );
});

test("what the runtime has settled in the buyer's absence is read, decided or not", async (t) => {
  for (const status of ["open", "decided"] as const) {
    const { session, calls } = await sessionOn(t, {
      ...UNDECIDED,
      market: {
        job: (jobId) => jobOf(jobId, { status: "settled" }),
        incident: () => ({ status }),
        settle() {
          throw refusal("already_settled");
        },
      },
    });
    assert.deepEqual(await settle(session), SETTLEMENT);
    assert.deepEqual(currentOrder(session).settlement, SETTLEMENT);
    assert.equal(calls.at(-1), "read settlement");
  }
});

test("a decision that does not come is waited for an hour, and by a run that ends no longer than for a provider", async (t) => {
  let decided = false;
  const { session, calls } = await sessionOn(t, {
    ...UNDECIDED,
    market: {
      job: verifiedJob,
      giveBack() {
        throw refusal("job_taken");
      },
      incident: () => (decided ? DECIDED : { status: "open" }),
    },
  });
  await assert.rejects(settle(session), { code: "decision_stuck" });
  assert.ok(session.nowMs() >= 3_600_000 && session.nowMs() < 3_602_000);
  await closeOrder(session);
  assert.ok(session.nowMs() < 3_620_000);
  assert.equal(openMsats(session.journal.current), 100n);
  assert.ok(!calls.includes("settle"));
  decided = true;
  await closeOrder(session);
  assert.equal(openMsats(session.journal.current), 0n);
});
