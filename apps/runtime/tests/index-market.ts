// The market of `market.ts` with an index of a small tree bought in it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { describeContent, makeRepoIndex, treeIdOf, type IndexEntry } from "@openagents/proof";
import { canonicalize, sha256Hex } from "@openagents/receipts";
import { startHarness, type Harness } from "./harness.ts";
import { grant } from "./ledger-checks.ts";
import {
  PRICE,
  SECOND_PRICE,
  TOTAL,
  claim,
  joinMarket,
  upload,
  type Claimed,
  type ClaimedJob,
  type Party,
} from "./market.ts";

export const ENTRIES = [file("README.md", "# Title\n"), file("src/sum.js", "export const sum = 0;\n")];
export const TREE = treeIdOf(ENTRIES) ?? "";
const BOTH = { capabilities: ["oa.sandbox_run.v1", "oa.repo_index.v1"] };

export function file(path: string, text: string): IndexEntry {
  const bytes = Buffer.from(text);
  const id = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  return { path, mode: "100644", id, content: describeContent(bytes) };
}

export type IndexMarket = {
  readonly runtime: Harness;
  readonly first: Party;
  readonly second: Party;
  readonly runId: string;
  readonly spec: object;
  readonly quote: { readonly quote_id: string; readonly total_price_msats: number };
  readonly reservationId: string;
};

export async function startIndexMarket(
  t: TestContext,
  options: { readonly ownProcess?: true } = {},
): Promise<IndexMarket> {
  const runtime = await startHarness(t, options);
  await grant(runtime, TOTAL);
  const first = await joinMarket(runtime, { sub: "dev_provider", org: "org_provider" }, PRICE, BOTH);
  const second = await joinMarket(runtime, { sub: "dev_own", org: "org_a" }, SECOND_PRICE, BOTH);
  return { runtime, first, second, ...(await orderIndex(runtime)) };
}

export async function specOf(runtime: Harness): Promise<object> {
  return {
    base_bundle_sha256: await upload(runtime, "a git bundle"),
    base_commit: "a".repeat(40),
    base_tree: TREE,
    files_max: 10,
    bytes_max: 10_000,
    wall_ms: 60_000,
  };
}

export async function askQuote(runtime: Harness, change: object = {}, request: object = {}) {
  const run = await runtime.post("/internal/v1/runs", {});
  const runId: string = run.json.run.run_id;
  const spec = { ...(await specOf(runtime)), ...change };
  const answer = await runtime.post("/internal/v1/marketplace/compute/quote/repo-index", {
    run_id: runId,
    spec,
    ...request,
  });
  return { runId, spec, answer };
}

async function orderIndex(runtime: Harness) {
  const { runId, spec, answer } = await askQuote(runtime);
  assert.equal(answer.status, 200, answer.text);
  const { quote } = answer.json;
  const reserved = await runtime.post("/internal/v1/treasury/compute/reserve", {
    amount_msats: quote.total_price_msats,
    quote_id: quote.quote_id,
  });
  const reservationId: string = reserved.json.reservation.reservation_id;
  const order = { quote_id: quote.quote_id, reservation_id: reservationId };
  const dispatched = await runtime.post("/internal/v1/marketplace/dispatch/sandbox-run", order);
  assert.equal(dispatched.status, 201, dispatched.text);
  return { runId, spec, quote, reservationId };
}

export function joinIndexReserve({ runtime }: IndexMarket): Promise<Party> {
  return joinMarket(runtime, { sub: "svc_reserve", org: "org_operator", zone: "0" }, 1, BOTH);
}

/** The bytes of an index, and what its provider says of them. */
export type Made = {
  readonly bytes: string;
  readonly result: { readonly index_sha256: string; readonly [field: string]: unknown };
};

export function indexOf(entries: readonly IndexEntry[], tree = TREE, change: object = {}): Made {
  const index = { ...makeRepoIndex(tree, entries), ...change };
  const bytes = canonicalize(index);
  const { files, bytes: content, lines } = index.totals;
  return {
    bytes,
    result: {
      tree,
      index_sha256: sha256Hex(bytes),
      index_bytes: Buffer.byteLength(bytes),
      files,
      bytes: content,
      lines,
    },
  };
}

export const HONEST = indexOf(ENTRIES);

/** Follows every rule that needs no tree to check, and says other lines of a file than it has. */
export const MISCOUNTED = indexOf(
  ENTRIES.map((entry) =>
    entry.content === undefined ? entry : { ...entry, content: { ...entry.content, lines: 0 } },
  ),
);

export function submit(
  { runtime }: Pick<IndexMarket, "runtime">,
  party: Party,
  { job, lease }: Claimed,
  outcome: object,
) {
  return runtime.post(
    `/internal/v1/jobs/${job.job_id}/result`,
    { lease_id: lease.lease_id, ...outcome },
    { token: party.token },
  );
}

/** Take the next job, and hand in this index for it. */
export async function makeIndex(
  market: Pick<IndexMarket, "runtime">,
  party: Party,
  made: Made,
  waitMs = 0,
): Promise<ClaimedJob> {
  const claimed = await claim(market, party, waitMs);
  await upload(market.runtime, made.bytes, party.token, claimed.lease.lease_id);
  const answer = await submit(market, party, claimed, { repo_index_result: made.result });
  assert.equal(answer.status, 200, answer.text);
  return claimed.job;
}
