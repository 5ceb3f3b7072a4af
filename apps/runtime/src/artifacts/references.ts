// Whether something refers to an artifact for an organisation. The rules are told
// in retention.ts; this looks them up.

import { statement, type Queryable } from "@openagents/postgres";
import { EVIDENCE_MS } from "./retention.ts";

/** More jobs than this about one artifact are not looked through: it is kept. */
const JOBS_MAX = 2_000;

const IS_REFERRED_TO = statement(
  "artifacts.is_referred_to",
  `WITH about AS MATERIALIZED (
     SELECT job_id FROM (
       (SELECT job_id FROM runtime.jobs WHERE inputs @> ARRAY[$2::text] LIMIT $5)
       UNION ALL
       (SELECT job_id FROM runtime.job_outputs WHERE sha256 = $2 ORDER BY job_id DESC LIMIT $5)
     ) AS named)
   SELECT (SELECT count(*) FROM about) >= $5
     OR EXISTS (
       SELECT 1 FROM runtime.artifact_grants g
        WHERE g.sha256 = $2 AND g.shared_by = $1 AND g.keep_until_ms > $3)
     OR EXISTS (
       SELECT 1 FROM about JOIN runtime.jobs j USING (job_id)
        WHERE (j.org = $1 OR j.provider_org = $1)
          AND (j.updated_at_ms > $4
            OR j.status IN ('queued', 'leased')
            OR EXISTS (SELECT 1 FROM runtime.reservations r
                        WHERE r.reservation_id = j.reservation_id AND r.status = 'reserved')
            OR EXISTS (SELECT 1 FROM runtime.incidents i
                        WHERE i.job_id = coalesce(j.primary_job_id, j.job_id) AND i.status <> 'decided')
            OR EXISTS (SELECT 1 FROM runtime.runs u
                        WHERE u.run_id = j.run_id AND u.status IN ('created', 'running', 'canceling'))))
     AS referred`,
);

export async function isReferredTo(
  q: Queryable,
  org: string,
  sha256: string,
  nowMs: number,
): Promise<boolean> {
  const values = [org, sha256, nowMs, nowMs - EVIDENCE_MS, JOBS_MAX];
  const [row] = await q.query<{ referred: boolean }>(IS_REFERRED_TO, values);
  return row?.referred ?? true;
}
