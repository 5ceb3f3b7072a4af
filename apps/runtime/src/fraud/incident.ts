// What an incident is: results that cannot all be true. Pure.
//
// FRD-1  A job has at most one incident that the operator's run decides, and one allegation of each party.
// FRD-2  Nobody is struck before the operator's own run has contradicted them.
// FRD-3  A decided incident never changes.
// FRD-4  Disagreements over one buyer's jobs, and its disputes, strike another organisation once a day at most:
//        whoever orders checks that depend on the day or the machine cannot quarantine an
//        honest provider at once, and who lies to one buyer only is out within days.
// FRD-5  Nothing follows from an allegation by itself.
// Held by tests/second-opinion.pg.test.ts and tests/allegation.pg.test.ts.

import type {
  Incident as IncidentMessage,
  IncidentKind,
  IncidentOutcome,
  IncidentStatus,
} from "@openagents/contracts";

export type Incident = {
  readonly incidentId: string;
  readonly kind: IncidentKind;
  readonly status: IncidentStatus;
  /** The buyer's organisation. */
  readonly org: string;
  readonly runId: string;
  readonly jobId: string;
  readonly firstWorkerId: string;
  readonly secondJobId: string | undefined;
  readonly secondWorkerId: string | undefined;
  readonly thirdJobId: string | undefined;
  readonly outcome: IncidentOutcome | undefined;
  readonly detail: string;
  /** Of an allegation, and only of one. */
  readonly reporterOrg?: string | undefined;
  readonly evidence?: readonly string[];
  readonly receiptId: string;
  readonly openedAtMs: number;
  readonly decidedAtMs: number | undefined;
};

export function incidentMessage(incident: Incident): IncidentMessage {
  return {
    incidentId: incident.incidentId,
    kind: incident.kind,
    status: incident.status,
    runId: incident.runId,
    jobId: incident.jobId,
    firstWorkerId: incident.firstWorkerId,
    secondJobId: incident.secondJobId,
    secondWorkerId: incident.secondWorkerId,
    thirdJobId: incident.thirdJobId,
    outcome: incident.outcome,
    detail: incident.detail,
    openedAt: incident.openedAtMs,
    decidedAt: incident.decidedAtMs,
    reporter:
      incident.reporterOrg === undefined
        ? undefined
        : incident.reporterOrg === incident.org
          ? "buyer"
          : "provider",
    evidence: [...(incident.evidence ?? [])],
  };
}
