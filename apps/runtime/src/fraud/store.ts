import type { IncidentKind, IncidentOutcome, IncidentStatus } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Incident } from "./incident.ts";

type IncidentRow = {
  incident_id: string;
  kind: IncidentKind;
  status: IncidentStatus;
  org: string;
  run_id: string;
  job_id: string;
  first_worker_id: string;
  second_job_id: string | null;
  second_worker_id: string | null;
  third_job_id: string | null;
  outcome: IncidentOutcome | null;
  detail: string;
  receipt_id: string;
  opened_at_ms: bigint;
  decided_at_ms: bigint | null;
  reporter_org: string | null;
  evidence: string[];
};

const COLUMNS = `incident_id, kind, status, org, run_id, job_id, first_worker_id, second_job_id, second_worker_id,
  third_job_id, outcome, detail, receipt_id, opened_at_ms, decided_at_ms, reporter_org, evidence`;

function incidentOf(row: IncidentRow): Incident {
  return {
    incidentId: row.incident_id,
    kind: row.kind,
    status: row.status,
    org: row.org,
    runId: row.run_id,
    jobId: row.job_id,
    firstWorkerId: row.first_worker_id,
    secondJobId: row.second_job_id ?? undefined,
    secondWorkerId: row.second_worker_id ?? undefined,
    thirdJobId: row.third_job_id ?? undefined,
    outcome: row.outcome ?? undefined,
    detail: row.detail,
    receiptId: row.receipt_id,
    openedAtMs: Number(row.opened_at_ms),
    decidedAtMs: row.decided_at_ms === null ? undefined : Number(row.decided_at_ms),
    reporterOrg: row.reporter_org ?? undefined,
    evidence: row.evidence,
  };
}

const FIND = statement("incidents.find", `SELECT ${COLUMNS} FROM runtime.incidents WHERE incident_id = $1`);

export async function findIncident(q: Queryable, incidentId: string): Promise<Incident | undefined> {
  const [row] = await q.query<IncidentRow>(FIND, [incidentId]);
  return row === undefined ? undefined : incidentOf(row);
}

const FIND_OF_JOB = statement(
  "incidents.find_of_job",
  `SELECT ${COLUMNS} FROM runtime.incidents WHERE job_id = $1 AND COALESCE(reporter_org, '') = $2`,
);

/** The one that the operator's run decides; a job has one at most. */
export function findIncidentOf(q: Queryable, jobId: string): Promise<Incident | undefined> {
  return findOfJob(q, jobId, "");
}

/** What a party of the job alleges about it. */
export function findAllegation(q: Queryable, jobId: string, org: string): Promise<Incident | undefined> {
  return findOfJob(q, jobId, org);
}

async function findOfJob(q: Queryable, jobId: string, reporter: string): Promise<Incident | undefined> {
  const [row] = await q.query<IncidentRow>(FIND_OF_JOB, [jobId, reporter]);
  return row === undefined ? undefined : incidentOf(row);
}

const LOCK_DISPUTES = statement(
  "incidents.lock_disputes",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 7203102))",
);
const COUNT_DISPUTES = statement(
  "incidents.count_disputes",
  `SELECT count(*) AS undecided FROM (SELECT 1 FROM runtime.incidents
    WHERE org = $1 AND kind = 'dispute' AND status <> 'decided' LIMIT $2) AS few`,
);

/** How many of a buyer's disputes are not decided, up to `limit`; nobody opens another one meanwhile. */
export async function lockOpenDisputes(tx: Tx, org: string, limit: number): Promise<number> {
  await tx.query(LOCK_DISPUTES, [org]);
  const [row] = await tx.query<{ undecided: bigint }>(COUNT_DISPUTES, [org, limit]);
  return Number(row?.undecided ?? 0n);
}

const LOCK = statement(
  "incidents.lock",
  `SELECT ${COLUMNS} FROM runtime.incidents WHERE incident_id = $1 FOR NO KEY UPDATE`,
);

/** Before workers, and never together with runs or jobs: those of an incident do not change any more. */
export async function lockIncident(tx: Tx, incidentId: string): Promise<Incident | undefined> {
  const [row] = await tx.query<IncidentRow>(LOCK, [incidentId]);
  return row === undefined ? undefined : incidentOf(row);
}

