// A run's receipts and log, made as the runtime makes them, without a runtime:
// what a bundle is written from. The verdicts are computed here once more.

import assert from "node:assert/strict";
import {
  ProblemError,
  encode,
  sandboxRunResultDesc,
  sandboxRunSpecDesc,
  type CommandResult,
  type LegResult,
  type SignedReceipt,
} from "@openagents/contracts";
import {
  decideVerdict,
  readReport,
  type GuardOutcome,
  type LegOutcome,
  type VerdictDecision,
} from "@openagents/proof";
import {
  canonicalize,
  chainEvent,
  formatNoteKey,
  noteKeyOf,
  payloadHash,
  publicKeyOf,
  quoteHash,
  sealReceipt,
  sha256Hex,
  signCheckpoint,
  signHash,
  signReceipt,
  type JsonObject,
  type Receipt,
} from "@openagents/receipts";
import { auditPath, leafOf, treeHash } from "@openagents/testing";
import type { BundleClients } from "../src/bundle/index.ts";
import type { LegPlan, LegRun } from "../src/legs/index.ts";
import type { SmallJob } from "./small-project.ts";

export const OPERATOR_SECRET = "11".repeat(32);
export const OPERATOR_KEY = publicKeyOf(OPERATOR_SECRET);

const LOG_ORIGIN = "log.example/recorded";
const LOG_SECRET = "22".repeat(32);
export const LOG_KEY = formatNoteKey(noteKeyOf(LOG_ORIGIN, LOG_SECRET));

const START_MS = Date.parse("2026-01-02T03:04:05.000Z");
const RUN_ID = `run_${"1".repeat(32)}`;
const FIRST = `wrk_${"a".repeat(32)}`;
const SECOND = `wrk_${"b".repeat(32)}`;
const THIRD = `wrk_${"c".repeat(32)}`;
const PRICES = { first: 10_000, firstFee: 50, second: 8_000, secondFee: 40 } as const;

/** One bought job and what became of it. */
export type RecordedAttempt = {
  readonly job: SmallJob;
  readonly plan: LegPlan;
  readonly legs: readonly LegRun[] | { readonly failure: string };
  /** Absent: nobody was asked. */
  readonly second?: readonly LegRun[] | { readonly failure: string };
  /** Who was quoted for the second run went away, and another was asked; or the same one again, which may be when it was stopped. */
  readonly away?: "replaced" | "asked_again" | "stopped";
  /** What who was quoted for the second run reported, before another was asked. */
  readonly passedOver?: readonly LegRun[];
  readonly review?: "accepted" | "rejected";
  /** What the first provider is paid for; `outcome` when absent. */
  readonly payOn?: "outcome" | "execution";
  /** What the first provider asks for; its price when absent. */
  readonly charged?: number;
  /** Who had the job one after the other, when the quoted provider could not do it. */
  readonly fellBackTo?: readonly string[];
};

export type Recorder = {
  readonly runId: string;
  readonly clients: BundleClients;
  readonly artifacts: Map<string, Buffer>;
  recordAttempt(attempt: RecordedAttempt): void;
  finish(status: "succeeded" | "failed"): void;
};

