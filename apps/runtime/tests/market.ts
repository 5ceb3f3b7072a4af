// A market over HTTP only: a buyer, a provider, and whoever repeats its runs. Each
// party reports what a test needs it to report.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { grant } from "./ledger-checks.ts";
import { startHarness, type Claims, type Harness } from "./harness.ts";

/** What the first provider asks, and the buyer's own device. */
export const PRICE = 10_000;
export const SECOND_PRICE = 1_000;
export const FEE = 50;
export const SECOND_FEE = 5;
export const TOTAL = PRICE + FEE + SECOND_PRICE + SECOND_FEE;

export const PATCH = `diff --git a/src/sum.js b/src/sum.js
index 1111111..2222222 100644
--- a/src/sum.js
+++ b/src/sum.js
@@ -1 +1 @@
-export const sum = (a, b) => a - b;
+export const sum = (a, b) => a + b;
`;

/** A worker and the token of its owner. */
export type Party = { readonly token: string; readonly workerId: string; readonly owner: Owner };

type Owner = Partial<Pick<Claims, "sub" | "org" | "zone" | "account">>;

export type Market = {
  readonly runtime: Harness;
  readonly first: Party;
  /** The buyer's own device. */
  readonly second: Party;
  readonly runId: string;
  readonly spec: object;
  readonly quote: {
    readonly quote_id: string;
    readonly job_hash: string;
    readonly total_price_msats: number;
    readonly expected_price_msats: number;
  };
  readonly reservationId: string;
  readonly patchSha256: string;
  dispatch(): ReturnType<Harness["post"]>;
};

export type ClaimedJob = { readonly job_id: string; readonly purpose: string; readonly repeats: number };
export type HeldLease = { readonly lease_id: string };
export type Claimed = { readonly job: ClaimedJob; readonly lease: HeldLease; readonly buyer?: object };

export type MarketOptions = {
  readonly databaseUrl?: string;
  readonly rateLimits?: NonNullable<Parameters<typeof startHarness>[1]>["rateLimits"];
  readonly nowMs?: () => number;
  readonly stalledEveryMs?: number;
  readonly dispatch?: boolean;
  readonly patch?: string;
  /** Over the ordinary spec. */
  readonly spec?: object;
  readonly secondOpinion?: string;
  readonly fallback?: string;
  readonly verificationPolicy?: string;
  /** The idempotency key of the quote, from which the nonce of its draw is made. */
  readonly quoteKey?: string;
  /** Over the ordinary request for a quote. */
  readonly quote?: object;
  /** Over the ordinary registration of the first provider. */
  readonly first?: object;
  /** Of the reservation. */
  readonly ttlMs?: number;
  readonly reconcileEveryMs?: number;
};

export async function startMarket(t: TestContext, options: MarketOptions = {}): Promise<Market> {
  const runtime = await startHarness(t, options);
  await grant(runtime, TOTAL);
  const first = await joinMarket(runtime, { sub: "dev_provider", org: "org_provider" }, PRICE, options.first);
  const second = await joinMarket(runtime, { sub: "dev_own", org: "org_a" }, SECOND_PRICE);
  return { runtime, first, second, ...(await order(runtime, options)) };
}

/** A market whose second provider is of another owner than the buyer. */
export async function startIndependent(t: TestContext): Promise<Market> {
  const market = await startMarket(t, { dispatch: false });
  const second = await joinMarket(market.runtime, { sub: "dev_other", org: "org_other" }, PRICE);
  await grant(market.runtime, 2 * TOTAL);
  await market.runtime.post(`/internal/v1/treasury/compute/reservations/${market.reservationId}/void`, {});
  return { ...market, second, ...(await order(market.runtime, { secondOpinion: "independent" })) };
}

