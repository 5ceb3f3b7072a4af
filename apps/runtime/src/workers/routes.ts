import { newId, type Authority, type Outcome } from "@openagents/authority";
import {
  Workers,
  bind,
  type Binding,
  type CommandCall,
  type CommandReply,
  type DisableWorkerRequest,
  type HeartbeatWorkerResponse,
  type Principal,
  type RegisterWorkerRequest,
  type RegisterWorkerResponse,
  type ReinstateWorkerResponse,
  type StopWorkerResponse,
  type WorkerCaps,
} from "@openagents/contracts";
import {
  decodeCursor,
  encodeCursor,
  invalidField,
  notFound,
  OutboundError,
  PAGE_DEFAULT,
  type Outbound,
} from "@openagents/service";
import type { Database, Tx } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import type { RateLimits } from "../rate-limits/index.ts";
import { bandFacts, findBandProblem, hasPrice } from "./price-bands.ts";
import { findStrikes, findWorker, listWorkers, lockWorker, markStrikes, upsertWorker } from "./store.ts";
import { heldZone } from "../zones/index.ts";
import { isOwnedBy, workerMessage, type Worker } from "./worker.ts";

export type WorkerRoutesDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly limits: RateLimits;
  readonly nowMs: () => number;
  readonly outbound: Pick<Outbound, "assertAllowed">;
  /** Reaches into jobs and money, so it is built elsewhere. */
  readonly disableWorker: (request: DisableWorkerRequest, call: CommandCall) => Promise<CommandReply>;
};

/** Sorts after every worker id. */
const AFTER_ALL_WORKERS = "wrk_g";

