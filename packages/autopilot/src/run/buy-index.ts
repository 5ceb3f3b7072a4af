// Buying an index of a tree: one run with one order, from the snapshot to the file.
//
// It is short and its work is worth the same to whoever asks again, so that nothing
// of it is resumed: one that stops gives back what no provider has taken.

import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  BuyingPolicy,
  Quote,
  RepoIndexResult,
  RepoIndexSpec,
  SecondOpinion,
  Settlement,
  VerificationResult,
} from "@openagents/contracts";
import { sha256Hex } from "@openagents/receipts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import { parseSource, takeBase } from "../workspace/index.ts";
import { awaitReport } from "./await-report.ts";
import { holdRun } from "./executor.ts";
import { trackSteps } from "./progress.ts";
import type { RunDeps } from "./run.ts";
import { bounded, openRunLog } from "./run-log.ts";
import { toolsOf, type Buyer } from "./session.ts";
import { settleJob } from "./settle-job.ts";
import { openUploads } from "./uploads.ts";
import { awaitVerdict } from "./verify.ts";

export type IndexDeps = Pick<
  RunDeps,
  "client" | "clients" | "nowMs" | "onOpen" | "onProgress" | "pause" | "signal"
>;

export type IndexRequest = {
  /** A folder, or an address to clone. */
  readonly repo: string;
  readonly budgetMsats: bigint;
  readonly secondOpinion?: SecondOpinion;
  readonly policy?: BuyingPolicy;
  readonly market?: boolean;
};

export type BoughtIndex = {
  readonly runId: string;
  readonly jobId: string;
  readonly tree: string;
  /** Files that were changed and not committed, which are not in the tree. */
  readonly uncommitted: number;
  readonly verification: VerificationResult;
  readonly settlement: Settlement;
  /** With its result, when its money was released: an index that nobody confirmed is none. */
  readonly index: { readonly result: RepoIndexResult; readonly bytes: Buffer } | undefined;
};

const LIMITS: Pick<RepoIndexSpec, "filesMax" | "bytesMax" | "wallMs"> = {
  filesMax: 20_000,
  bytesMax: 512n * 1024n * 1024n,
  wallMs: 120_000n,
};

const CLOSING_MS_MAX = 15_000;

/**
 * Buy the index of a repository's HEAD, or of a plain folder. Rejects with what
 * snapshots, the runtime and providers refuse, and `budget_exceeded`.
 */
export async function buyIndex(deps: IndexDeps, request: IndexRequest): Promise<BoughtIndex> {
  const tools = toolsOf(deps);
  const { runs } = tools.clients;
  const { run } = await runs.createRun(
    { metadata: { job_type: "oa.repo_index.v1", budget_msats: Number(request.budgetMsats) } },
    { idempotencyKey: randomUUID(), signal: deps.signal },
  );
  const { runId } = run;
  deps.onOpen?.(runId);
  const hold = await holdRun({ ...tools, runs }, runId, deps.signal, () => undefined);
  const signal = AbortSignal.any([deps.signal, hold.signal]);
  const steps = trackSteps((progress) => deps.onProgress?.(progress));
  const log = openRunLog(runs, runId, hold.epoch);
  const order: Order = { reservationId: undefined };
  try {
    const bought = await purchase({ ...tools, signal, steps }, runId, request, order);
    const status = bought.settlement.status === "released" ? "succeeded" : "failed";
    await log.append("run.finished", { status }, signal);
    return bought;
  } catch (cause) {
    const closing = AbortSignal.timeout(CLOSING_MS_MAX);
    const { reservationId } = order;
    const { voidReservation } = tools.clients.treasury;
    // What a provider has taken already is settled by the runtime in its time.
    if (reservationId !== undefined)
      await voidReservation({ reservationId }, { signal: closing }).catch(() => undefined);
    const detail = bounded(cause instanceof Error ? cause.message : String(cause));
    await log.append("run.finished", { status: "failed", detail }, closing).catch(() => undefined);
    throw cause;
  } finally {
    await hold.release();
  }
}