export function createRecorder(): Recorder {
  let ticks = 0;
  let ids = 0;
  const time = () => new Date(START_MS + ticks++).toISOString();
  const newId = (prefix: string) => `${prefix}_${(ids += 1).toString(16).padStart(32, "0")}`;
  const artifacts = new Map<string, Buffer>();
  const receipts: Receipt[] = [];
  const events: { seq: number; event_type: string; payload: JsonObject; recorded_at: string }[] = [];
  let chain = "0".repeat(64);
  let status = "running";
  let bundle: SignedReceipt | undefined;

  const seal = (schema: string, facts: JsonObject): Receipt => {
    const receipt = sealReceipt({
      schema,
      nonce: sha256Hex(`${schema}${receipts.length}`).slice(0, 32),
      occurred_at: time(),
      actor: "usr_buyer",
      tenant: "org_buyer",
      run_id: RUN_ID,
      ...facts,
    });
    receipts.push(receipt);
    return receipt;
  };
  const append = (eventType: string, payload: JsonObject) => {
    const event = { seq: events.length + 1, event_type: eventType, payload, recorded_at: time() };
    chain = chainEvent(events.length === 0 ? undefined : chain, event);
    events.push(event);
  };
  const record = (schema: string, eventType: string, facts: JsonObject): Receipt => {
    const receipt = seal(schema, facts);
    append(eventType, { run_id: RUN_ID, ...facts, receipt_id: receipt.receipt_id });
    return receipt;
  };
  const store = (bytes: Buffer): string => {
    const sha256 = sha256Hex(bytes);
    artifacts.set(sha256, bytes);
    return sha256;
  };
  const dispatch = (facts: JsonObject): Receipt =>
    record("openagents.runtime.job_dispatched.v1", "job.dispatched", facts);
  const complete = (
    job: Receipt,
    run: readonly LegRun[] | { readonly failure: string },
    charged?: number,
  ) => {
    const result = "failure" in run ? undefined : encode(sandboxRunResultDesc, resultOf(run, store));
    const receipt = record("openagents.runtime.job_completed.v1", "job.reported", {
      job_id: job["job_id"] ?? "",
      job_hash: job["job_hash"] ?? "",
      provider_worker_id: job["provider_worker_id"] ?? "",
      dispatch_receipt_id: job.receipt_id,
      ...(charged === undefined ? {} : { charged_msats: charged }),
      ...("failure" in run
        ? { outcome: "failed", failure_code: run.failure }
        : { outcome: "reported", result_sha256: sha256Hex(canonicalize(result ?? {})) }),
    });
    return { receipt, result };
  };

  const recordAttempt = ({
    job,
    plan,
    legs,
    second,
    away,
    passedOver,
    review,
    payOn = "outcome",
    charged,
    fellBackTo = [],
  }: RecordedAttempt): void => {
    for (const bytes of job.inputs.values()) store(bytes);
    const spec = encode(sandboxRunSpecDesc, job.spec);
    const jobHash = sha256Hex(canonicalize(spec));
    const total = Object.values(PRICES).reduce((sum, part) => sum + part, 0);
    const terms: JsonObject = {
      run_id: RUN_ID,
      quote_id: newId("qte"),
      job_hash: jobHash,
      pay_on: payOn,
      provider_worker_id: FIRST,
      provider_price_msats: PRICES.first,
      operator_fee_msats: PRICES.firstFee,
      policy_adder_msats: 0,
      second_opinion: {
        provider_worker_id: SECOND,
        assurance: "self",
        provider_price_msats: PRICES.second,
        operator_fee_msats: PRICES.secondFee,
      },
      total_price_msats: total,
      valid_until: "2100-01-01T00:00:00.000Z",
    };
    const quoteSha256 = quoteHash(terms);
    const quote = record("openagents.marketplace.quote.v1", "quote.selected", {
      ...terms,
      quote_sha256: quoteSha256,
      quote_signature: { ...signHash(quoteSha256, OPERATOR_SECRET) },
      losers: [],
    });
    const reservation = record("openagents.treasury.budget_reserved.v1", "budget.reserved", {
      reservation_id: newId("rsv"),
      amount_msats: total,
      quote_id: quote["quote_id"] ?? "",
    });
    const order = {
      job_hash: jobHash,
      quote_id: quote["quote_id"] ?? "",
      quote_receipt_id: quote.receipt_id,
      reservation_id: reservation["reservation_id"] ?? "",
      reservation_receipt_id: reservation.receipt_id,
      spec,
    };
    const jobId = newId("job");
    const first = dispatch({ ...order, job_id: jobId, purpose: "work", provider_worker_id: FIRST });
    for (const [index, to] of fellBackTo.entries()) {
      append("job.lease_lapsed", {
        run_id: RUN_ID,
        job_id: jobId,
        provider_worker_id: fellBackTo[index - 1] ?? FIRST,
      });
      record("openagents.runtime.fallback_provider_used.v1", "job.reassigned", {
        job_id: jobId,
        job_hash: jobHash,
        quote_id: order.quote_id,
        reservation_id: order.reservation_id,
        dispatch_receipt_id: first.receipt_id,
        from_worker_id: fellBackTo[index - 1] ?? FIRST,
        provider_worker_id: to,
        because: "lease_lapsed",
        policy: "market",
        fallback_number: index + 1,
      });
    }
    const doer = fellBackTo.at(-1) ?? FIRST;
    const reported = complete({ ...first, provider_worker_id: doer }, legs, charged);
    const decision = "failure" in legs ? undefined : decide(job, plan, legs);
    const about = {
      job_id: jobId,
      job_hash: jobHash,
      dispatch_receipt_id: first.receipt_id,
      completed_receipt_id: reported.receipt.receipt_id,
      provider_worker_id: doer,
    };
    let replaced: JsonObject = {};
    const ask = (worker: string) => orderSecond(order, about, reported, decision, worker, replaced);
    const quoted = away === undefined && passedOver === undefined ? undefined : ask(SECOND).job;
    if (quoted !== undefined) replaced = { replaces_job_id: quoted["job_id"] ?? "" };
    if (quoted !== undefined && passedOver !== undefined) {
      const { result } = complete(quoted, passedOver);
      replaced = { ...replaced, replaced_result: result ?? {} };
    } else if (quoted !== undefined && away === "stopped") complete(quoted, { failure: "provider_stopped" });
    else if (quoted !== undefined) {
      const abandoned = quoted;
      record("openagents.runtime.job_canceled.v1", "job.canceled", {
        job_id: abandoned["job_id"] ?? "",
        job_hash: jobHash,
        provider_worker_id: SECOND,
        dispatch_receipt_id: abandoned.receipt_id,
        reason: "provider_away",
      });
    }
    const again =
      second === undefined
        ? undefined
        : runSecond(ask(away === "replaced" || passedOver !== undefined ? THIRD : SECOND), second);
    const other = second === undefined || "failure" in second ? undefined : decide(job, plan, second);
    const isAnswer = other !== undefined && other.verdict !== "inconclusive";
    const agreed = isAnswer && agree(reported.result, again?.result) && decision?.verdict === other.verdict;
    const disagreement = isAnswer && !agreed;
    const isConfirmed = again === undefined || agreed;
    const verdict = isConfirmed ? (decision?.verdict ?? "inconclusive") : "inconclusive";
    const guard = "failure" in legs ? undefined : legs.find(({ leg }) => leg === "guard");
    const guardExitCode = guard?.commands.at(-1)?.exitCode;
    const verification = record("openagents.runtime.verification.v2", "verification.recorded", {
      ...about,
      base_bundle_sha256: job.spec.baseBundleSha256,
      base_commit: job.spec.baseCommit,
      base_tree: job.spec.baseTree,
      patch_sha256: job.spec.patchSha256,
      verdict,
      because: isConfirmed ? (decision?.because ?? "the provider could not run it") : "not confirmed",
      assurance: agreed ? "self" : "provider",
      proof: decision?.proof ?? "by_exit_code",
      violations: [],
      disagreement,
      review_paths: [...(decision?.reviewPaths ?? [])],
      ...(guardExitCode === undefined ? {} : { guard_exit_code: guardExitCode }),
      ...(decision?.testsFixed === undefined ? {} : { tests_fixed: decision.testsFixed }),
      ...(decision?.testsKept === undefined ? {} : { tests_kept: decision.testsKept }),
      ...("failure" in legs ? { failure_code: legs.failure } : { result: reported.result ?? {} }),
      ...again?.facts,
      ...(disagreement ? { incident_id: newId("inc") } : {}),
    });
    const reviewed =
      review === undefined
        ? undefined
        : record("openagents.runtime.review.v1", "verification.reviewed", {
            job_id: jobId,
            verification_receipt_id: verification.receipt_id,
            decision: review,
            note: "looked at",
          });
    const waits = verdict === "needs_review" && payOn === "outcome";
    if (waits && review === undefined) return;
    const released = agreed && (payOn === "execution" || verdict === "proven" || review === "accepted");
    const paysSecond = agreed;
    record("openagents.treasury.payment_receipt.v2", released ? "payment.released" : "payment.withheld", {
      job_id: jobId,
      job_hash: jobHash,
      quote_id: order.quote_id,
      reservation_id: order.reservation_id,
      provider_worker_id: doer,
      status: released ? "released" : "withheld",
      pay_on: payOn,
      amount_msats: released ? Math.min(PRICES.first, charged ?? PRICES.first) : 0,
      operator_fee_msats: (released ? PRICES.firstFee : 0) + (paysSecond ? PRICES.secondFee : 0),
      ...(released ? {} : { withheld_reason: `verdict_${verdict}` }),
      ...(again === undefined ? {} : { second_opinion_worker_id: again.worker }),
      second_opinion_msats: paysSecond ? PRICES.second : 0,
      verification_receipt_id: verification.receipt_id,
      verification_receipt_sha256: verification.canonical_json_sha256,
      ...(reviewed === undefined ? {} : { review_receipt_id: reviewed.receipt_id }),
    });
  };

  const orderSecond = (
    order: JsonObject,
    about: JsonObject,
    reported: { readonly receipt: Receipt },
    decision: VerdictDecision | undefined,
    worker: string,
    replaced: JsonObject,
  ) => {
    const secondJobId = newId("job");
    const job = dispatch({
      ...order,
      job_id: secondJobId,
      purpose: "second_opinion",
      primary_job_id: about["job_id"] ?? "",
      provider_worker_id: worker,
    });
    record("openagents.runtime.second_opinion.v1", "verification.second_opinion_requested", {
      ...about,
      second_job_id: secondJobId,
      verdict: decision?.verdict ?? "",
      because: decision?.because ?? "",
      second_dispatch_receipt_id: job.receipt_id,
      result_sha256: reported.receipt["result_sha256"] ?? "",
      ...replaced,
    });
    return { job, worker };
  };

  const runSecond = (
    { job, worker }: { readonly job: Receipt; readonly worker: string },
    run: readonly LegRun[] | { readonly failure: string },
  ) => {
    const { receipt, result } = complete(job, run);
    const facts = {
      second_job_id: job["job_id"] ?? "",
      second_worker_id: worker,
      second_completed_receipt_id: receipt.receipt_id,
      ...("failure" in run ? { second_failure_code: run.failure } : { second_result: result ?? {} }),
    };
    return { facts, result, worker };
  };

  const started = { issue: { title: "sum is wrong", body: "It subtracts." }, metadata: {} };
  append("run.started", started);
  seal("openagents.runtime.run_created.v1", { first_event_payload_hash: payloadHash(started) });

  const endedAt = () => events.at(-1)?.recorded_at ?? "";
  const createdAt = events[0]?.recorded_at ?? "";
  return {
    runId: RUN_ID,
    artifacts,
    recordAttempt,
    finish(end) {
      status = end;
      append("run.finished", { status: end });
    },
    clients: {
      artifacts: {
        async getArtifact({ sha256 }) {
          const bytes = artifacts.get(sha256);
          if (bytes === undefined)
            throw new ProblemError({ status: 404, code: "artifact_not_found", detail: "There is none." });
          return { contentType: "application/octet-stream", data: new Uint8Array(bytes) };
        },
        async putArtifact({ sha256, content }) {
          const { data } = content;
          if (!(data instanceof Uint8Array)) return assert.fail("a bundle's files are in memory");
          const bytes = Buffer.from(data);
          artifacts.set(sha256, bytes);
          return { sha256, bytes: BigInt(bytes.length) };
        },
        async statArtifact({ sha256 }) {
          const bytes = artifacts.get(sha256);
          if (bytes === undefined)
            throw new ProblemError({ status: 404, code: "artifact_not_found", detail: "There is none." });
          const at = 0;
          return {
            artifact: { sha256, bytes: BigInt(bytes.length), class: "stored", grantedAt: at, keepUntil: at },
          };
        },
      },
      receipts: {
        // All of a run's receipts are in the log, each in the head that it was the last entry of.
        async getReceipt({ receiptId }) {
          const index = receipts.findIndex((receipt) => receipt.receipt_id === receiptId);
          const leaves = receipts
            .slice(0, index + 1)
            .map((receipt) => leafOf(Buffer.from(receipt.canonical_json_sha256, "hex")));
          const head = { size: leaves.length, root: treeHash(leaves) };
          const inclusion = {
            logIndex: BigInt(index),
            hashes: auditPath(index, leaves).map((hash) => hash.toString("hex")),
            checkpoint: signCheckpoint(head, LOG_ORIGIN, LOG_SECRET),
            logKey: LOG_KEY,
          };
          return { ...signed(receipts[index] ?? assert.fail(receiptId)), inclusion };
        },
        // Pages of three, so that paging is walked too.
        async listReceipts({ cursor }) {
          const from = Number(cursor ?? "0");
          const page = receipts.toReversed().slice(from, from + 3);
          const nextCursor = from + 3 < receipts.length ? String(from + 3) : undefined;
          return { receipts: page.map(signed), nextCursor };
        },
      },
      runs: {
        async getRunReceipt() {
          const factsOf = (prefix: string) =>
            events
              .filter(({ event_type }) => event_type.startsWith(prefix))
              .map(({ seq, payload }): JsonObject => ({ seq, ...payload }));
          const payments = factsOf("payment.");
          const facts = {
            schema: "openagents.receipt.v2",
            nonce: "00".repeat(16),
            occurred_at: endedAt(),
            actor: "usr_buyer",
            tenant: "org_buyer",
            run_id: RUN_ID,
            session_id: RUN_ID,
            status,
            created_at: createdAt,
            trajectory_hash: `sha256:${chain}`,
            through_seq: events.length,
            verifications: factsOf("verification.recorded"),
            payments,
            payments_msats_total: payments.reduce((sum, payment) => sum + spentBy(payment), 0),
          };
          return signed(sealReceipt(facts));
        },
        async getRunReplay() {
          const lines = [
            {
              event: "ReplayHeader",
              replay_version: 2,
              producer: "openagents-runtime",
              created_at: createdAt,
            },
            { event: "SessionStart", session_id: RUN_ID, t: createdAt },
            ...chained(events),
            {
              event: "SessionEnd",
              session_id: RUN_ID,
              t: endedAt(),
              status,
              through_seq: events.length,
              trajectory_hash: `sha256:${chain}`,
            },
          ];
          const text = lines.map((line) => `${canonicalize(line)}\n`).join("");
          return { contentType: "application/x-ndjson", data: new Uint8Array(Buffer.from(text)) };
        },
        async sealBundle({ files }) {
          bundle ??= signed(
            seal("openagents.runtime.bundle.v1", {
              status,
              trajectory_hash: `sha256:${chain}`,
              through_seq: events.length,
              files: files
                .map(({ path, sha256, bytes }) => ({ path, sha256, bytes: Number(bytes) }))
                .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
            }),
          );
          return { receipt: bundle };
        },
      },
    },
  };
}

