// A market over HTTP in which a buyer asks several owners one question that takes judgement.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { startHarness, type Answer, type Harness } from "./harness.ts";
import { grant } from "./ledger-checks.ts";
import { claim, joinMarket, upload, type ClaimedJob, type Party } from "./market.ts";

export const RERANK = "oa.retrieval_rerank.v1";
export const ANALYSIS = "oa.code_chunk_analysis.v1";
const BOTH = [RERANK, ANALYSIS];

/** What the owners ask for a copy, the operator's fee on it, and what the buyer has. */
export const PRICES = [1_000, 2_000, 3_000];
export const FEES = [5, 10, 15];
export const CREDIT = 100_000;

export type PanelMarket = { readonly runtime: Harness; readonly owners: readonly Party[] };

export async function startPanelMarket(
  t: TestContext,
  options: NonNullable<Parameters<typeof startHarness>[1]> & { readonly prices?: readonly number[] } = {},
): Promise<PanelMarket> {
  const runtime = await startHarness(t, options);
  if (options.databaseUrl === undefined) await grant(runtime, CREDIT);
  const owners: Party[] = [];
  for (const [index, price] of (options.prices ?? PRICES).entries())
    owners.push(await joinOwner(runtime, `p${index + 1}`, price));
  return { runtime, owners };
}

/** A worker of an owner of its own, which sells opinions. */
export function joinOwner(
  runtime: Harness,
  name: string,
  price: number,
  changes: object = {},
): Promise<Party> {
  const owner = { sub: `dev_${name}`, org: `org_${name}`, account: `org_${name}`, zone: "1" } as const;
  return joinMarket(runtime, owner, price, { capabilities: BOTH, execution_price_msats: price, ...changes });
}

export async function rerankOf(runtime: Harness): Promise<object> {
  const texts = ["add numbers", "subtract numbers", "draw a cat"];
  const candidates = [];
  for (const [index, text] of texts.entries())
    candidates.push({ candidate_id: `c${index}`, text_sha256: await upload(runtime, text) });
  return { query: "how are numbers added?", candidates, top_k: 2, wall_ms: 60_000 };
}

export async function analysisOf(runtime: Harness): Promise<object> {
  const chunk = async (id: string, text: string) => ({
    chunk_id: id,
    path: `src/${id}.js`,
    text_sha256: await upload(runtime, text),
  });
  const chunks = [await chunk("one", "eval(input)"), await chunk("two", "1 + 1")];
  return { question: "Does it run what a user typed?", chunks, labels: ["safe", "unsafe"], wall_ms: 60_000 };
}

/** Ask for a panel on a fresh run; `request` goes over the ordinary one. */
export async function askPanel(runtime: Harness, request: object = {}, key?: string): Promise<Answer> {
  const run = await runtime.post("/internal/v1/runs", {});
  return runtime.post(
    "/internal/v1/marketplace/compute/quote/panel",
    {
      run_id: run.json.run.run_id,
      ...("code_chunk_analysis" in request ? {} : { retrieval_rerank: await rerankOf(runtime) }),
      redundancy: 3,
      adjudication: "majority_vote",
      market: true,
      ...request,
    },
    key === undefined ? {} : { key },
  );
}

export type Ordered = {
  readonly panelId: string;
  readonly runId: string;
  readonly total: number;
  /** In the order of the quotes. */
  readonly jobIds: readonly string[];
  readonly reservationIds: readonly string[];
};

/** Quote a panel, reserve for each copy, and dispatch it. */
export async function orderPanel(runtime: Harness, request: object = {}): Promise<Ordered> {
  const quoted = await askPanel(runtime, request);
  assert.equal(quoted.status, 200, quoted.text);
  const { panel, quotes } = quoted.json;
  const jobIds: string[] = [];
  const reservationIds: string[] = [];
  for (const quote of quotes) {
    const reserved = await runtime.post("/internal/v1/treasury/compute/reserve", {
      amount_msats: quote.total_price_msats,
      quote_id: quote.quote_id,
    });
    assert.equal(reserved.status, 201, reserved.text);
    const reservationId: string = reserved.json.reservation.reservation_id;
    reservationIds.push(reservationId);
    const dispatched = await runtime.post("/internal/v1/marketplace/dispatch/sandbox-run", {
      quote_id: quote.quote_id,
      reservation_id: reservationId,
    });
    assert.equal(dispatched.status, 201, dispatched.text);
    jobIds.push(dispatched.json.job.job_id);
  }
  return {
    panelId: panel.panel_id,
    runId: panel.run_id,
    total: panel.total_price_msats,
    jobIds,
    reservationIds,
  };
}

/** Take the next job and answer it: the ids of a ranking, best first. */
export async function rank(
  { runtime }: Pick<PanelMarket, "runtime">,
  party: Party,
  ...rankedIds: string[]
): Promise<ClaimedJob> {
  const claimed = await claim({ runtime }, party);
  const answer = await handIn({ runtime }, party, claimed, {
    retrieval_rerank_result: { ranked_ids: rankedIds, remarks: `as ${party.owner.sub} sees it` },
  });
  assert.equal(answer.status, 200, answer.text);
  return claimed.job;
}

export function handIn(
  { runtime }: Pick<PanelMarket, "runtime">,
  party: Party,
  {
    job,
    lease,
  }: { readonly job: { readonly job_id: string }; readonly lease: { readonly lease_id: string } },
  outcome: object,
): Promise<Answer> {
  return runtime.post(
    `/internal/v1/jobs/${job.job_id}/result`,
    { lease_id: lease.lease_id, ...outcome },
    { token: party.token },
  );
}

export function decide({ runtime }: Pick<PanelMarket, "runtime">, panelId: string, key?: string) {
  return runtime.post(`/internal/v1/panels/${panelId}/decide`, {}, key === undefined ? {} : { key });
}

export async function adjudicate(
  { runtime }: Pick<PanelMarket, "runtime">,
  panelId: string,
  body: object,
  options: { readonly key?: string; readonly sub?: string } = {},
): Promise<Answer> {
  const { key, sub } = options;
  return runtime.post(`/internal/v1/panels/${panelId}/adjudicate`, body, {
    ...(key === undefined ? {} : { key }),
    ...(sub === undefined ? {} : { token: await runtime.token({ sub }) }),
  });
}

export async function panelOf({ runtime }: Pick<PanelMarket, "runtime">, panelId: string) {
  return (await runtime.get(`/internal/v1/panels/${panelId}`)).json.panel;
}

/** Settle each job, and say what became of it: what its provider got, or why nothing. */
export async function settleAll(
  { runtime }: Pick<PanelMarket, "runtime">,
  jobs: readonly { readonly job_id: string }[],
): Promise<(number | string)[]> {
  const came: (number | string)[] = [];
  for (const { job_id } of jobs) {
    const { json, text } = await runtime.post("/internal/v1/treasury/compute/settle/sandbox-run", { job_id });
    assert.ok(json.settlement, text);
    came.push(json.settlement.withheld_reason ?? json.settlement.provider_msats);
  }
  return came;
}

export async function strikesOf(
  { runtime }: Pick<PanelMarket, "runtime">,
  { workerId, token }: Party,
): Promise<number> {
  return (await runtime.get(`/internal/v1/workers/${workerId}`, { token })).json.worker.strikes;
}
