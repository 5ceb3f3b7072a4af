import { statement, type Queryable, type Write } from "@openagents/postgres";

/** Note what was handed in for a job. Noting again changes nothing. */
export function insertJobOutput(jobId: string, sha256: string): Write {
  return {
    name: "artifacts.insert_job_output",
    text: `INSERT INTO runtime.job_outputs (job_id, sha256) VALUES ($1, $2)
           ON CONFLICT (job_id, sha256) DO NOTHING`,
    values: [jobId, sha256],
  };
}

const LIST_JOB_OUTPUTS = statement(
  "artifacts.list_job_outputs",
  "SELECT sha256 FROM runtime.job_outputs WHERE job_id = $1 AND sha256 = ANY($2::text[])",
);

/** Which of these hashes were handed in for the job. */
export async function listJobOutputs(
  q: Queryable,
  jobId: string,
  hashes: readonly string[],
): Promise<Set<string>> {
  const rows = await q.query<{ sha256: string }>(LIST_JOB_OUTPUTS, [jobId, [...new Set(hashes)]]);
  return new Set(rows.map((row) => row.sha256));
}
