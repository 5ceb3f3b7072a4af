// A session of a run before a market of one order at a time, in memory, for the
// tests of buying and closing. Each method can be made to answer something else.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  ProblemError,
  type CallOptions,
  type Incident,
  type Job,
  type Quote,
  type SandboxRunSpec,
  type Settlement,
  type VerificationResult,
  type Worker,
} from "@openagents/contracts";
import { runtimeClients } from "../clients.ts";
import { sha256Of } from "./run-files.ts";
import { createJournal, type Attempt, type Journal } from "./journal.ts";
import { trackSteps } from "./progress.ts";
import { openRunLog } from "./run-log.ts";
import { DEFAULT_LIMITS } from "./run.ts";
import type { Session } from "./session.ts";

export const RUN_ID = `run_${"0".repeat(32)}`;
const NEVER = new AbortController().signal;

const SPEC: SandboxRunSpec = {
  baseBundleSha256: "a".repeat(64),
  baseCommit: "b".repeat(40),
  baseTree: "c".repeat(40),
  patchSha256: "d".repeat(64),
  patchTestPaths: [],
  guardPaths: [],
  checkPaths: [],
  layers: [],
  commands: ["true"],
  limits: { ...DEFAULT_LIMITS, wallMs: 1_000n },
  toolchains: [],
};

export const QUOTE: Quote = {
  quoteId: "qte_1",
  runId: RUN_ID,
  jobHash: "e".repeat(64),
  capability: "oa.sandbox_run.v1",
  providerWorkerId: "wrk_1",
  providerPriceMsats: 40n,
  operatorFeeMsats: 10n,
  totalPriceMsats: 100n,
  issuedAt: 0,
  validUntil: 0,
  quoteSha256: "f".repeat(64),
  secondOpinion: {
    providerWorkerId: "wrk_2",
    assurance: "self",
    providerPriceMsats: 40n,
    operatorFeeMsats: 10n,
  },
  payOn: "outcome",
  policy: "cheapest",
  policyAdderMsats: 0n,
  supplyClass: "single_node",
  market: false,
  providerOrg: "org_1",
  signature: {
    scheme: "secp256k1_schnorr_no_aux_rand",
    signerPubkey: "0".repeat(64),
    signatureHex: "0".repeat(128),
  },
  verificationPolicy: "always",
  expectedPriceMsats: 100n,
};

export const RESERVATION = {
  reservationId: "rsv_1",
  org: "org_a",
  amountMsats: 100n,
  status: "reserved",
  createdAt: 0,
} as const;

export const PROVEN: VerificationResult = {
  jobId: "job_1",
  verdict: "proven",
  assurance: "self",
  proof: "by_tests",
  violations: [],
  because: "a rule",
  status: "final",
  disagreement: false,
  reviewPaths: [],
};

export const SETTLEMENT: Settlement = {
  jobId: "job_1",
  reservationId: "rsv_1",
  status: "released",
  payOn: "outcome",
  providerMsats: 80n,
  operatorFeeMsats: 20n,
  secondOpinionMsats: 0n,
  verificationReceiptId: "vrfy_1",
  settledAt: 0,
};

const INCIDENT: Incident = {
  incidentId: "inc_1",
  kind: "disagreement",
  status: "open",
  runId: RUN_ID,
  jobId: "job_1",
  firstWorkerId: "wrk_1",
  detail: "",
  openedAt: 0,
  evidence: [],
};

export function jobOf(jobId: string, changes: Partial<Job> = {}): Job {
  return {
    jobId,
    runId: RUN_ID,
    jobHash: QUOTE.jobHash,
    status: "reported",
    quoteId: "qte_1",
    reservationId: "rsv_1",
    providerWorkerId: "wrk_1",
    spec: SPEC,
    createdAt: 0,
    updatedAt: 0,
    purpose: "work",
    repeats: 1,
    ...changes,
  };
}

/** As the runtime refuses: decided, and kept under its key. */
export function refusal(reason: string, status = 409): ProblemError {
  return new ProblemError({ status, code: "refused_state", reason, detail: `Refused: ${reason}.` });
}

/** What the market does; `key` is the command's. */
export type Market = {
  readonly reserve: (key: string) => void;
  readonly dispatch: (key: string) => void;
  readonly giveBack: () => void;
  readonly job: (jobId: string, nowMs: number) => Job;
  readonly verify: (key: string) => VerificationResult;
  readonly verification: () => VerificationResult;
  readonly review: (key: string, note: string) => void;
  readonly settle: (key: string) => Settlement;
  readonly incident: (nowMs: number) => Pick<Incident, "status" | "outcome">;
  readonly providers: () => readonly Worker[];
};

export type Fixture = { readonly session: Session; readonly calls: string[] };

