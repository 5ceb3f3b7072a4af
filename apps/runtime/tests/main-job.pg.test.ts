// The main job over HTTP only: quote, reserve, dispatch, claim, report, verify,
// settle. The provider here reports what each test needs it to report.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { manualClock } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import { startHarness, type Harness } from "./harness.ts";

const PRICE = 10_000;
const TOTAL = 10_050;

const PATCH = `diff --git a/src/sum.js b/src/sum.js
index 1111111..2222222 100644
--- a/src/sum.js
+++ b/src/sum.js
@@ -1 +1 @@
-export const sum = (a, b) => a - b;
+export const sum = (a, b) => a + b;
`;

test("a proven job pays its provider and the operator exactly the quoted price", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market);
  await report(market, job, lease, { baseExit: 1, patchedExit: 0 });
  const verified = await market.runtime.post("/internal/v1/verifications/sandbox-run", {
    job_id: job.job_id,
  });
  assert.equal(verified.json.verification.verdict, "proven");
  assert.equal(verified.json.verification.assurance, "provider");
  const settled = await settle(market, job);
  assert.equal(settled.json.settlement.status, "released");
  assert.equal(settled.json.settlement.provider_msats, PRICE);
  assert.equal(settled.json.settlement.operator_fee_msats, TOTAL - PRICE);

  const payment = await market.runtime.get(`/internal/v1/receipts/${settled.json.receipt_id}`);
  const verification = await market.runtime.get(`/internal/v1/receipts/${verified.json.receipt_id}`);
  assert.equal(
    payment.json.receipt.verification_receipt_sha256,
    verification.json.receipt.canonical_json_sha256,
    "the payment receipt holds the verification receipt's hash",
  );
  const earned = await market.runtime.get("/internal/v1/treasury/compute/summary", {
    token: market.provider,
  });
  assert.equal(earned.json.earned_msats, PRICE);
  await assertSound(market.runtime);
});

for (const [what, exits, verdict] of [
  ["a check that passes on the base", { baseExit: 0, patchedExit: 0 }, "passed_only"],
  ["a check that fails on the patch", { baseExit: 1, patchedExit: 1 }, "failed"],
  ["a check that cannot start", { baseExit: 127, patchedExit: 127 }, "inconclusive"],
] as const) {
  test(`${what} pays nobody, and the buyer has everything back`, async (t) => {
    const market = await startMarket(t);
    const { job, lease } = await claim(market);
    await report(market, job, lease, exits);
    const verified = await market.runtime.post("/internal/v1/verifications/sandbox-run", {
      job_id: job.job_id,
    });
    assert.equal(verified.json.verification.verdict, verdict);
    const settled = await settle(market, job);
    assert.equal(settled.json.settlement.status, "withheld");
    assert.equal(settled.json.settlement.withheld_reason, `verdict_${verdict}`);
    await assertBuyerHas(market, TOTAL);
    await assertSound(market.runtime);
  });
}

test("a result that names outputs never stored is withheld", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market);
  await report(market, job, lease, { baseExit: 1, patchedExit: 0, upload: false });
  const verified = await market.runtime.post("/internal/v1/verifications/sandbox-run", {
    job_id: job.job_id,
  });
  assert.equal(verified.json.verification.verdict, "inconclusive");
  assert.match(verified.json.verification.violations.join(), /output_missing/);
  assert.equal((await settle(market, job)).json.settlement.withheld_reason, "violations");
  await assertBuyerHas(market, TOTAL);
});

test("money is not released before the verification, nor twice", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market);
  assert.equal((await settle(market, job)).json.reason, "job_not_verified");
  await report(market, job, lease, { baseExit: 1, patchedExit: 0 });
  assert.equal((await settle(market, job)).json.reason, "job_not_verified");
  await market.runtime.post("/internal/v1/verifications/sandbox-run", { job_id: job.job_id });
  const answers = await Promise.all(Array.from({ length: 16 }, () => settle(market, job)));
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
  assert.deepEqual(
    new Set(answers.filter((answer) => answer.status === 409).map((answer) => answer.json.reason)),
    new Set(["already_settled"]),
  );
  const earned = await market.runtime.get("/internal/v1/treasury/compute/summary", {
    token: market.provider,
  });
  assert.equal(earned.json.earned_msats, PRICE);
  await assertSound(market.runtime);
});

test("one job goes to one claim, however many ask at once", async (t) => {
  const market = await startMarket(t);
  const answers = await Promise.all(Array.from({ length: 16 }, () => claimAnswer(market, 0)));
  assert.equal(answers.filter((answer) => answer.json.job !== undefined).length, 1);
});