export function workerRoutes(deps: WorkerRoutesDeps): Binding {
  return bind(Workers, {
    registerWorker: (request, call) => registerWorker(deps, call, request),

    async listWorkers(request, call) {
      const before =
        request.cursor === undefined ? AFTER_ALL_WORKERS : decodeCursor(request.cursor, /^wrk_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listWorkers(deps.db, call.principal.org, before, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const nowMs = deps.nowMs();
      return {
        workers: page.map((worker) => workerMessage(worker, nowMs)),
        nextCursor: last === undefined ? undefined : encodeCursor(last.workerId),
      };
    },

    async getWorker(request, call) {
      const worker = await findWorker(deps.db, request.workerId);
      if (worker === undefined || worker.org !== call.principal.org)
        throw notFound("worker", request.workerId);
      return { worker: workerMessage(worker, deps.nowMs()) };
    },

    heartbeatWorker: (request, call) =>
      deps.authority.perform<HeartbeatWorkerResponse>(call, async (command) => {
        const worker = await requireOwnedWorker(command.tx, call.principal, request.workerId);
        const nowMs = command.nowMs();
        if (worker.status === "disabled") return refuseDisabled();
        const alive: Worker = { ...worker, lastHeartbeatAtMs: nowMs };
        return {
          kind: "answer",
          output: { worker: workerMessage(alive, nowMs) },
          writes: [upsertWorker(alive)],
        };
      }),

    // By itself, and not for good: what it holds goes on, and registering starts it again.
    stopWorker: (request, call) =>
      deps.authority.perform<StopWorkerResponse>(call, async (command) => {
        const worker = await requireOwnedWorker(command.tx, call.principal, request.workerId);
        if (worker.status === "disabled") return refuseDisabled();
        const stopped: Worker = { ...worker, status: "stopped" };
        return {
          kind: "answer",
          output: { worker: workerMessage(stopped, command.nowMs()) },
          writes: [upsertWorker(stopped)],
        };
      }),

    disableWorker: (request, call) => deps.disableWorker(request, call),

    reinstateWorker: (request, call) =>
      deps.authority.execute<ReinstateWorkerResponse>(call, request, async (command) => {
        const worker = await lockWorker(command.tx, request.workerId);
        if (worker === undefined) throw notFound("worker", request.workerId);
        const nowMs = command.nowMs();
        const facts = {
          worker_id: worker.workerId,
          owner: worker.owner,
          strikes_before: worker.strikes,
          reason: request.reason,
        };
        const receipt = command.seal(
          "openagents.runtime.worker_reinstated.v1",
          worker.workerId,
          facts,
          nowMs,
          worker.org,
        );
        const reinstated: Worker = { ...worker, strikes: 0, quarantined: false };
        return {
          kind: "answer",
          output: { worker: workerMessage(reinstated, nowMs), receiptId: receipt.receipt_id },
          writes: [markStrikes(worker.org, 0, false)],
        };
      }),
  });
}

function registerWorker(deps: WorkerRoutesDeps, call: CommandCall, request: RegisterWorkerRequest) {
  const authority = deps.limits.over(deps.authority, "registrations");
  return authority.execute<RegisterWorkerResponse>(call, request, async (command) => {
    if (request.roles.includes("provider") && request.capabilities.length === 0) {
      throw invalidField("capabilities", "required", "A provider names at least one job type that it sells.");
    }
    if (request.roles.includes("provider") && !hasPrice(request)) {
      // Money of nothing cannot be reserved, so nobody could order from it.
      throw invalidField("price_msats", "out_of_range", "A provider names a price of at least 1 msat.");
    }
    const bandProblem = findBandProblem(request.priceBands, request.capabilities);
    if (bandProblem !== undefined) throw invalidField(bandProblem.field, "band_invalid", bandProblem.message);
    assertEndpoint(deps.outbound, request.endpointUrl);
    const known =
      request.workerId === undefined
        ? undefined
        : await requireOwnedWorker(command.tx, call.principal, request.workerId);
    if (known?.status === "disabled") return refuseDisabled();
    // A known worker's are on its own row, which is locked; only a new one takes them over from the others.
    const struck = known ?? (await findStrikes(command.tx, call.principal.org));
    if (known === undefined && struck.quarantined) return refuseQuarantined();

    const nowMs = command.nowMs();
    const worker: Worker = {
      workerId: known?.workerId ?? newId("wrk", nowMs),
      org: call.principal.org,
      owner: call.principal.id,
      displayName: request.displayName,
      roles: request.roles,
      status: "running",
      capabilities: request.capabilities,
      priceMsats: request.priceMsats,
      executionPriceMsats: request.executionPriceMsats,
      priceBands: request.priceBands,
      caps: request.caps,
      toolchains: request.toolchains,
      endpointUrl: request.endpointUrl,
      // A name that was once of everyone else stays so, whatever token registers it again.
      zoneTenths: heldZone(call.principal.zoneTenths, known?.zoneTenths ?? 0),
      account: call.principal.account ?? call.principal.org,
      lastHeartbeatAtMs: nowMs,
      createdAtMs: known?.createdAtMs ?? nowMs,
      strikes: struck.strikes,
      quarantined: struck.quarantined,
    };
    const receipt = command.seal(
      "openagents.runtime.worker_registered.v1",
      worker.workerId,
      {
        worker_id: worker.workerId,
        owner: worker.owner,
        roles: [...worker.roles],
        capabilities: [...worker.capabilities],
        price_msats: Number(worker.priceMsats),
        ...(worker.executionPriceMsats === undefined
          ? {}
          : { execution_price_msats: Number(worker.executionPriceMsats) }),
        price_bands: worker.priceBands.map(bandFacts),
        caps: capsFacts(worker.caps),
        ...(worker.endpointUrl === undefined ? {} : { endpoint_url: worker.endpointUrl }),
        zone_tenths: worker.zoneTenths,
        account: worker.account,
      },
      nowMs,
    );
    return {
      kind: "answer",
      output: { worker: workerMessage(worker, nowMs), receiptId: receipt.receipt_id },
      writes: [upsertWorker(worker)],
    };
  });
}

/** By its form alone: a name is looked up when it is called, and again each time. */
function assertEndpoint(outbound: Pick<Outbound, "assertAllowed">, endpointUrl: string | undefined): void {
  if (endpointUrl === undefined) return;
  if (/[?#]|\/$/.test(endpointUrl))
    throw invalidField("endpoint_url", "url_invalid", "Give it without ?, # and a slash at its end.");
  try {
    outbound.assertAllowed(endpointUrl);
  } catch (error) {
    if (error instanceof OutboundError) throw invalidField("endpoint_url", error.code, error.message);
    throw error;
  }
}

function capsFacts(caps: WorkerCaps): JsonObject {
  return {
    memory_mib_max: caps.memoryMibMax,
    disk_mib_max: caps.diskMibMax,
    wall_ms_max: Number(caps.wallMsMax),
    concurrent_jobs_max: caps.concurrentJobsMax,
    ...(caps.cpuMsMax === undefined ? {} : { cpu_ms_max: Number(caps.cpuMsMax) }),
    ...(caps.msatsPerHourMax === undefined ? {} : { msats_per_hour_max: Number(caps.msatsPerHourMax) }),
  };
}

/** Lock a worker that this principal registered, or 404. */
export async function requireOwnedWorker(tx: Tx, principal: Principal, workerId: string): Promise<Worker> {
  const worker = await lockWorker(tx, workerId);
  if (!isOwnedBy(worker, principal)) throw notFound("worker", workerId);
  return worker;
}

/** A new name does not wash off a quarantine. */
function refuseQuarantined(): Outcome<never> {
  return {
    kind: "refused",
    rule: "policy",
    reason: "worker_quarantined",
    detail: "This organisation is quarantined, so it registers no new one. Ask the operator to lift it.",
  };
}

function refuseDisabled(): Outcome<never> {
  return {
    kind: "refused",
    rule: "policy",
    reason: "worker_disabled",
    detail: "This worker was disabled. Its owner registers a new one to take jobs again.",
  };
}
