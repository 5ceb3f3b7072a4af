import { Marketplace, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import type { RateLimits } from "../rate-limits/index.ts";
import { STALE_AFTER_MS, listFreshProviders, listProviderRecords, workerMessage } from "../workers/index.ts";
import { dispatchSandboxRun, type DispatchDeps } from "./dispatch.ts";
import { recordMessage } from "./provider.ts";
import { JOB_TYPES } from "./job-types.ts";
import { readTelemetry } from "./telemetry.ts";
import { quoteMessage } from "./quote.ts";
import { selectRoute } from "./select-route.ts";
import { findQuote } from "./store.ts";
import { quoteWork, type QuoteDeps } from "./quote-work.ts";

export type MarketplaceRoutesDeps = QuoteDeps &
  DispatchDeps & { readonly db: Database; readonly limits: RateLimits; readonly nowMs: () => number };

const CATALOG_MAX = 1_000;

export function marketplaceRoutes(deps: MarketplaceRoutesDeps): Binding {
  const quoting = { ...deps, authority: deps.limits.over(deps.authority, "quotes") };
  const dispatching = { ...deps, authority: deps.limits.over(deps.authority, "dispatches") };
  return bind(Marketplace, {
    async listProviders(request) {
      const nowMs = deps.nowMs();
      const providers = await listFreshProviders(deps.db, nowMs - STALE_AFTER_MS, CATALOG_MAX);
      const { capability } = request;
      const offering =
        capability === undefined
          ? providers
          : providers.filter((each) => each.capabilities.includes(capability));
      const records = await listProviderRecords(
        deps.db,
        offering.map((worker) => worker.workerId),
      );
      return {
        providers: offering.map((worker) => workerMessage(worker, nowMs)),
        records: offering.map((worker) => recordMessage(worker, records.get(worker.workerId))),
      };
    },
    listJobTypes: async () => ({ jobTypes: JOB_TYPES }),
    getComputeTelemetry: (request, call) => readTelemetry(deps, call.principal.org, request),
    quoteSandboxRun: (request, call) => quoteWork(quoting, call, request),
    quoteRepoIndex: (request, call) => quoteWork(quoting, call, request),
    selectRoute: (request, call) => selectRoute(quoting, call, request),
    async getQuote({ quoteId }, call) {
      const quote = await findQuote(deps.db, call.principal.org, quoteId);
      if (quote === undefined) throw notFound("quote", quoteId);
      return {
        quote: quoteMessage(quote, deps.signer.signHash(quote.quoteSha256)),
        receiptId: quote.receiptId,
      };
    },
    dispatchSandboxRun: (request, call) => dispatchSandboxRun(dispatching, call, request),
  });
}
