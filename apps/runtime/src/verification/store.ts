import type { Assurance, Proof, Verdict } from "@openagents/contracts";
import { statement, type Queryable, type Write } from "@openagents/postgres";

export type Verification = {
  readonly jobId: string;
  readonly verdict: Verdict;
  readonly assurance: Assurance;
  readonly proof: Proof;
  readonly because: string;
  readonly violations: readonly string[];
  readonly baseExitCode: number | undefined;
  readonly patchedExitCode: number | undefined;
  readonly receiptId: string;
  readonly receiptSha256: string;
  readonly verifiedAtMs: number;
};

type VerificationRow = {
  job_id: string;
  verdict: Verdict;
  assurance: Assurance;
  proof: Proof;
  because: string;
  violations: string[];
  base_exit_code: number | null;
  patched_exit_code: number | null;
  receipt_id: string;
  receipt_sha256: string;
  verified_at_ms: bigint;
};

const COLUMNS = `job_id, verdict, assurance, proof, because, violations, base_exit_code, patched_exit_code,
  receipt_id, receipt_sha256, verified_at_ms`;

const FIND = statement(
  "verifications.find",
  `SELECT ${COLUMNS} FROM runtime.verifications WHERE job_id = $1`,
);

export async function findVerification(q: Queryable, jobId: string): Promise<Verification | undefined> {
  const [row] = await q.query<VerificationRow>(FIND, [jobId]);
  if (row === undefined) return undefined;
  return {
    jobId: row.job_id,
    verdict: row.verdict,
    assurance: row.assurance,
    proof: row.proof,
    because: row.because,
    violations: row.violations,
    baseExitCode: row.base_exit_code ?? undefined,
    patchedExitCode: row.patched_exit_code ?? undefined,
    receiptId: row.receipt_id,
    receiptSha256: row.receipt_sha256,
    verifiedAtMs: Number(row.verified_at_ms),
  };
}

export function insertVerification(verification: Verification): Write {
  return {
    name: "verifications.insert",
    text: `INSERT INTO runtime.verifications (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      verification.jobId,
      verification.verdict,
      verification.assurance,
      verification.proof,
      verification.because,
      verification.violations,
      verification.baseExitCode ?? null,
      verification.patchedExitCode ?? null,
      verification.receiptId,
      verification.receiptSha256,
      verification.verifiedAtMs,
    ],
  };
}
