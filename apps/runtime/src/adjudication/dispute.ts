import { newId, type Authority } from "@openagents/authority";
import type { CommandCall, CommandReply, DisputeJobRequest, DisputeJobResponse } from "@openagents/contracts";
import { notFound } from "@openagents/service";
import {
  findIncidentOf,
  incidentMessage,
  insertIncident,
  lockOpenDisputes,
  type Incident,
} from "../fraud/index.ts";
import { findJob, isOpinionSpec, lockJob } from "../jobs/index.ts";
import { requireLockedRun } from "../runs/index.ts";
import { countDisputed, findBuyerStanding } from "../standings/index.ts";
import { findVerification } from "../verification/index.ts";
import { DISPUTES_OPEN_MAX, decideDispute, type DisputeRefusal } from "./decide-dispute.ts";

/** Open an incident about the report of one's own job. Refused as `DisputeRefusal` lists. */
export function disputeJob(
  deps: { readonly authority: Authority },
  call: CommandCall,
  request: DisputeJobRequest,
): Promise<CommandReply> {
  return deps.authority.execute<DisputeJobResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const seen = await findJob(command.tx, request.jobId);
    if (seen === undefined || seen.org !== org) throw notFound("job", request.jobId);
    // The settlement takes these locks too, so money does not move while its report comes under doubt.
    await requireLockedRun(command.tx, org, seen.runId);
    const job = await lockJob(command.tx, seen.jobId);
    const verification = await findVerification(command.tx, job.jobId);
    const disputesOpen = await lockOpenDisputes(command.tx, org, DISPUTES_OPEN_MAX);
    const facts = {
      purpose: job.purpose,
      isOpinion: isOpinionSpec(job.spec),
      verifiedAtMs: verification?.verifiedAtMs,
      hasResult: job.result !== undefined,
      hasIncident: (await findIncidentOf(command.tx, job.jobId)) !== undefined,
      disputesOpen,
      standing: await findBuyerStanding(command.tx, org),
    };
    const nowMs = command.nowMs();
    const refused = decideDispute(facts, nowMs);
    if (refused !== undefined)
      return { kind: "refused", rule: "state", reason: refused, detail: DISPUTE_DETAILS[refused] };

    // One that came to nothing said nothing that could be false.
    const { secondJobId, assurance } = verification ?? {};
    const agreed = secondJobId !== undefined && assurance !== "provider";
    const second = agreed ? await findJob(command.tx, secondJobId) : undefined;
    const incidentId = newId("inc", nowMs);
    const receipt = command.seal(
      "openagents.fraud.incident.v1",
      incidentId,
      {
        incident_id: incidentId,
        kind: "dispute",
        run_id: job.runId,
        job_id: job.jobId,
        job_hash: job.jobHash,
        first_worker_id: job.providerWorkerId,
        ...(second === undefined
          ? {}
          : { second_job_id: second.jobId, second_worker_id: second.providerWorkerId }),
        verification_receipt_id: verification?.receiptId ?? "",
        detail: request.claim,
      },
      nowMs,
    );
    const incident: Incident = {
      incidentId,
      kind: "dispute",
      status: "open",
      org,
      runId: job.runId,
      jobId: job.jobId,
      firstWorkerId: job.providerWorkerId,
      secondJobId: second?.jobId,
      secondWorkerId: second?.providerWorkerId,
      thirdJobId: undefined,
      outcome: undefined,
      detail: request.claim,
      receiptId: receipt.receipt_id,
      openedAtMs: nowMs,
      decidedAtMs: undefined,
    };
    return {
      kind: "answer",
      output: { incident: incidentMessage(incident), receiptId: receipt.receipt_id },
      writes: [insertIncident(incident), countDisputed(org)],
    };
  });
}

const DISPUTE_DETAILS: Readonly<Record<DisputeRefusal, string>> = {
  job_not_work: "This job repeats another one. Dispute that one.",
  job_of_panel: "The job took judgement, and no run of the operator can show that one was false.",
  job_not_verified: "The job has no verdict yet. Verify it first.",
  nothing_reported: "The provider reported no result that could be doubted; nothing is paid for it.",
  incident_exists: "There is an incident about this job already. Look at that one.",
  dispute_window_over: "A report can be disputed for seven days after its verdict.",
  disputes_open_max: `You have ${DISPUTES_OPEN_MAX} disputes that are not decided yet. Wait for them.`,
  disputes_lost_max:
    "Too many of your disputes were not borne out by the operator's run. Settle more work before the next one.",
};
