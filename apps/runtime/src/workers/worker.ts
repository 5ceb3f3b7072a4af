// What a worker is, and when it lives. Pure.

import type {
  Liveness,
  PriceBand,
  Principal,
  Toolchain,
  Worker as WorkerMessage,
  WorkerCaps,
  WorkerRole,
  WorkerStatus,
} from "@openagents/contracts";

export type Worker = {
  readonly workerId: string;
  readonly org: string;
  readonly owner: string;
  readonly displayName: string;
  readonly roles: readonly WorkerRole[];
  readonly status: WorkerStatus;
  readonly capabilities: readonly string[];
  /** Of a job that is paid for when its check passes; 0 when it sells none. */
  readonly priceMsats: bigint;
  /** Of a job that is paid for whatever its verdict. */
  readonly executionPriceMsats: bigint | undefined;
  readonly priceBands: readonly PriceBand[];
  readonly caps: WorkerCaps;
  readonly toolchains: readonly Toolchain[];
  /** Where it is told of its jobs; undefined when it only asks for them. */
  readonly endpointUrl: string | undefined;
  /** 0 operator, 5 enrolled device, 10 everyone else; from the owner's token, never from the body. */
  readonly zoneTenths: number;
  /** The organisation in whose account it is enrolled; from the owner's token too. */
  readonly account: string;
  readonly lastHeartbeatAtMs: number;
  readonly createdAtMs: number;
  /** Faults of its owner: leases that lapsed, failures of its own, and lies that were proved; never reset by the worker. */
  readonly strikes: number;
  readonly quarantined: boolean;
};

/** As many strikes quarantine a worker. */
export const STRIKES_MAX = 3;

/** A worker without a heartbeat for longer than this is stale: it gets no job. */
export const STALE_AFTER_MS = 120_000;

/** Whether a principal registered this worker: the same one, in the same organisation. */
export function isOwnedBy(worker: Worker | undefined, principal: Principal): worker is Worker {
  return worker !== undefined && worker.owner === principal.id && worker.org === principal.org;
}

export function livenessOf(worker: Worker, nowMs: number): Liveness {
  return nowMs - worker.lastHeartbeatAtMs > STALE_AFTER_MS ? "stale" : "fresh";
}

export function workerMessage(worker: Worker, nowMs: number): WorkerMessage {
  return {
    workerId: worker.workerId,
    org: worker.org,
    owner: worker.owner,
    displayName: worker.displayName,
    roles: worker.roles,
    status: worker.status,
    liveness: livenessOf(worker, nowMs),
    capabilities: worker.capabilities,
    priceMsats: worker.priceMsats,
    executionPriceMsats: worker.executionPriceMsats,
    priceBands: worker.priceBands,
    caps: worker.caps,
    toolchains: worker.toolchains,
    endpointUrl: worker.endpointUrl,
    zoneTenths: worker.zoneTenths,
    lastHeartbeatAt: worker.lastHeartbeatAtMs,
    createdAt: worker.createdAtMs,
    strikes: worker.strikes,
    quarantined: worker.quarantined,
  };
}
