import { Marketplace, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { STALE_AFTER_MS, listFreshProviders, listProviderRecords, workerMessage } from "../workers/index.ts";
import { dispatchSandboxRun, type DispatchDeps } from "./dispatch.ts";
import { recordMessage } from "./provider.ts";
import { quoteSandboxRun, type QuoteDeps } from "./quote-sandbox-run.ts";

export type MarketplaceRoutesDeps = QuoteDeps & DispatchDeps & { readonly db: Database };

const CATALOG_MAX = 1_000;

export function marketplaceRoutes(deps: MarketplaceRoutesDeps): Binding {
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
    quoteSandboxRun: (request, call) => quoteSandboxRun(deps, call, request),
    dispatchSandboxRun: (request, call) => dispatchSandboxRun(deps, call, request),
  });
}
