// A runtime in memory, with the same commands, refusals and receipts as far as
// the buyer's and the provider's loops can see: enough to run a whole job
// against it, to lose answers on purpose, and to make real bundles.

import {
  ProblemError,
  encode,
  sandboxRunResultDesc,
  sandboxRunSpecDesc,
  type CallOptions,
  type Job,
  type Lease,
  type Quote,
  type Reservation,
  type RunStatus,
  type SandboxRunSpec,
  type SignedReceipt,
  type Worker,
} from "@openagents/contracts";
import { classifyPatch, decideVerdict, patchFiles, type LegOutcome } from "@openagents/proof";
import {
  canonicalize,
  chainEvent,
  payloadHash,
  publicKeyOf,
  sealReceipt,
  sha256Hex,
  signReceipt,
  type JsonObject,
  type Receipt,
} from "@openagents/receipts";
import type { RuntimeClients } from "../src/index.ts";

export const OPERATOR_SECRET = "11".repeat(32);
export const OPERATOR_KEY = publicKeyOf(OPERATOR_SECRET);

const ORG = "org_buyer";
const ZERO = "0".repeat(64);

export type FakeRuntime = {
  readonly clients: RuntimeClients;
  /** Workers, and in the end what became of the money. */
  readonly workers: Map<string, Worker>;
  readonly reservations: Map<string, Reservation>;
  readonly jobs: Map<string, Job>;
  readonly artifacts: Map<string, Buffer>;
  /** Names of the methods called, in order. */
  readonly calls: string[];
  /** The event types of the run so far. */
  eventTypes(): string[];
  /** Let the next `times` calls of a method happen, or not, and answer with this error. */
  disturb(
    method: string,
    how: { readonly happens: boolean; readonly error: ProblemError; readonly times?: number },
  ): void;
  /** Forget run, jobs and receipts, and keep the workers. */
  reset(): void;
  /** Run before a method's body. */
  before(method: string, hook: () => void): void;
};

export function unreachable(): ProblemError {
  return new ProblemError({ status: 503, code: "unreachable", detail: "The runtime gave no answer." });
}

export function refused(status: number, reason: string): ProblemError {
  return new ProblemError({ status, code: "refused_state", reason, detail: `Refused: ${reason}.` });
}

/** `findJob` looks again as often as this before a claim comes back empty. */
const CLAIM_LOOKS = 3;