const LIST_UNDECIDED = statement(
  "incidents.list_undecided",
  `SELECT ${COLUMNS} FROM runtime.incidents
    WHERE status <> 'decided' AND kind <> 'allegation' AND incident_id > $1 ORDER BY incident_id LIMIT $2`,
);

/** Those that the operator's run decides, oldest first, the ones after `afterId`; "" is before all. */
export async function listUndecided(q: Queryable, afterId: string, limit: number): Promise<Incident[]> {
  return (await q.query<IncidentRow>(LIST_UNDECIDED, [afterId, limit])).map(incidentOf);
}

const LIST_ALL = statement(
  "incidents.list_all",
  `SELECT ${COLUMNS} FROM runtime.incidents WHERE incident_id < $1 ORDER BY incident_id DESC LIMIT $2`,
);

/** Newest first. */
export async function listIncidents(q: Queryable, beforeId: string, limit: number): Promise<Incident[]> {
  return (await q.query<IncidentRow>(LIST_ALL, [beforeId, limit])).map(incidentOf);
}

// One branch for each index; an incident that is in several appears once.
const LIST_SEEN_BY = statement(
  "incidents.list_seen_by",
  `SELECT ${COLUMNS} FROM runtime.incidents WHERE incident_id IN (
     (SELECT incident_id FROM runtime.incidents
       WHERE org = $1 AND incident_id < $2 ORDER BY incident_id DESC LIMIT $3)
     UNION
     (SELECT i.incident_id FROM runtime.workers w JOIN runtime.incidents i ON i.first_worker_id = w.worker_id
       WHERE w.org = $1 AND i.incident_id < $2 ORDER BY i.incident_id DESC LIMIT $3)
     UNION
     (SELECT i.incident_id FROM runtime.workers w JOIN runtime.incidents i ON i.second_worker_id = w.worker_id
       WHERE w.org = $1 AND i.incident_id < $2 ORDER BY i.incident_id DESC LIMIT $3))
   ORDER BY incident_id DESC LIMIT $3`,
);

/** Those about an organisation's jobs or workers, newest first. */
export async function listIncidentsSeenBy(
  q: Queryable,
  org: string,
  beforeId: string,
  limit: number,
): Promise<Incident[]> {
  return (await q.query<IncidentRow>(LIST_SEEN_BY, [org, beforeId, limit])).map(incidentOf);
}

const HAS_STRUCK = statement(
  "incidents.has_struck",
  `SELECT 1 AS found FROM runtime.incidents
    WHERE org = $1 AND $2 = ANY (struck_orgs) AND struck_orgs <> '{}' AND decided_at_ms > $3
      AND kind IN ('disagreement', 'dispute')
    LIMIT 1`,
);

/** Whether a disagreement over this buyer's jobs, or a dispute of it, has struck the provider after `sinceMs`. */
export async function hasStruck(
  q: Queryable,
  buyerOrg: string,
  providerOrg: string,
  sinceMs: number,
): Promise<boolean> {
  return (await q.query(HAS_STRUCK, [buyerOrg, providerOrg, sinceMs])).length > 0;
}

export function insertIncident(incident: Incident): Write {
  return {
    name: "incidents.insert",
    text: `INSERT INTO runtime.incidents (incident_id, kind, status, org, run_id, job_id, first_worker_id,
             second_job_id, second_worker_id, detail, receipt_id, opened_at_ms, reporter_org, evidence)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      incident.incidentId,
      incident.kind,
      incident.status,
      incident.org,
      incident.runId,
      incident.jobId,
      incident.firstWorkerId,
      incident.secondJobId ?? null,
      incident.secondWorkerId ?? null,
      incident.detail,
      incident.receiptId,
      incident.openedAtMs,
      incident.reporterOrg ?? null,
      incident.evidence ?? [],
    ],
  };
}

/** With the organisations that it struck. */
export function updateIncident(incident: Incident, struckOrgs: readonly string[] = []): Write {
  return {
    name: "incidents.update",
    text: `UPDATE runtime.incidents
              SET status = $2, third_job_id = $3, outcome = $4, decided_at_ms = $5, struck_orgs = $6
            WHERE incident_id = $1`,
    values: [
      incident.incidentId,
      incident.status,
      incident.thirdJobId ?? null,
      incident.outcome ?? null,
      incident.decidedAtMs ?? null,
      struckOrgs,
    ],
  };
}