export async function sessionOn(
  t: TestContext,
  {
    attempts,
    market = {},
    budgetMsats = 1_000n,
  }: {
    readonly attempts: readonly Attempt[];
    readonly market?: Partial<Market>;
    readonly budgetMsats?: bigint;
  },
): Promise<Fixture> {
  const parent = await mkdtemp(join(tmpdir(), "order-"));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const folder = join(parent, RUN_ID);
  const journal = await createJournal(folder, journalOf(attempts, budgetMsats));
  const calls: string[] = [];
  let nowMs = 0;
  const clients = clientsOf(market, calls, () => nowMs);
  const session: Session = {
    deps: {
      client: { baseUrl: "", token: "" },
      runsDir: parent,
      sessionsDir: parent,
      agentOf: () => {
        throw new Error("no agent is asked");
      },
      env: {},
      signal: NEVER,
    },
    clients,
    async pause(ms, signal) {
      nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      return !signal.aborted;
    },
    nowMs: () => nowMs,
    runId: RUN_ID,
    folder,
    journal,
    hold: {
      epoch: 1n,
      signal: NEVER,
      assertHeld: async () => undefined,
      release: async () => undefined,
    },
    log: openRunLog(clients.runs, RUN_ID, 1n),
    steps: trackSteps(() => undefined),
    signal: NEVER,
    uploads: { has: () => false, put: async (data) => sha256Of(data) },
    secrets: [],
    redact: (text) => text,
  };
  return { session, calls };
}

export async function specOf(): Promise<SandboxRunSpec> {
  return SPEC;
}

function journalOf(attempts: readonly Attempt[], budgetMsats: bigint): Journal {
  return {
    runId: RUN_ID,
    createdAtMs: 0,
    request: {
      repo: "/srv/x",
      issue: { title: "t", body: "b" },
      agent: "codex",
      checks: ["true"],
      budgetMsats,
      attemptsMax: 3,
      secondOpinion: "any",
      layers: false,
      allowScripts: false,
      limits: DEFAULT_LIMITS,
    },
    attempts,
  };
}

/** What no test expects goes to nowhere, and fails. */
function clientsOf(market: Partial<Market>, calls: string[], nowMs: () => number): Session["clients"] {
  const nowhere = runtimeClients({ baseUrl: "http://127.0.0.1:9", token: "" });
  let quotes = 0;
  let jobs = 0;
  const call = (name: string, options: CallOptions = {}): string => {
    calls.push(name);
    return options.idempotencyKey ?? "";
  };
  return {
    ...nowhere,
    runs: {
      ...nowhere.runs,
      async listRunEvents() {
        return { events: [], latestSeq: 0n };
      },
      async appendRunEvent({ eventType, payload }) {
        const event = { seq: 1n, eventType, payload, payloadHash: "", recordedAt: 0 };
        return { event, status: "running", trajectoryHash: "" };
      },
    },
    marketplace: {
      ...nowhere.marketplace,
      async quoteSandboxRun(_, options) {
        call("quote", options);
        quotes += 1;
        return { quote: { ...QUOTE, quoteId: `qte_${quotes}` }, losers: [], receiptId: "quot" };
      },
      async dispatchSandboxRun(_, options) {
        market.dispatch?.(call("dispatch", options));
        jobs += 1;
        return { job: jobOf(`job_${jobs}`), receiptId: "jdis" };
      },
      async listProviders() {
        return { providers: market.providers?.() ?? [], records: [] };
      },
    },
    jobs: {
      ...nowhere.jobs,
      async getJob({ jobId }) {
        return { job: market.job?.(jobId, nowMs()) ?? jobOf(jobId) };
      },
    },
    treasury: {
      ...nowhere.treasury,
      async reserveCompute({ quoteId = "" }, options) {
        market.reserve?.(call("reserve", options));
        const reservationId = quoteId.replace("qte", "rsv");
        return { reservation: { ...RESERVATION, reservationId }, receiptId: "bres" };
      },
      async voidReservation(_, options) {
        call("void", options);
        market.giveBack?.();
        return { reservation: { ...RESERVATION, status: "voided" }, receiptId: "rvd" };
      },
      async settleSandboxRun(_, options) {
        const key = call("settle", options);
        return { settlement: market.settle?.(key) ?? SETTLEMENT, receiptId: "pay" };
      },
      async getSettlement() {
        calls.push("read settlement");
        return { settlement: SETTLEMENT, receiptId: "pay" };
      },
    },
    fraud: {
      ...nowhere.fraud,
      async getIncident({ incidentId }) {
        calls.push("read incident");
        const told = market.incident?.(nowMs());
        if (told === undefined) throw new Error(`nobody knows ${incidentId}`);
        return { incident: { ...INCIDENT, incidentId, ...told } };
      },
    },
    verification: {
      ...nowhere.verification,
      async verifySandboxRun({ jobId }, options) {
        const key = call("verify", options);
        return { verification: market.verify?.(key) ?? { ...PROVEN, jobId }, receiptId: "vrfy" };
      },
      async reviewVerification({ jobId, decision, note }, options) {
        market.review?.(call("review", options), note);
        return {
          verification: { ...PROVEN, jobId, verdict: "needs_review", review: decision },
          receiptId: "rvw",
        };
      },
      async getVerification({ jobId }) {
        calls.push("read verification");
        return { verification: market.verification?.() ?? { ...PROVEN, jobId } };
      },
    },
  };
}