test("a waiting claim gets a job the moment it is dispatched", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const waiting = claimAnswer(market, 20_000);
  await market.dispatch();
  const answer = await waiting;
  assert.equal(answer.json.job.status, "leased");
});

test("a lapsed lease returns the job, and its late result is refused", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const first = await claim(market);
  clock.advance(31_000);
  await market.runtime.post(
    `/internal/v1/workers/${market.workerId}/heartbeat`,
    {},
    { token: market.provider },
  );
  const second = await claim(market);
  assert.equal(second.job.job_id, first.job.job_id);
  assert.notEqual(second.lease.lease_id, first.lease.lease_id);
  const late = await report(market, first.job, first.lease, { baseExit: 1, patchedExit: 0, upload: false });
  assert.equal(late.json.reason, "lease_lapsed");
  const onTime = await report(market, second.job, second.lease, { baseExit: 1, patchedExit: 0 });
  assert.equal(onTime.status, 200, onTime.text);
});

test("a disabled worker gets no job", async (t) => {
  const market = await startMarket(t);
  await market.runtime.post(
    `/internal/v1/workers/${market.workerId}/disable`,
    { reason: "test" },
    { token: market.provider },
  );
  assert.equal((await claimAnswer(market, 0)).json.reason, "worker_disabled");
});

test("a provider reads a job's inputs only while it holds the lease", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const path = `/internal/v1/artifacts/${market.patchSha256}`;
  assert.equal((await market.runtime.get(path, { token: market.provider })).status, 404);
  const { lease } = await claim(market);
  const leased = `${path}?lease_id=${lease.lease_id}`;
  assert.equal((await market.runtime.get(leased, { token: market.provider })).text, PATCH);
  const stranger = await market.runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await market.runtime.get(leased, { token: stranger })).status, 404);
  clock.advance(31_000);
  assert.equal((await market.runtime.get(leased, { token: market.provider })).json.code, "lease_lapsed");
});

test("an order that no provider took can be called off; one that is worked on cannot", async (t) => {
  const market = await startMarket(t);
  const path = `/internal/v1/treasury/compute/reservations/${market.reservationId}/void`;
  const { job, lease } = await claim(market);
  assert.equal((await market.runtime.post(path, {})).json.reason, "job_taken");
  await report(market, job, lease, { baseExit: 1, patchedExit: 0 });
  assert.equal((await market.runtime.post(path, {})).json.reason, "job_taken");

  const other = await startMarket(t);
  const voided = await other.runtime.post(
    `/internal/v1/treasury/compute/reservations/${other.reservationId}/void`,
    {},
  );
  assert.equal(voided.status, 200);
  assert.equal((await claimAnswer(other, 0)).json.job, undefined);
  await assertBuyerHas(other, TOTAL);
});

test("a quote keeps its price when the provider raises it, and ends at its time", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs, dispatch: false });
  await registerProvider(market.runtime, market.provider, PRICE * 10, market.workerId);
  assert.equal(market.quote.total_price_msats, TOTAL);
  clock.advance(60_000);
  const late = await market.dispatch();
  assert.equal(late.json.reason, "quote_expired");
});

test("an order is dispatched once, whatever key asks again and whatever became of its money", async (t) => {
  const market = await startMarket(t);
  const again = await market.dispatch();
  assert.equal(again.status, 409);
  assert.equal(again.json.reason, "already_dispatched");
  await market.runtime.post(`/internal/v1/treasury/compute/reservations/${market.reservationId}/void`, {});
  const reserved = await market.runtime.post("/internal/v1/treasury/compute/reserve", {
    amount_msats: market.quote.total_price_msats,
    quote_id: market.quote.quote_id,
  });
  assert.equal(reserved.json.reason, "quote_used");
});

test("a provider that asks nothing is refused, since money of nothing cannot be reserved", async (t) => {
  const runtime = await startHarness(t);
  const answer = await runtime.post("/internal/v1/workers", { ...PROVIDER, price_msats: 0 });
  assert.equal(answer.status, 400);
  assert.equal(answer.json.field_errors[0].field, "price_msats");
});