function chained(
  events: readonly { seq: number; event_type: string; payload: JsonObject; recorded_at: string }[],
): JsonObject[] {
  let chain: string | undefined;
  return events.map((event) => {
    chain = chainEvent(chain, event);
    return {
      event: "RuntimeEvent",
      session_id: RUN_ID,
      t: event.recorded_at,
      seq: event.seq,
      event_type: event.event_type,
      payload: event.payload,
      payload_hash: payloadHash(event.payload),
      chain_sha256: chain,
    };
  });
}

function signed(receipt: Receipt): SignedReceipt {
  const signature = signReceipt(receipt, OPERATOR_SECRET);
  return {
    receipt,
    signature: {
      schema: signature.schema,
      scheme: signature.scheme,
      signerPubkey: signature.signer_pubkey,
      signedSha256: signature.signed_sha256,
      signatureHex: signature.signature_hex,
    },
  };
}

function resultOf(runs: readonly LegRun[], store: (bytes: Buffer) => string) {
  const legs = runs.map(({ leg, tree, commands, report }): LegResult => {
    const results = commands.map((outcome): CommandResult => {
      const { command, exitCode, limit, stdout, stderr } = outcome;
      const outputs = { stdoutSha256: store(stdout), stderrSha256: store(stderr), durationMs: 1n };
      const end = exitCode === undefined ? { signal: outcome.signal ?? "SIGKILL" } : { exitCode };
      return { command, ...end, ...(limit === undefined ? {} : { limit }), ...outputs };
    });
    const result = { leg, tree, commands: results };
    return report === undefined ? result : { ...result, reportSha256: store(report) };
  });
  const environment = {
    os: "x",
    arch: "x64",
    kernel: "x",
    sandbox: "none",
    limitsBy: "rlimits",
    toolchains: [],
  };
  return { legs, environment };
}

