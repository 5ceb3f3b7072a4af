import type { IncidentKind, IncidentStatus, PanelStatus, PayOn, Verdict } from "@openagents/contracts";
import { statement, type Queryable } from "@openagents/postgres";
import type { Undecided } from "./decide-step.ts";

type Row = {
  job_id: string;
  org: string;
  status: Undecided["status"];
  updated_at_ms: bigint;
  seconds: bigint;
  second_updated_at_ms: bigint | null;
  pay_on: PayOn;
  verdict: Verdict | null;
  disagreement: boolean | null;
  reviewed_at_ms: bigint | null;
  kind: IncidentKind | null;
  incident_status: IncidentStatus | null;
  decided_at_ms: bigint | null;
  panel_id: string | null;
  panel_status: PanelStatus | null;
  outstanding: bigint;
  decide_by_ms: bigint | null;
  review_by_ms: bigint | null;
};

const LIST_UNDECIDED = statement(
  "stalled_jobs.list_undecided",
  `SELECT j.job_id, j.org, j.status, j.updated_at_ms, s.seconds, s.second_updated_at_ms,
          v.verdict, v.disagreement, r.reviewed_at_ms,
          q.pay_on, i.kind, i.status AS incident_status, i.decided_at_ms,
          p.panel_id, p.status AS panel_status, p.decide_by_ms, p.review_by_ms, o.outstanding
     FROM runtime.jobs j
     JOIN runtime.quotes q ON q.quote_id = j.quote_id
     LEFT JOIN runtime.verifications v ON v.job_id = j.job_id
     LEFT JOIN runtime.reviews r ON r.job_id = j.job_id
     LEFT JOIN runtime.incidents i ON i.job_id = j.job_id AND i.kind <> 'allegation'
     LEFT JOIN runtime.panels p ON p.panel_id = q.panel_id
     CROSS JOIN LATERAL (
       SELECT count(*) AS outstanding FROM runtime.quotes y
        LEFT JOIN runtime.jobs z ON z.quote_id = y.quote_id AND z.purpose = 'work'
        WHERE y.panel_id = q.panel_id AND coalesce(z.status, 'queued') IN ('queued', 'leased')) o
     CROSS JOIN LATERAL (
       SELECT count(*) AS seconds, max(x.updated_at_ms) AS second_updated_at_ms FROM runtime.jobs x
        WHERE x.primary_job_id = j.job_id AND x.purpose = 'second_opinion') s
    WHERE j.purpose = 'work' AND j.status IN ('reported', 'verified') AND j.job_id > $1
    ORDER BY j.job_id LIMIT $2`,
);

/** Oldest first, those after `afterId`; "" is before all. */
export async function listUndecidedJobs(
  q: Queryable,
  afterId: string,
  limit: number,
): Promise<(Undecided & { readonly org: string })[]> {
  return (await q.query<Row>(LIST_UNDECIDED, [afterId, limit])).map((row) => ({
    jobId: row.job_id,
    org: row.org,
    status: row.status,
    updatedAtMs: Number(row.updated_at_ms),
    seconds: Number(row.seconds),
    secondUpdatedAtMs: numberOf(row.second_updated_at_ms),
    awaitsReview: row.verdict === "needs_review" && row.pay_on === "outcome" && row.reviewed_at_ms === null,
    disagreement: row.disagreement ?? false,
    reviewedAtMs: numberOf(row.reviewed_at_ms),
    incident: incidentOf(row),
    panel: panelOf(row),
  }));
}

function incidentOf(row: Row): Undecided["incident"] {
  const { kind, incident_status: status } = row;
  if (kind === null || status === null) return undefined;
  return { kind, status, decidedAtMs: numberOf(row.decided_at_ms) };
}

function panelOf(row: Row): Undecided["panel"] {
  const { panel_id: panelId, panel_status: status, decide_by_ms: decideByMs } = row;
  if (panelId === null || status === null || decideByMs === null) return undefined;
  return {
    panelId,
    status,
    outstanding: Number(row.outstanding),
    decideByMs: Number(decideByMs),
    reviewByMs: numberOf(row.review_by_ms),
  };
}

function numberOf(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value);
}
