import type { ProviderRecord as ProviderRecordMessage } from "@openagents/contracts";
import { NO_RECORD, type ProviderRecord, type Worker } from "../workers/index.ts";
import { supplyClassOf } from "./price.ts";
import { reliabilityBps, tierOf } from "./rank.ts";

/** A provider's record as the catalog shows it. */
export function recordMessage(worker: Worker, record: ProviderRecord = NO_RECORD): ProviderRecordMessage {
  return {
    providerWorkerId: worker.workerId,
    tier: tierOf({ strikes: worker.strikes, record }),
    supplyClass: supplyClassOf(worker),
    reliabilityBps: reliabilityBps(record),
    jobsDone: BigInt(record.jobsDone),
    jobsFaulty: BigInt(record.jobsFaulty),
    jobsReleased: BigInt(record.jobsReleased),
    priceViolations: BigInt(record.priceViolations),
    latencyMs: record.latencyMs === undefined ? undefined : BigInt(record.latencyMs),
  };
}