export function decide(job: SmallJob, plan: LegPlan, legs: readonly LegRun[]): VerdictDecision {
  const outcomeOf = (name: string): LegOutcome => {
    const leg = legs.find((one) => one.leg === name);
    const last = leg?.commands.at(-1);
    return {
      commandsExpected: job.spec.commands.length,
      commandsRun: leg?.commands.length ?? 0,
      ...(last?.exitCode === undefined ? {} : { exitCode: last.exitCode }),
      ...(leg?.report === undefined ? {} : { report: readReport("node_test", leg.report) }),
    };
  };
  const { classification } = plan;
  const guard: GuardOutcome = legs.some(({ leg }) => leg === "guard")
    ? { kind: "ran", outcome: outcomeOf("guard") }
    : classification.guardPaths.length === 0
      ? { kind: "nothing_to_guard" }
      : { kind: "not_possible", because: "the guard leg was not run" };
  const [base, patched] = [outcomeOf("base"), outcomeOf("patched")];
  return decideVerdict({ base, patched, guard, runner: job.spec.testRunner, classification });
}

function agree(one: JsonObject | undefined, other: JsonObject | undefined): boolean {
  const endings = (result: JsonObject) =>
    JSON.stringify(result)
      .match(/"exit_code":\d+|"tree":"[0-9a-f]+"/g)
      ?.join();
  return one !== undefined && other !== undefined && endings(one) === endings(other);
}

function spentBy(payment: JsonObject): number {
  const parts = ["amount_msats", "second_opinion_msats", "operator_fee_msats"];
  return parts.reduce((sum, name) => sum + Number(payment[name] ?? 0), 0);
}
