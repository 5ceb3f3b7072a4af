import { Integrations, bind, type Binding } from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { integrationMessage, sealContext } from "./integration.ts";
import {
  checkIntegration,
  connectIntegration,
  disconnectIntegration,
  resealIntegrations,
  type IntegrationDeps,
} from "./service.ts";
import { findIntegration, listIntegrations } from "./store.ts";

/** As long as a service may go on with a secret that was disconnected meanwhile. */
const KEEP_MS_MAX = 60_000n;

export function integrationRoutes(deps: IntegrationDeps): Binding {
  return bind(Integrations, {
    async listIntegrations(_request, call) {
      return { integrations: (await listIntegrations(deps.db, call.principal.org)).map(integrationMessage) };
    },
    connectIntegration: (request, call) => connectIntegration(deps, call, request),
    checkIntegration: (request, call) => checkIntegration(deps, call, request),
    disconnectIntegration: (request, call) => disconnectIntegration(deps, call, request),
    resealIntegrations: (_request, call) => resealIntegrations(deps, call),

    async fetchIntegrationSecret({ provider }, call) {
      const { org, id, actingFor } = call.principal;
      const found = await findIntegration(deps.db, org, provider);
      if (found === undefined) throw notFound("integration", provider);
      const secret = deps.sealer.open(found.sealed, sealContext(found));
      deps.log.info(
        { org, provider, service: id, acting_for: actingFor, request_id: call.requestId },
        "secret fetched",
      );
      return { secret, baseUrl: found.baseUrl, keepMsMax: KEEP_MS_MAX };
    },
  });
}