test("the owner's name in another organisation owns neither the job nor its lease", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market);
  const namesake = await market.runtime.token({ sub: "dev_provider", org: "org_other" });
  const path = `/internal/v1/jobs/${job.job_id}`;
  assert.equal((await market.runtime.get(path, { token: namesake })).status, 404);
  const input = `/internal/v1/artifacts/${market.patchSha256}?lease_id=${lease.lease_id}`;
  assert.equal((await market.runtime.get(input, { token: namesake })).status, 404);
  const renewed = await market.runtime.post(
    `${path}/lease`,
    { lease_id: lease.lease_id },
    { token: namesake },
  );
  assert.equal(renewed.status, 404);
  const stolen = await report({ ...market, provider: namesake }, job, lease, {
    baseExit: 1,
    patchedExit: 0,
    upload: false,
  });
  assert.equal(stolen.status, 404);
});

test("legs that ran on the same tree prove nothing", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market);
  await report(market, job, lease, { baseExit: 1, patchedExit: 0, patchedTree: "b".repeat(40) });
  const verified = await market.runtime.post("/internal/v1/verifications/sandbox-run", {
    job_id: job.job_id,
  });
  assert.deepEqual(verified.json.verification.violations, ["trees_equal"]);
  assert.equal((await settle(market, job)).json.settlement.status, "withheld");
});

test("an order that no provider could work on is refused before it has a price", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const quote = (changes: object) =>
    market.runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
      run_id: market.runId,
      spec: { ...market.spec, ...changes },
    });
  const hostile = await upload(market.runtime, PATCH.replaceAll("src/sum.js", "../sum.js"));
  const cases: [object, string][] = [
    [{ patch_sha256: "e".repeat(64) }, "artifact_missing"],
    [{ base_bundle_sha256: "e".repeat(64) }, "artifact_missing"],
    [{ patch_sha256: hostile }, "patch_refused"],
    [{ patch_test_paths: ["test/other.test.js"] }, "patch_test_paths_differ"],
  ];
  for (const [changes, code] of cases) {
    const answer = await quote(changes);
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.json.field_errors[0].code, code);
  }
});

test("the run's log has every step in order, and its receipt repeats byte for byte", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market);
  await report(market, job, lease, { baseExit: 1, patchedExit: 0 });
  await market.runtime.post("/internal/v1/verifications/sandbox-run", { job_id: job.job_id });
  await settle(market, job);
  const finished = await market.runtime.post(`/internal/v1/runs/${market.runId}/events`, {
    event_type: "run.finished",
    payload: { status: "succeeded" },
  });
  assert.equal(finished.json.status, "succeeded");
  const events = await market.runtime.get(`/internal/v1/runs/${market.runId}/events`);
  assert.deepEqual(
    events.json.events.map((event: { event_type: string }) => event.event_type),
    [
      "run.started",
      "quote.selected",
      "budget.reserved",
      "job.dispatched",
      "job.reported",
      "verification.recorded",
      "payment.released",
      "run.finished",
    ],
  );
  const receipt = await market.runtime.get(`/internal/v1/runs/${market.runId}/receipt`);
  assert.equal((await market.runtime.get(`/internal/v1/runs/${market.runId}/receipt`)).text, receipt.text);
  assert.equal(receipt.json.receipt.payments_msats_total, PRICE);
  const replay = await market.runtime.get(`/internal/v1/runs/${market.runId}/replay`);
  assert.equal(replay.text.trimEnd().split("\n").length, 8 + 3);
});

type Market = {
  readonly runtime: Harness;
  readonly provider: string;
  readonly workerId: string;
  readonly runId: string;
  readonly spec: object;
  readonly quote: { readonly quote_id: string; readonly total_price_msats: number };
  readonly reservationId: string;
  readonly patchSha256: string;
  dispatch(): ReturnType<Harness["post"]>;
};

type ClaimedJob = { readonly job_id: string };
type HeldLease = { readonly lease_id: string };

async function startMarket(
  t: TestContext,
  options: { readonly nowMs?: () => number; readonly dispatch?: boolean } = {},
): Promise<Market> {
  const runtime = await startHarness(t, options);
  const provider = await runtime.token({ sub: "dev_provider", org: "org_provider" });
  await grant(runtime, TOTAL);
  const workerId = await registerProvider(runtime, provider, PRICE);
  const bundle = await upload(runtime, "a git bundle");
  const patchSha256 = await upload(runtime, PATCH);
  const run = await runtime.post("/internal/v1/runs", { issue: { title: "sum subtracts", body: "" } });
  const runId = run.json.run.run_id;
  const spec = {
    base_bundle_sha256: bundle,
    base_commit: "a".repeat(40),
    base_tree: "b".repeat(40),
    patch_sha256: patchSha256,
    patch_test_paths: [],
    commands: ["node --test"],
    limits: {
      wall_ms: 60_000,
      cpu_ms: 60_000,
      memory_mib: 512,
      pids: 128,
      disk_mib: 128,
      output_bytes: 65_536,
    },
    toolchains: [{ name: "node", version_min: "20" }],
  };
  const quoted = await runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
    run_id: runId,
    spec,
  });
  assert.equal(quoted.status, 200, quoted.text);
  const { quote } = quoted.json;
  const reserved = await runtime.post("/internal/v1/treasury/compute/reserve", {
    amount_msats: quote.total_price_msats,
    quote_id: quote.quote_id,
  });
  assert.equal(reserved.status, 201, reserved.text);
  const reservationId = reserved.json.reservation.reservation_id;
  const dispatch = () =>
    runtime.post("/internal/v1/marketplace/dispatch/sandbox-run", {
      quote_id: quote.quote_id,
      reservation_id: reservationId,
    });
  if (options.dispatch !== false) assert.equal((await dispatch()).status, 201);
  return { runtime, provider, workerId, runId, spec, quote, reservationId, patchSha256, dispatch };
}