export function createFakeRuntime(): FakeRuntime {
  const startMs = Date.parse("2026-01-02T03:04:05.000Z");
  let ticks = 0;
  let ids = 0;
  const nowMs = () => startMs + ticks++;
  const time = (ms: number) => new Date(ms).toISOString();
  const newId = (prefix: string) => `${prefix}_${(ids += 1).toString(16).padStart(32, "0")}`;

  const workers = new Map<string, Worker>();
  const reservations = new Map<string, Reservation>();
  const jobs = new Map<string, Job>();
  const artifacts = new Map<string, Buffer>();
  const quotes = new Map<string, Quote & { readonly spec: SandboxRunSpec; readonly receiptId: string }>();
  const receiptOf = new Map<string, string>();
  const receipts: Receipt[] = [];
  const leases = new Map<string, Lease>();
  const answers = new Map<string, unknown>();
  const calls: string[] = [];
  const disturbances = new Map<string, { happens: boolean; error: ProblemError; times: number }>();
  const hooks = new Map<string, () => void>();
  const run = {
    runId: "",
    status: "running" as RunStatus,
    createdAtMs: startMs,
    updatedAtMs: startMs,
    chain: ZERO,
    lines: [] as string[],
    events: [] as { seq: number; event_type: string; payload: JsonObject }[],
    bundle: undefined as SignedReceipt | undefined,
  };

  const signed = (receipt: Receipt): SignedReceipt => {
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
  };
  const seal = (schema: string, facts: JsonObject): Receipt => {
    const receipt = sealReceipt({
      schema,
      nonce: sha256Hex(`${schema}${receipts.length}`).slice(0, 32),
      occurred_at: time(nowMs()),
      actor: "usr_buyer",
      tenant: ORG,
      request_id: "req_test",
      ...facts,
    });
    receipts.push(receipt);
    return receipt;
  };
  const extend = (eventType: string, payload: JsonObject) => {
    const atMs = nowMs();
    const event = { seq: run.events.length + 1, event_type: eventType, payload };
    run.chain = chainEvent(run.chain, { ...event, recorded_at: time(atMs) });
    run.events.push(event);
    run.updatedAtMs = atMs;
    run.lines.push(
      canonicalize({
        event: "RuntimeEvent",
        session_id: run.runId,
        t: time(atMs),
        ...event,
        payload_hash: payloadHash(payload),
        chain_sha256: run.chain,
      }),
    );
  };
  /** Seal a receipt and tell of it in the log, as the runtime's own commands do. */
  const record = (schema: string, eventType: string, facts: JsonObject): string => {
    const receipt = seal(schema, facts);
    extend(eventType, { ...facts, receipt_id: receipt.receipt_id });
    return receipt.receipt_id;
  };
  const receiptById = (id: string): Receipt => must(receipts.find((receipt) => receipt.receipt_id === id));
  const setJob = (job: Job, change: Partial<Job>): Job => {
    const changed = { ...job, ...change, updatedAt: nowMs() };
    jobs.set(job.jobId, changed);
    return changed;
  };

  /** One method: told, disturbed, and for commands with a key done at most once. */
  const method = <I, O>(name: string, body: (input: I) => O | Promise<O>) => {
    return async (input: I, options: CallOptions = {}): Promise<O> => {
      options.signal?.throwIfAborted();
      // Lets timers and aborts in, as a network would.
      await new Promise((resolve) => setImmediate(resolve));
      options.signal?.throwIfAborted();
      calls.push(name);
      hooks.get(name)?.();
      const key = options.idempotencyKey === undefined ? undefined : `${name} ${options.idempotencyKey}`;
      const disturbance = disturbances.get(name);
      if (disturbance !== undefined && disturbance.times > 0) {
        disturbance.times -= 1;
        if (disturbance.happens) await once(key, () => body(input));
        throw disturbance.error;
      }
      return once(key, () => body(input));
    };
  };
  const once = async <O>(key: string | undefined, act: () => O | Promise<O>): Promise<O> => {
    if (key === undefined) return act();
    if (!answers.has(key)) {
      try {
        answers.set(key, { output: await act() });
      } catch (error) {
        answers.set(key, { error });
      }
    }
    const stored = answers.get(key) as { output: O } | { error: unknown };
    if ("error" in stored) throw stored.error;
    return stored.output;
  };
  const unused = method("unused", (): never => {
    throw new Error("the loops do not call this");
  });

  const clients: RuntimeClients = {
    runs: {
      createRun: method("createRun", (input) => {
        run.runId = newId("run");
        run.createdAtMs = nowMs();
        const payload = {
          issue: input.issue === undefined ? null : { title: input.issue.title, body: input.issue.body },
          metadata: input.metadata,
        };
        extend("run.started", payload);
        const receipt = seal("openagents.runtime.run_created.v1", {
          run_id: run.runId,
          first_event_payload_hash: payloadHash(payload),
        });
        const message = {
          runId: run.runId,
          org: ORG,
          createdBy: "usr_buyer",
          status: run.status,
          metadata: {},
          latestSeq: 1n,
          trajectoryHash: `sha256:${run.chain}`,
          createdAt: run.createdAtMs,
          updatedAt: run.updatedAtMs,
        };
        return { run: message, receiptId: receipt.receipt_id };
      }),
      appendRunEvent: method("appendRunEvent", ({ eventType, payload }) => {
        if (run.status !== "running") throw refused(409, "run_finished");
        extend(eventType, payload);
        const status = payload["status"];
        if (eventType === "run.finished") {
          run.status = status === "succeeded" || status === "canceled" ? status : "failed";
        }
        const event = {
          seq: BigInt(run.events.length),
          eventType,
          payload,
          payloadHash: payloadHash(payload),
          recordedAt: run.updatedAtMs,
        };
        return { event, status: run.status, trajectoryHash: `sha256:${run.chain}` };
      }),
      getRunReceipt: method("getRunReceipt", () => {
        const factsOf = (event: { seq: number; payload: JsonObject }): JsonObject => ({
          seq: event.seq,
          ...event.payload,
        });
        const payments = run.events.filter((event) => event.event_type.startsWith("payment.")).map(factsOf);
        const facts = {
          schema: "openagents.receipt.v2",
          nonce: "00".repeat(16),
          occurred_at: time(run.updatedAtMs),
          actor: "usr_buyer",
          tenant: ORG,
          run_id: run.runId,
          session_id: run.runId,
          status: run.status,
          created_at: time(run.createdAtMs),
          trajectory_hash: `sha256:${run.chain}`,
          through_seq: run.events.length,
          verifications: run.events
            .filter((event) => event.event_type === "verification.recorded")
            .map(factsOf),
          payments,
          payments_msats_total: payments.reduce((sum, payment) => sum + Number(payment["amount_msats"]), 0),
        };
        return signed(sealReceipt(facts));
      }),
      getRunReplay: method("getRunReplay", () => {
        const lines = [
          canonicalize({
            event: "ReplayHeader",
            replay_version: 2,
            producer: "openagents-runtime",
            created_at: time(run.createdAtMs),
          }),
          canonicalize({ event: "SessionStart", session_id: run.runId, t: time(run.createdAtMs) }),
          ...run.lines,
          canonicalize({
            event: "SessionEnd",
            session_id: run.runId,
            t: time(run.updatedAtMs),
            status: run.status,
            through_seq: run.events.length,
            trajectory_hash: `sha256:${run.chain}`,
          }),
        ];
        return { contentType: "application/x-ndjson", data: bytesOf(`${lines.join("\n")}\n`) };
      }),
      sealBundle: method("sealBundle", ({ files }) => {
        if (run.status === "running") throw refused(409, "run_not_finished");
        if (run.bundle === undefined) {
          const listed = files.map((file) => ({
            path: file.path,
            sha256: file.sha256,
            bytes: Number(file.bytes),
          }));
          const receipt = seal("openagents.runtime.bundle.v1", {
            run_id: run.runId,
            status: run.status,
            trajectory_hash: `sha256:${run.chain}`,
            through_seq: run.events.length,
            files: listed.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
          });
          run.bundle = signed(receipt);
        }
        return { receipt: run.bundle };
      }),
      getRun: unused,
      listRuns: unused,
      listRunEvents: unused,
    },

    artifacts: {
      putArtifact: method("putArtifact", async ({ sha256, content }) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of content.data instanceof Uint8Array ? [content.data] : content.data)
          chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        if (sha256Hex(bytes) !== sha256)
          throw new ProblemError({ status: 400, code: "hash_mismatch", detail: "no" });
        artifacts.set(sha256, bytes);
        return { sha256, bytes: BigInt(bytes.length) };
      }),
      getArtifact: method("getArtifact", ({ sha256 }) => {
        const bytes = artifacts.get(sha256);
        if (bytes === undefined)
          throw new ProblemError({ status: 404, code: "artifact_not_found", detail: "none" });
        return { contentType: "application/octet-stream", data: bytesOf(bytes) };
      }),
    },

    workers: {
      registerWorker: method("registerWorker", (input) => {
        if (input.workerId !== undefined && !workers.has(input.workerId)) {
          throw new ProblemError({
            status: 404,
            code: "worker_not_found",
            detail: "There is no such worker.",
          });
        }
        const worker: Worker = {
          workerId: input.workerId ?? newId("wrk"),
          org: "org_provider",
          owner: "dev_provider",
          displayName: input.displayName,
          roles: input.roles,
          status: "running",
          liveness: "fresh",
          capabilities: input.capabilities,
          priceMsats: input.priceMsats,
          caps: input.caps,
          toolchains: input.toolchains,
          zoneTenths: 5,
          lastHeartbeatAt: nowMs(),
          createdAt: nowMs(),
        };
        workers.set(worker.workerId, worker);
        return { worker, receiptId: "wreg_x" };
      }),
      heartbeatWorker: method("heartbeatWorker", ({ workerId }) => ({ worker: must(workers.get(workerId)) })),
      stopWorker: method("stopWorker", ({ workerId }) => {
        const worker: Worker = { ...must(workers.get(workerId)), status: "stopped" };
        workers.set(workerId, worker);
        return { worker };
      }),
      disableWorker: unused,
      getWorker: unused,
      listWorkers: unused,
    },

    marketplace: {
      quoteSandboxRun: method("quoteSandboxRun", ({ spec }) => {
        const provider = [...workers.values()].toSorted((a, b) => Number(a.priceMsats - b.priceMsats))[0];
        if (provider === undefined) throw refused(409, "no_eligible_provider");
        const fee = (provider.priceMsats * 50n + 9_999n) / 10_000n;
        const issuedAt = nowMs();
        const quote: Quote = {
          quoteId: newId("qte"),
          runId: run.runId,
          jobHash: sha256Hex(canonicalize(encode(sandboxRunSpecDesc, spec))),
          capability: "oa.sandbox_run.v1",
          providerWorkerId: provider.workerId,
          providerPriceMsats: provider.priceMsats,
          operatorFeeMsats: fee,
          totalPriceMsats: provider.priceMsats + fee,
          issuedAt,
          validUntil: issuedAt + 60_000,
          quoteSha256: ZERO,
        };
        const receiptId = record("openagents.marketplace.quote.v1", "quote.selected", {
          run_id: run.runId,
          quote_id: quote.quoteId,
          quote_sha256: quote.quoteSha256,
          capability: quote.capability,
          job_hash: quote.jobHash,
          provider_worker_id: quote.providerWorkerId,
          provider_price_msats: Number(quote.providerPriceMsats),
          operator_fee_msats: Number(quote.operatorFeeMsats),
          total_price_msats: Number(quote.totalPriceMsats),
          valid_until: time(quote.validUntil),
          losers: [],
        });
        quotes.set(quote.quoteId, { ...quote, spec, receiptId });
        return { quote, losers: [], receiptId };
      }),
      dispatchSandboxRun: method("dispatchSandboxRun", ({ quoteId, reservationId }) => {
        const quote = must(quotes.get(quoteId));
        if (reservations.get(reservationId)?.status !== "reserved")
          throw refused(409, "reservation_not_reserved");
        const jobId = newId("job");
        const receiptId = record("openagents.runtime.job_dispatched.v1", "job.dispatched", {
          run_id: run.runId,
          job_id: jobId,
          job_hash: quote.jobHash,
          quote_id: quoteId,
          quote_receipt_id: quote.receiptId,
          reservation_id: reservationId,
          reservation_receipt_id: must(receiptOf.get(reservationId)),
          provider_worker_id: quote.providerWorkerId,
          spec: encode(sandboxRunSpecDesc, quote.spec),
        });
        const job: Job = {
          jobId,
          runId: run.runId,
          jobHash: quote.jobHash,
          status: "queued",
          quoteId,
          reservationId,
          providerWorkerId: quote.providerWorkerId,
          spec: quote.spec,
          createdAt: nowMs(),
          updatedAt: nowMs(),
        };
        receiptOf.set(jobId, receiptId);
        jobs.set(jobId, job);
        return { job, receiptId };
      }),
      listProviders: unused,
    },

    treasury: {
      reserveCompute: method("reserveCompute", ({ amountMsats, quoteId }) => {
        const reservationId = newId("rsv");
        const facts = {
          reservation_id: reservationId,
          amount_msats: Number(amountMsats),
          run_id: run.runId,
          quote_id: quoteId ?? "",
        };
        const receiptId = record("openagents.treasury.budget_reserved.v1", "budget.reserved", facts);
        const reservation: Reservation = {
          reservationId,
          org: ORG,
          amountMsats,
          status: "reserved",
          runId: run.runId,
          quoteId,
          createdAt: nowMs(),
        };
        reservations.set(reservationId, reservation);
        receiptOf.set(reservationId, receiptId);
        return { reservation, receiptId };
      }),
      voidReservation: method("voidReservation", ({ reservationId }) => {
        const reservation = must(reservations.get(reservationId));
        if (reservation.status !== "reserved") throw refused(409, "reservation_not_reserved");
        const job = [...jobs.values()].find((candidate) => candidate.reservationId === reservationId);
        if (job !== undefined && job.status !== "queued") throw refused(409, "job_taken");
        if (job !== undefined) setJob(job, { status: "canceled" });
        const receiptId = record("openagents.treasury.reservation_voided.v1", "budget.voided", {
          reservation_id: reservationId,
          amount_msats: Number(reservation.amountMsats),
          run_id: run.runId,
          ...(job === undefined ? {} : { job_id: job.jobId }),
        });
        const voided: Reservation = { ...reservation, status: "voided" };
        reservations.set(reservationId, voided);
        return { reservation: voided, receiptId };
      }),
      settleSandboxRun: method("settleSandboxRun", ({ jobId }) => {
        const job = must(jobs.get(jobId));
        if (job.status !== "verified") throw refused(409, "job_not_verified");
        const quote = must(quotes.get(job.quoteId));
        const verification = receiptById(must(receiptOf.get(`${jobId}:verification`)));
        const verdict = typeof verification["verdict"] === "string" ? verification["verdict"] : "";
        const released = verdict === "proven";
        const withheldReason = released ? undefined : `verdict_${verdict}`;
        const receiptId = record(
          "openagents.treasury.payment_receipt.v2",
          released ? "payment.released" : "payment.withheld",
          {
            run_id: run.runId,
            job_id: jobId,
            job_hash: job.jobHash,
            quote_id: job.quoteId,
            reservation_id: job.reservationId,
            provider_worker_id: job.providerWorkerId,
            status: released ? "released" : "withheld",
            amount_msats: released ? Number(quote.providerPriceMsats) : 0,
            operator_fee_msats: released ? Number(quote.operatorFeeMsats) : 0,
            ...(withheldReason === undefined ? {} : { withheld_reason: withheldReason }),
            verification_receipt_id: verification.receipt_id,
            verification_receipt_sha256: verification.canonical_json_sha256,
          },
        );
        const status = released ? ("released" as const) : ("withheld" as const);
        reservations.set(job.reservationId, { ...must(reservations.get(job.reservationId)), status });
        setJob(job, { status: "settled" });
        const settlement = {
          jobId,
          reservationId: job.reservationId,
          status,
          providerMsats: released ? quote.providerPriceMsats : 0n,
          operatorFeeMsats: released ? quote.operatorFeeMsats : 0n,
          withheldReason,
          verificationReceiptId: verification.receipt_id,
          settledAt: nowMs(),
        };
        return { settlement, receiptId };
      }),
      getComputeSummary: unused,
      grantDemoCredit: unused,
    },

    jobs: {
      claimJob: method("claimJob", async ({ workerId }) => {
        for (let look = 0; look < CLAIM_LOOKS; look += 1) {
          const job = [...jobs.values()].find(
            (one) => one.status === "queued" && one.providerWorkerId === workerId,
          );
          if (job !== undefined) {
            const lease: Lease = {
              leaseId: newId("lease"),
              expiresAt: nowMs() + 30_000,
              renewEveryMs: 10_000n,
            };
            leases.set(job.jobId, lease);
            return { job: setJob(job, { status: "leased", leaseExpiresAt: lease.expiresAt }), lease };
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
        return {};
      }),
      renewLease: method("renewLease", ({ jobId, leaseId }) => {
        const lease = must(leases.get(jobId));
        if (lease.leaseId !== leaseId) throw refused(409, "lease_lapsed");
        return { lease };
      }),
      submitResult: method("submitResult", ({ jobId, leaseId, result, failure }) => {
        const job = must(jobs.get(jobId));
        if (job.status !== "leased" || leases.get(jobId)?.leaseId !== leaseId)
          throw refused(409, "lease_lapsed");
        const receiptId = record("openagents.runtime.job_completed.v1", "job.reported", {
          run_id: run.runId,
          job_id: jobId,
          job_hash: job.jobHash,
          provider_worker_id: job.providerWorkerId,
          dispatch_receipt_id: must(receiptOf.get(jobId)),
          ...(result === undefined
            ? { outcome: "failed", failure_code: failure?.code ?? "" }
            : {
                outcome: "reported",
                result_sha256: sha256Hex(canonicalize(encode(sandboxRunResultDesc, result))),
              }),
        });
        receiptOf.set(`${jobId}:completed`, receiptId);
        return { job: setJob(job, { status: "reported", result, failure }), receiptId };
      }),
      getJob: method("getJob", ({ jobId }) => ({ job: must(jobs.get(jobId)) })),
    },

    verification: {
      verifySandboxRun: method("verifySandboxRun", ({ jobId }) => {
        const job = must(jobs.get(jobId));
        if (job.status !== "reported") throw refused(409, "job_not_reported");
        const { result, spec } = job;
        const legs = (["base", "patched"] as const).map((name): LegOutcome => {
          const commands = result?.legs.find((leg) => leg.leg === name)?.commands ?? [];
          const last = commands.at(-1);
          return {
            commandsExpected: spec.commands.length,
            commandsRun: commands.length,
            ...(last?.exitCode === undefined ? {} : { exitCode: last.exitCode }),
            ...(last?.signal === undefined ? {} : { signal: last.signal }),
            ...(last?.limit === undefined ? {} : { limit: last.limit }),
          };
        });
        const [base, patched] = [must(legs[0]), must(legs[1])];
        const classification = classifyPatch(
          patchFiles(must(artifacts.get(spec.patchSha256)).toString("utf8")),
        );
        const { verdict, because } =
          result === undefined
            ? {
                verdict: "inconclusive" as const,
                because: `the provider reported ${job.failure?.code ?? ""}`,
              }
            : decideVerdict({ base, patched, classification });
        const receiptId = record("openagents.runtime.verification.v1", "verification.recorded", {
          run_id: run.runId,
          job_id: jobId,
          job_hash: job.jobHash,
          dispatch_receipt_id: must(receiptOf.get(jobId)),
          completed_receipt_id: must(receiptOf.get(`${jobId}:completed`)),
          provider_worker_id: job.providerWorkerId,
          base_bundle_sha256: spec.baseBundleSha256,
          base_commit: spec.baseCommit,
          base_tree: spec.baseTree,
          patch_sha256: spec.patchSha256,
          verdict,
          because,
          assurance: "provider",
          proof: "by_exit_code",
          violations: [],
          ...(result === undefined
            ? { failure_code: job.failure?.code ?? "" }
            : { result: encode(sandboxRunResultDesc, result) }),
        });
        receiptOf.set(`${jobId}:verification`, receiptId);
        setJob(job, { status: "verified" });
        const verification = {
          jobId,
          verdict,
          assurance: "provider" as const,
          proof: "by_exit_code" as const,
          violations: [],
          baseExitCode: base.exitCode,
          patchedExitCode: patched.exitCode,
        };
        return { verification, receiptId };
      }),
    },

    receipts: {
      listReceipts: method("listReceipts", ({ cursor }) => {
        // Pages of three, so that paging is walked too.
        const from = Number(cursor ?? "0");
        const page = receipts.toReversed().slice(from, from + 3);
        const nextCursor = from + 3 < receipts.length ? String(from + 3) : undefined;
        return { receipts: page.map(signed), nextCursor };
      }),
      getReceipt: unused,
      getSigner: unused,
    },
  };

  return {
    clients,
    workers,
    reservations,
    jobs,
    artifacts,
    calls,
    eventTypes: () => run.events.map((event) => event.event_type),
    disturb: (name, how) => void disturbances.set(name, { times: 1, ...how }),
    reset() {
      for (const kept of [reservations, jobs, quotes, receiptOf, leases, answers]) kept.clear();
      receipts.length = 0;
      Object.assign(run, { status: "running", chain: ZERO, lines: [], events: [], bundle: undefined });
    },
    before: (name, hook) => void hooks.set(name, hook),
  };
}

function bytesOf(content: string | Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(content));
}

function must<T>(value: T | undefined): T {
  if (value === undefined)
    throw new ProblemError({ status: 404, code: "not_found", detail: "There is none." });
  return value;
}