/** Open a run and order its check. */
export async function order(runtime: Harness, options: MarketOptions = {}) {
  const bundle = await upload(runtime, "a git bundle");
  const patchSha256 = await upload(runtime, options.patch ?? PATCH);
  const run = await runtime.post("/internal/v1/runs", { issue: { title: "sum subtracts", body: "" } });
  const runId: string = run.json.run.run_id;
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
    ...options.spec,
  };
  const policy = options.verificationPolicy;
  const quoted = await runtime.post(
    "/internal/v1/marketplace/compute/quote/sandbox-run",
    {
      run_id: runId,
      spec,
      ...(options.secondOpinion === undefined ? {} : { second_opinion: options.secondOpinion }),
      ...(policy === undefined ? {} : { verification_policy: policy }),
      ...options.quote,
    },
    options.quoteKey === undefined ? {} : { key: options.quoteKey },
  );
  assert.equal(quoted.status, 200, quoted.text);
  const { quote } = quoted.json;
  const reserved = await runtime.post("/internal/v1/treasury/compute/reserve", {
    amount_msats: quote.total_price_msats,
    quote_id: quote.quote_id,
    ...(options.ttlMs === undefined ? {} : { ttl_ms: options.ttlMs }),
  });
  assert.equal(reserved.status, 201, reserved.text);
  const reservationId: string = reserved.json.reservation.reservation_id;
  const dispatch = () =>
    runtime.post("/internal/v1/marketplace/dispatch/sandbox-run", {
      quote_id: quote.quote_id,
      reservation_id: reservationId,
      ...(options.fallback === undefined ? {} : { fallback: options.fallback }),
    });
  if (options.dispatch !== false) assert.equal((await dispatch()).status, 201);
  return { runId, spec, quote, reservationId, patchSha256, dispatch };
}

export const PROVIDER = {
  display_name: "test provider",
  roles: ["provider"],
  capabilities: ["oa.sandbox_run.v1"],
  price_msats: PRICE,
  caps: { memory_mib_max: 1024, disk_mib_max: 1024, wall_ms_max: 120_000, concurrent_jobs_max: 1 },
  toolchains: [{ name: "node", version: "24.21.0" }],
};

/** Register a worker of an owner; the operator's reserve is one of zone 0. */
export async function joinMarket(
  runtime: Harness,
  owner: {
    readonly sub: string;
    readonly org: string;
    readonly zone?: "0" | "0.5" | "1";
    readonly account?: string;
  },
  priceMsats: number,
  changes: object = {},
): Promise<Party> {
  const token = await runtime.token(owner);
  return { token, workerId: await register(runtime, token, priceMsats, undefined, changes), owner };
}

export async function register(
  runtime: Harness,
  token: string,
  priceMsats: number,
  workerId?: string,
  changes: object = {},
) {
  const known = workerId === undefined ? {} : { worker_id: workerId };
  const answer = await runtime.post(
    "/internal/v1/workers",
    { ...PROVIDER, ...known, price_msats: priceMsats, ...changes },
    { token },
  );
  assert.equal(answer.status, 201, answer.text);
  return answer.json.worker.worker_id as string;
}