const PROVIDER = {
  display_name: "test provider",
  roles: ["provider"],
  capabilities: ["oa.sandbox_run.v1"],
  price_msats: PRICE,
  caps: { memory_mib_max: 1024, disk_mib_max: 1024, wall_ms_max: 120_000, concurrent_jobs_max: 1 },
  toolchains: [{ name: "node", version: "24.21.0" }],
};

async function registerProvider(runtime: Harness, token: string, priceMsats: number, workerId?: string) {
  const known = workerId === undefined ? {} : { worker_id: workerId };
  const answer = await runtime.post(
    "/internal/v1/workers",
    { ...PROVIDER, ...known, price_msats: priceMsats },
    { token },
  );
  assert.equal(answer.status, 201, answer.text);
  return answer.json.worker.worker_id as string;
}

async function upload(runtime: Harness, content: string, token?: string, leaseId?: string): Promise<string> {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const query = leaseId === undefined ? "" : `?lease_id=${leaseId}`;
  const response = await fetch(`${runtime.url}/internal/v1/artifacts/${sha256}${query}`, {
    method: "PUT",
    body: content,
    headers: {
      authorization: `Bearer ${token ?? (await runtime.token())}`,
      "content-type": "application/octet-stream",
    },
  });
  assert.equal(response.status, 200, await response.text());
  return sha256;
}

function claimAnswer(market: Market, waitMs: number) {
  return market.runtime.post(
    "/internal/v1/jobs/claim",
    { worker_id: market.workerId, wait_ms: waitMs },
    { token: market.provider },
  );
}

async function claim(market: Market): Promise<{ job: ClaimedJob; lease: HeldLease }> {
  const answer = await claimAnswer(market, 0);
  assert.ok(answer.json.job, answer.text);
  return answer.json;
}

async function report(
  market: Market,
  job: ClaimedJob,
  lease: HeldLease,
  outcome: {
    readonly baseExit: number;
    readonly patchedExit: number;
    readonly patchedTree?: string;
    readonly upload?: boolean;
  },
) {
  const stdout = "TAP version 13\n";
  const sha256 =
    outcome.upload === false
      ? createHash("sha256").update("never stored").digest("hex")
      : await upload(market.runtime, stdout, market.provider, lease.lease_id);
  const leg = (name: string, exitCode: number) => ({
    leg: name,
    tree: name === "base" ? "b".repeat(40) : (outcome.patchedTree ?? "c".repeat(40)),
    commands: [
      {
        command: "node --test",
        exit_code: exitCode,
        duration_ms: 5,
        stdout_sha256: sha256,
        stderr_sha256: sha256,
      },
    ],
  });
  return market.runtime.post(
    `/internal/v1/jobs/${job.job_id}/result`,
    {
      lease_id: lease.lease_id,
      result: {
        legs: [leg("base", outcome.baseExit), leg("patched", outcome.patchedExit)],
        environment: {
          os: "Debian 12",
          arch: "x64",
          kernel: "6",
          sandbox: "bubblewrap 0.8.0",
          limits_by: "rlimits",
          toolchains: [],
        },
      },
    },
    { token: market.provider },
  );
}

function settle(market: Market, job: ClaimedJob) {
  return market.runtime.post("/internal/v1/treasury/compute/settle/sandbox-run", { job_id: job.job_id });
}

async function assertBuyerHas(market: Market, availableMsats: number): Promise<void> {
  const summary = await market.runtime.get("/internal/v1/treasury/compute/summary");
  assert.equal(summary.json.available_msats, availableMsats);
  assert.equal(summary.json.reserved_msats, 0);
}
