import { newId, type Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  ReportIncidentRequest,
  ReportIncidentResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { findAllegation, incidentMessage, insertIncident, type Incident } from "../fraud/index.ts";
import { findJob, lockJob } from "../jobs/index.ts";

/**
 * Put on record what a party of a job alleges: its buyer, or whoever has it. Nobody
 * is struck, no run is ordered and no money is held for it. Refused: `already_reported`.
 */
export function reportIncident(
  deps: { readonly authority: Authority },
  call: CommandCall,
  request: ReportIncidentRequest,
): Promise<CommandReply> {
  return deps.authority.execute<ReportIncidentResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const seen = await findJob(command.tx, request.jobId);
    if (seen === undefined || (seen.org !== org && seen.providerOrg !== org))
      throw notFound("job", request.jobId);
    // So that two of one party take turns.
    const job = await lockJob(command.tx, seen.jobId);
    const earlier = await findAllegation(command.tx, job.jobId, org);
    if (earlier !== undefined) {
      return {
        kind: "refused",
        rule: "state",
        reason: "already_reported",
        detail: `You reported this job as ${earlier.incidentId}. What else there is to say, tell the operator with it.`,
      };
    }
    const nowMs = command.nowMs();
    const incidentId = newId("inc", nowMs);
    const { claim, evidence } = request;
    const receipt = command.seal(
      "openagents.fraud.incident.v1",
      incidentId,
      {
        incident_id: incidentId,
        kind: "allegation",
        run_id: job.runId,
        job_id: job.jobId,
        job_hash: job.jobHash,
        first_worker_id: job.providerWorkerId,
        reporter: job.org === org ? "buyer" : "provider",
        detail: claim,
        evidence: [...evidence],
      },
      nowMs,
    );
    const incident: Incident = {
      incidentId,
      kind: "allegation",
      status: "open",
      org: job.org,
      runId: job.runId,
      jobId: job.jobId,
      firstWorkerId: job.providerWorkerId,
      secondJobId: undefined,
      secondWorkerId: undefined,
      thirdJobId: undefined,
      outcome: undefined,
      detail: claim,
      reporterOrg: org,
      evidence,
      receiptId: receipt.receipt_id,
      openedAtMs: nowMs,
      decidedAtMs: undefined,
    };
    return {
      kind: "answer",
      output: { incident: incidentMessage(incident), receiptId: receipt.receipt_id },
      writes: [insertIncident(incident)],
    };
  });
}