export async function upload(
  runtime: Harness,
  content: string | Buffer,
  token?: string,
  leaseId?: string,
): Promise<string> {
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

export function claimAnswer(market: Pick<Market, "runtime">, party: Party, waitMs = 0) {
  return market.runtime.post(
    "/internal/v1/jobs/claim",
    { worker_id: party.workerId, wait_ms: waitMs },
    { token: party.token },
  );
}

export async function claim(market: Pick<Market, "runtime">, party: Party, waitMs = 0): Promise<Claimed> {
  const answer = await claimAnswer(market, party, waitMs);
  assert.ok(answer.json.job, answer.text);
  return answer.json;
}

export type Reported = {
  readonly baseExit: number;
  readonly patchedExit: number;
  readonly guardExit?: number;
  readonly patchedTree?: string;
  /** The patched leg was ended by this limit. */
  readonly limit?: string;
  /** What is asked for the job; its price when absent. */
  readonly charged?: number;
  /** False: the outputs are named and never stored. */
  readonly upload?: boolean;
  /** Name these outputs, and store nothing. */
  readonly outputSha256?: string;
  /** Exit codes of the patched leg, one for each round of an adjudication. */
  readonly rounds?: readonly number[];
};

/** The exits of a fix. */
export const FIXED: Reported = { baseExit: 1, patchedExit: 0 };

export async function report(
  market: Pick<Market, "runtime">,
  party: Pick<Party, "token">,
  { job, lease }: Claimed,
  outcome: Reported,
) {
  const sha256 =
    outcome.outputSha256 ??
    (outcome.upload === false
      ? createHash("sha256").update("never stored").digest("hex")
      : await upload(market.runtime, "TAP version 13\n", party.token, lease.lease_id));
  const trees = { base: "b", patched: "c", guard: "d" } as const;
  const leg = (name: keyof typeof trees, exitCode: number) => ({
    leg: name,
    tree: name === "patched" ? (outcome.patchedTree ?? trees.patched.repeat(40)) : trees[name].repeat(40),
    commands: [
      {
        command: "node --test",
        ...(name === "patched" && outcome.limit !== undefined
          ? { signal: "SIGKILL", limit: outcome.limit }
          : { exit_code: exitCode }),
        duration_ms: 5,
        stdout_sha256: sha256,
        stderr_sha256: sha256,
      },
    ],
  });
  const round = (patchedExit: number) => [
    leg("base", outcome.baseExit),
    leg("patched", patchedExit),
    ...(outcome.guardExit === undefined ? [] : [leg("guard", outcome.guardExit)]),
  ];
  const rounds = outcome.rounds ?? Array.from({ length: job.repeats }, () => outcome.patchedExit);
  return market.runtime.post(
    `/internal/v1/jobs/${job.job_id}/result`,
    {
      lease_id: lease.lease_id,
      ...(outcome.charged === undefined ? {} : { charged_msats: outcome.charged }),
      result: {
        legs: rounds.flatMap(round),
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
    { token: party.token },
  );
}

/** Take the next job and report it. */
export async function work(
  market: Pick<Market, "runtime">,
  party: Party,
  outcome: Reported,
): Promise<ClaimedJob> {
  const claimed = await claim(market, party);
  const answer = await report(market, party, claimed, outcome);
  assert.equal(answer.status, 200, answer.text);
  return claimed.job;
}

export function verify(market: Pick<Market, "runtime">, job: Pick<ClaimedJob, "job_id">) {
  return market.runtime.post("/internal/v1/verifications/sandbox-run", { job_id: job.job_id });
}

export function settle(market: Pick<Market, "runtime">, job: Pick<ClaimedJob, "job_id">) {
  return market.runtime.post("/internal/v1/treasury/compute/settle/sandbox-run", { job_id: job.job_id });
}

/** The operator's own, whose runs decide incidents. */
export function joinReserve(market: Pick<Market, "runtime">): Promise<Party> {
  return joinMarket(market.runtime, { sub: "svc_reserve", org: "org_operator", zone: "0" }, 1);
}

/** The operator's own run of what is in doubt, and its decision: the outcome. */
export async function decideBy(
  market: Pick<Market, "runtime">,
  incidentId: string,
  third: Reported,
  reserve?: Party,
): Promise<string> {
  const { runtime } = market;
  const decider = reserve ?? (await joinReserve(market));
  const path = `/internal/v1/fraud/incidents/${incidentId}`;
  // The service does it by itself too, a second later.
  await runtime.post(`${path}/adjudicate`, {}, { token: await runtime.token() });
  await report(market, decider, await claim(market, decider, 20_000), third);
  for (;;) {
    await runtime.post(`${path}/adjudicate`, {}, { token: await runtime.token() });
    const { incident } = (await runtime.get(path, { token: await runtime.token() })).json;
    if (incident.status === "decided") return incident.outcome;
  }
}

/** Both runs and the verdict on them. */
export async function workAndVerify(market: Market, first: Reported, second: Reported = first) {
  const job = await work(market, market.first, first);
  const asked = await verify(market, job);
  assert.equal(asked.json.verification.status, "awaiting_second_opinion", asked.text);
  await work(market, market.second, second);
  const verified = await verify(market, job);
  assert.equal(verified.json.verification.status, "final", verified.text);
  return { job, verified };
}

export async function earnedBy(market: Pick<Market, "runtime">, party: Party): Promise<number> {
  const summary = await market.runtime.get("/internal/v1/treasury/compute/summary", { token: party.token });
  return summary.json.earned_msats;
}

export async function assertBuyerHas(market: Pick<Market, "runtime">, availableMsats: number): Promise<void> {
  const summary = await market.runtime.get("/internal/v1/treasury/compute/summary");
  assert.equal(summary.json.available_msats, availableMsats);
  assert.equal(summary.json.reserved_msats, 0);
}
