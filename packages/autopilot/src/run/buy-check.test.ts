import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError, type Worker } from "@openagents/contracts";
import { buyCheck, mayOrderAgain } from "./buy-check.ts";
import type { Order } from "./journal.ts";
import {
  PROVEN,
  QUOTE,
  RESERVATION,
  SETTLEMENT,
  jobOf,
  refusal,
  sessionOn,
  specOf,
} from "./order-fixture.ts";

const ORDERED: Order = { quote: QUOTE, reserving: true, reservation: RESERVATION, jobId: "job_1" };
const FAILED: Order = {
  ...ORDERED,
  failed: true,
  verification: { ...PROVEN, verdict: "inconclusive" },
  settlement: { ...SETTLEMENT, status: "withheld", providerMsats: 0n, operatorFeeMsats: 0n },
};

test("what is settled is not bought again, however little is left of the budget", async (t) => {
  const orders = [{ ...ORDERED, verification: PROVEN, settlement: SETTLEMENT }];
  const { session, calls } = await sessionOn(t, { attempts: [{ orders }], budgetMsats: 100n });
  assert.equal((await buyCheck(session, specOf)).verdict, "proven");
  assert.deepEqual(calls, []);
});

test("nothing is reserved above what earlier orders have left of the budget", async (t) => {
  const orders = [{ ...ORDERED, failed: true, verification: PROVEN, settlement: SETTLEMENT }];
  const { session, calls } = await sessionOn(t, { attempts: [{ orders }], budgetMsats: 199n });
  await assert.rejects(buyCheck(session, specOf), {
    code: "budget_exceeded",
    message: /100 msats, and 99 msats/,
  });
  assert.deepEqual(calls, ["quote"]);
});

test("a provider that is gone at the dispatch is replaced, within the bound on orders", async (t) => {
  const { session, calls } = await sessionOn(t, {
    attempts: [{ orders: [] }],
    market: {
      dispatch(key) {
        if (!key.endsWith(":3:dispatch")) throw refusal("provider_unavailable");
      },
    },
  });
  assert.equal((await buyCheck(session, specOf)).verdict, "proven");
  assert.equal(calls.filter((call) => call === "void").length, 2);
  const closed = session.journal.current.attempts[0]?.orders.map((order) => order.closed === true);
  assert.deepEqual(closed, [true, true, false]);

  const gone = await sessionOn(t, {
    attempts: [{ orders: [] }],
    market: {
      dispatch() {
        throw refusal("provider_unavailable");
      },
    },
  });
  await assert.rejects(buyCheck(gone.session, specOf), { reason: "provider_unavailable" });
  assert.equal(gone.session.journal.current.attempts[0]?.orders.length, 3);
});

test("a job that stands still is ordered from another once its money is back, and never while a provider has it", async (t) => {
  for (const status of ["queued", "leased"] as const) {
    const { session } = await sessionOn(t, {
      attempts: [{ orders: [ORDERED] }],
      market: {
        job: (jobId) =>
          jobOf(jobId, {
            status: session.journal.current.attempts[0]?.orders.length === 1 ? status : "reported",
          }),
      },
    });
    assert.equal((await buyCheck(session, specOf)).verdict, "proven");
    assert.equal(session.journal.current.attempts[0]?.orders[0]?.closed, true);
  }
  const held = await sessionOn(t, {
    attempts: [{ orders: [ORDERED] }],
    market: {
      // Renewed each time that it is looked at.
      job: (jobId, nowMs) => jobOf(jobId, { status: "leased", updatedAt: nowMs }),
      giveBack() {
        throw refusal("job_taken");
      },
    },
  });
  await assert.rejects(buyCheck(held.session, specOf), { code: "job_overdue" });
  assert.deepEqual(held.session.journal.current.attempts[0]?.orders, [ORDERED]);
});

