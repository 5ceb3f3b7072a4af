import { Fraud, bind, type Binding } from "@openagents/contracts";
import { decodeCursor, encodeCursor, notFound, PAGE_DEFAULT } from "@openagents/service";
import {
  findIncident,
  incidentMessage,
  listIncidents,
  listIncidentsSeenBy,
  type Incident,
} from "../fraud/index.ts";
import { disputeJob } from "./dispute.ts";
import { reportIncident } from "./report-incident.ts";
import { resolveIncident } from "./resolve-incident.ts";
import { findWorker } from "../workers/index.ts";
import { adjudicateIncident, type AdjudicationDeps } from "./adjudicate.ts";

/** Sorts after every incident id. */
const AFTER_ALL_INCIDENTS = "inc_g";

export function fraudRoutes(deps: AdjudicationDeps): Binding {
  return bind(Fraud, {
    async listIncidents(request, call) {
      const before =
        request.cursor === undefined
          ? AFTER_ALL_INCIDENTS
          : decodeCursor(request.cursor, /^inc_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const { org, scopes } = call.principal;
      const found = scopes.has("admin")
        ? await listIncidents(deps.db, before, limit + 1)
        : await listIncidentsSeenBy(deps.db, org, before, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        incidents: page.map(incidentMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.incidentId),
      };
    },

    async getIncident(request, call) {
      const incident = await findIncident(deps.db, request.incidentId);
      const { org, scopes } = call.principal;
      const visible = incident !== undefined && (scopes.has("admin") || (await isParty(deps, incident, org)));
      if (!visible) throw notFound("incident", request.incidentId);
      return { incident: incidentMessage(incident) };
    },

    reportIncident: (request, call) => reportIncident(deps, call, request),
    resolveIncident: (request, call) => resolveIncident(deps, call, request),
    disputeJob: (request, call) => disputeJob(deps, call, request),
    adjudicateIncident: (request, call) => adjudicateIncident(deps, call, request),
  });
}

/** The buyer, and the owners of the workers that it is about. */
async function isParty(deps: AdjudicationDeps, incident: Incident, org: string): Promise<boolean> {
  if (incident.org === org) return true;
  for (const workerId of [incident.firstWorkerId, incident.secondWorkerId]) {
    const worker = workerId === undefined ? undefined : await findWorker(deps.db, workerId);
    if (worker?.org === org) return true;
  }
  return false;
}
