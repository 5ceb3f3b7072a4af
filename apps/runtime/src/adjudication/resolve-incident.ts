import type { Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  ResolveIncidentRequest,
  ResolveIncidentResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { incidentMessage, lockIncident, updateIncident, type Incident } from "../fraud/index.ts";

/** In order of precedence. */
type ResolveRefusal = "not_an_allegation" | "incident_decided";

/** Say what came of an allegation. Refused as `ResolveRefusal` lists. */
export function resolveIncident(
  deps: { readonly authority: Authority },
  call: CommandCall,
  request: ResolveIncidentRequest,
): Promise<CommandReply> {
  return deps.authority.execute<ResolveIncidentResponse>(call, request, async (command) => {
    const incident = await lockIncident(command.tx, request.incidentId);
    if (incident === undefined) throw notFound("incident", request.incidentId);
    const refused = refuse(incident);
    if (refused !== undefined)
      return { kind: "refused", rule: "state", reason: refused, detail: DETAILS[refused] };
    const nowMs = command.nowMs();
    const outcome = request.upheld ? "allegation_upheld" : "allegation_dismissed";
    const decided: Incident = { ...incident, status: "decided", outcome, decidedAtMs: nowMs };
    const receipt = command.seal(
      "openagents.fraud.incident_decided.v1",
      incident.incidentId,
      {
        incident_id: incident.incidentId,
        kind: incident.kind,
        job_id: incident.jobId,
        outcome,
        because: request.note,
        incident_receipt_id: incident.receiptId,
      },
      nowMs,
    );
    return {
      kind: "answer",
      output: { incident: incidentMessage(decided), receiptId: receipt.receipt_id },
      writes: [updateIncident(decided)],
    };
  });
}

function refuse({ kind, status }: Incident): ResolveRefusal | undefined {
  if (kind !== "allegation") return "not_an_allegation";
  return status === "decided" ? "incident_decided" : undefined;
}

const DETAILS: Readonly<Record<ResolveRefusal, string>> = {
  not_an_allegation: "The operator's own run decides this one. Adjudicate it instead.",
  incident_decided: "The incident is decided already; what it came to stays.",
};