test("a queued job is waited for while its provider takes jobs, which a quarantined one does not", async (t) => {
  for (const quarantined of [true, false]) {
    const { session } = await sessionOn(t, {
      attempts: [{ orders: [ORDERED] }],
      market: {
        job: (jobId, nowMs) =>
          jobOf(jobId, {
            status:
              jobId === "job_1" && nowMs < 300_000 && session.journal.current.attempts[0]?.orders.length === 1
                ? "queued"
                : "reported",
          }),
        providers: () => [{ ...WORKER, quarantined }],
      },
    });
    await buyCheck(session, specOf);
    assert.equal(session.journal.current.attempts[0]?.orders.length, quarantined ? 2 : 1);
  }
});

const WORKER: Worker = {
  workerId: "wrk_1",
  org: "org_b",
  owner: "usr_b",
  displayName: "b",
  roles: ["provider"],
  status: "running",
  liveness: "fresh",
  capabilities: [],
  priceMsats: 1n,
  priceBands: [],
  caps: { memoryMibMax: 1, diskMibMax: 1, wallMsMax: 1n, concurrentJobsMax: 1 },
  toolchains: [],
  zoneTenths: 10,
  lastHeartbeatAt: 0,
  createdAt: 0,
  strikes: 3,
  quarantined: false,
};

test("a check that three providers could not do is not ordered a fourth time, also by the next process", async (t) => {
  const { session, calls } = await sessionOn(t, { attempts: [{ orders: [FAILED, FAILED, FAILED] }] });
  assert.equal((await buyCheck(session, specOf)).verdict, "inconclusive");
  assert.equal(mayOrderAgain(session), false);
  assert.deepEqual(calls, []);
  assert.equal(session.journal.current.attempts[0]?.orders.length, 3);
});

test("as many second runs are waited for as the runtime asks, each verification under its own key", async (t) => {
  const keys: string[] = [];
  const { session } = await sessionOn(t, {
    attempts: [{ orders: [ORDERED] }],
    market: {
      verify(key) {
        keys.push(key);
        return keys.length < 12
          ? { ...PROVEN, status: "awaiting_second_opinion", secondJobId: `job_second_${keys.length}` }
          : PROVEN;
      },
    },
  });
  assert.equal((await buyCheck(session, specOf)).status, "final");
  assert.equal(new Set(keys).size, 12);
});

test("a second run that never ends is given up after a bound, and a later try asks afresh", async (t) => {
  const keys: string[] = [];
  const market = {
    verify(key: string) {
      keys.push(key);
      const waits = keys.length < 6;
      return waits
        ? ({ ...PROVEN, status: "awaiting_second_opinion", secondJobId: "job_2" } as const)
        : PROVEN;
    },
  };
  const { session } = await sessionOn(t, { attempts: [{ orders: [ORDERED] }], market });
  await assert.rejects(buyCheck(session, specOf), { code: "second_opinion_stuck" });
  assert.equal(keys.length, 4);
  assert.equal((await buyCheck(session, specOf)).status, "final");
  // The first answer is kept under its key and is the order of the second run; the others were not kept.
  assert.deepEqual(new Set(keys).size, 2);
});

test("a verdict that somebody else asked for is read", async (t) => {
  const { session, calls } = await sessionOn(t, {
    attempts: [{ orders: [ORDERED] }],
    market: {
      verify() {
        throw refusal("already_verified");
      },
    },
  });
  assert.equal((await buyCheck(session, specOf)).verdict, "proven");
  assert.deepEqual(calls, ["verify", "read verification"]);
});

test("an order whose reservation stays unknown is not closed", async (t) => {
  const { session } = await sessionOn(t, {
    attempts: [{ orders: [] }],
    market: {
      reserve() {
        throw new ProblemError({ status: 401, code: "unauthenticated", detail: "The token has expired." });
      },
    },
  });
  await assert.rejects(buyCheck(session, specOf), { code: "unauthenticated" });
  assert.equal(session.journal.current.attempts[0]?.orders[0]?.closed, undefined);
});
