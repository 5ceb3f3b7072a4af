import { Marketplace, bind, type Binding } from "@openagents/contracts";
import { STALE_AFTER_MS, listFreshProviders, workerMessage } from "../workers/index.ts";
import { dispatchSandboxRun, quoteSandboxRun, type MarketplaceDeps } from "./service.ts";

export type MarketplaceRoutesDeps = MarketplaceDeps & { readonly nowMs: () => number };

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
      return { providers: offering.map((worker) => workerMessage(worker, nowMs)) };
    },
    quoteSandboxRun: (request, call) => quoteSandboxRun(deps, call, request),
    dispatchSandboxRun: (request, call) => dispatchSandboxRun(deps, call, request),
  });
}