/** What is set aside, as far as it is known. */
type Order = { reservationId: string | undefined };

async function purchase(
  buyer: Buyer,
  runId: string,
  request: IndexRequest,
  order: Order,
): Promise<BoughtIndex> {
  const { clients, signal, steps } = buyer;
  const { spec, uncommitted } = await steps.step(
    "workspace",
    () => uploadTree(buyer, request.repo),
    ({ spec: { baseTree } }) => `tree ${baseTree}`,
  );
  const { quote } = await steps.step(
    "quote",
    () => {
      const { secondOpinion, policy, market } = request;
      return clients.marketplace.quoteRepoIndex(
        { runId, spec, secondOpinion, policy, market },
        { idempotencyKey: `${runId}:quote`, signal },
      );
    },
    (made) => describeQuote(made.quote, request),
  );
  assertFits(quote, request);
  const { reservation } = await steps.step(
    "reserve",
    () =>
      clients.treasury.reserveCompute(
        { amountMsats: quote.totalPriceMsats, runId, quoteId: quote.quoteId },
        { idempotencyKey: `${runId}:reserve`, signal },
      ),
    (made) => `${made.reservation.amountMsats} msats set aside`,
  );
  const { reservationId } = reservation;
  order.reservationId = reservationId;
  const { job } = await clients.marketplace.dispatchSandboxRun(
    { quoteId: quote.quoteId, reservationId },
    { idempotencyKey: `${runId}:dispatch`, signal },
  );
  const { jobId } = job;
  const reported = await steps.step(
    "job",
    (say) => awaitReport(buyer, jobId, say),
    ({ failure }) =>
      failure === undefined ? "the provider has reported" : `the provider could not: ${failure.code}`,
  );
  const verification = await awaitVerdict(buyer, jobId, runId, async () => undefined);
  const settlement = await settleJob(buyer, verification, `${runId}:settle`, async () => undefined);
  const result = settlement.status === "released" ? reported.repoIndexResult : undefined;
  const index = result === undefined ? undefined : { result, bytes: await fetchIndex(buyer, result) };
  return { runId, jobId, tree: spec.baseTree, uncommitted, verification, settlement, index };
}

async function uploadTree(
  { clients, signal }: Buyer,
  repo: string,
): Promise<{ readonly spec: RepoIndexSpec; readonly uncommitted: number }> {
  const folder = await mkdtemp(join(tmpdir(), "openagents-index-"));
  try {
    const { base, uncommitted } = await takeBase(parseSource(repo, "/"), folder, signal);
    const bundle = await readFile(base.bundleFile);
    const baseBundleSha256 = await openUploads(clients.artifacts, signal).put(bundle);
    const { commit: baseCommit, tree: baseTree } = base;
    return { spec: { baseBundleSha256, baseCommit, baseTree, ...LIMITS }, uncommitted };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchIndex(
  { clients, pause, signal }: Buyer,
  { indexSha256 }: RepoIndexResult,
): Promise<Buffer> {
  const read = () => clients.artifacts.getArtifact({ sha256: indexSha256 }, { signal });
  const { data } = await reading(read, signal, pause);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (sha256Hex(bytes) === indexSha256) return bytes;
  throw new AutopilotError("artifact_damaged", `The index ${indexSha256} came as other bytes.`);
}

function assertFits({ totalPriceMsats }: Quote, { budgetMsats }: IndexRequest): void {
  if (totalPriceMsats <= budgetMsats) return;
  throw new AutopilotError(
    "budget_exceeded",
    `The index costs ${totalPriceMsats} msats, and the budget is ${budgetMsats} msats. Raise it, or find a cheaper provider.`,
  );
}

function describeQuote(quote: Quote, { budgetMsats }: IndexRequest): string {
  return `${quote.totalPriceMsats} msats of a budget of ${budgetMsats} msats, by ${quote.providerWorkerId}`;
}
