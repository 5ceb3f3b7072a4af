// What the market did for one buyer, or by one provider, over some days.

import type { GetComputeTelemetryRequest, GetComputeTelemetryResponse } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { SANDBOX_RUN } from "../jobs/index.ts";
import { latencyBuckets, quantileMs, sumCounts } from "../market-counts/index.ts";
import { STALE_AFTER_MS, findWorker, listFreshProviders, listProviderRecords } from "../workers/index.ts";
import { isOperator } from "../zones/index.ts";
import { recordMessage } from "./provider.ts";
import { CANDIDATES_MAX } from "./quote.ts";

export type TelemetryDeps = { readonly db: Database; readonly nowMs: () => number };

const DAYS_DEFAULT = 7;

export async function readTelemetry(
  { db, nowMs: clock }: TelemetryDeps,
  org: string,
  request: GetComputeTelemetryRequest,
): Promise<GetComputeTelemetryResponse> {
  const nowMs = clock();
  const { capability = SANDBOX_RUN, days = DAYS_DEFAULT, providerWorkerId } = request;
  const provider = providerWorkerId === undefined ? undefined : await findWorker(db, providerWorkerId);
  if (providerWorkerId !== undefined && provider?.roles.includes("provider") !== true)
    throw notFound("worker", providerWorkerId);
  const counts = await sumCounts(db, provider?.workerId ?? org, capability, days, nowMs);
  const of = (measure: string) => BigInt(counts.get(measure) ?? 0);
  const latencies = latencyBuckets(counts);
  const p50 = quantileMs(latencies, 50);
  const p95 = quantileMs(latencies, 95);

  const fresh = await listFreshProviders(db, nowMs - STALE_AFTER_MS, CANDIDATES_MAX);
  const selling = fresh.filter((each) => !each.quarantined && each.capabilities.includes(capability));
  const records = provider === undefined ? undefined : await listProviderRecords(db, [provider.workerId]);
  return {
    capability,
    days,
    providersOwn: selling.filter((each) => each.org === org).length,
    providersReserve: selling.filter(isOperator).length,
    providersTotal: selling.length,
    quoted: of("quoted"),
    unfilled: of("unfilled"),
    dispatched: of("dispatched"),
    released: of("released"),
    withheld: of("withheld"),
    latencySamples: BigInt(latencies.reduce((sum, { count }) => sum + count, 0)),
    latencyP50Ms: p50 === undefined ? undefined : BigInt(p50),
    latencyP95Ms: p95 === undefined ? undefined : BigInt(p95),
    provider: provider === undefined ? undefined : recordMessage(provider, records?.get(provider.workerId)),
  };
}
