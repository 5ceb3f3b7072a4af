import type { Assurance, Proof, Rerun, ReviewDecision, Verdict } from "@openagents/contracts";
import { statement, type Queryable, type Write } from "@openagents/postgres";
import { rerunFromText, rerunText } from "./rerun.ts";

/** The final verdict on a job; written once. */
export type Verification = {
  readonly jobId: string;
  readonly verdict: Verdict;
  readonly assurance: Assurance;
  readonly proof: Proof;
  readonly because: string;
  readonly violations: readonly string[];
  readonly reviewPaths: readonly string[];
  readonly baseExitCode: number | undefined;
  readonly patchedExitCode: number | undefined;
  readonly guardExitCode: number | undefined;
  readonly testsFixed: number | undefined;
  readonly testsKept: number | undefined;
  /** The job that repeated the work. */
  readonly secondJobId: string | undefined;
  readonly disagreement: boolean;
  readonly incidentId: string | undefined;
  readonly rerun: Rerun | undefined;
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
  review_paths: string[];
  base_exit_code: number | null;
  patched_exit_code: number | null;
  guard_exit_code: number | null;
  tests_fixed: number | null;
  tests_kept: number | null;
  second_job_id: string | null;
  disagreement: boolean;
  incident_id: string | null;
  rerun: string | null;
  receipt_id: string;
  receipt_sha256: string;
  verified_at_ms: bigint;
};

const COLUMNS = `job_id, verdict, assurance, proof, because, violations, review_paths,
  base_exit_code, patched_exit_code, guard_exit_code, tests_fixed, tests_kept,
  second_job_id, disagreement, incident_id, receipt_id, receipt_sha256, verified_at_ms, rerun`;

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
    reviewPaths: row.review_paths,
    baseExitCode: row.base_exit_code ?? undefined,
    patchedExitCode: row.patched_exit_code ?? undefined,
    guardExitCode: row.guard_exit_code ?? undefined,
    testsFixed: row.tests_fixed ?? undefined,
    testsKept: row.tests_kept ?? undefined,
    secondJobId: row.second_job_id ?? undefined,
    disagreement: row.disagreement,
    incidentId: row.incident_id ?? undefined,
    rerun: row.rerun === null ? undefined : rerunFromText(row.rerun),
    receiptId: row.receipt_id,
    receiptSha256: row.receipt_sha256,
    verifiedAtMs: Number(row.verified_at_ms),
  };
}

export function insertVerification(verification: Verification): Write {
  return {
    name: "verifications.insert",
    text: `INSERT INTO runtime.verifications (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
    values: [
      verification.jobId,
      verification.verdict,
      verification.assurance,
      verification.proof,
      verification.because,
      verification.violations,
      verification.reviewPaths,
      verification.baseExitCode ?? null,
      verification.patchedExitCode ?? null,
      verification.guardExitCode ?? null,
      verification.testsFixed ?? null,
      verification.testsKept ?? null,
      verification.secondJobId ?? null,
      verification.disagreement,
      verification.incidentId ?? null,
      verification.receiptId,
      verification.receiptSha256,
      verification.verifiedAtMs,
      verification.rerun === undefined ? null : rerunText(verification.rerun),
    ],
  };
}

/** What whoever repeats a job is paid. */
export type SecondPrice = { readonly priceMsats: bigint; readonly feeMsats: bigint };

/** On what terms a job is repeated. */
export type SecondTerms = SecondPrice & { readonly rerun: Rerun };

const FIND_TERMS = statement(
  "second_orders.find",
  "SELECT price_msats, fee_msats, rerun FROM runtime.second_orders WHERE job_id = $1",
);

/** Undefined for a job that was ordered before second providers had terms of their own. */
export async function findSecondTerms(q: Queryable, jobId: string): Promise<SecondTerms | undefined> {
  type Row = { price_msats: bigint; fee_msats: bigint; rerun: string };
  const [row] = await q.query<Row>(FIND_TERMS, [jobId]);
  if (row === undefined) return undefined;
  return { priceMsats: row.price_msats, feeMsats: row.fee_msats, rerun: rerunFromText(row.rerun) };
}

export function insertSecondTerms(jobId: string, { priceMsats, feeMsats, rerun }: SecondTerms): Write {
  return {
    name: "second_orders.insert",
    text: "INSERT INTO runtime.second_orders (job_id, price_msats, fee_msats, rerun) VALUES ($1, $2, $3, $4)",
    values: [jobId, priceMsats, feeMsats, rerunText(rerun)],
  };
}

/** A person's word on a job that needs review; written once. */
export type Review = {
  readonly jobId: string;
  readonly decision: ReviewDecision;
  readonly note: string;
  readonly reviewedBy: string;
  readonly receiptId: string;
  readonly reviewedAtMs: number;
};

type ReviewRow = {
  job_id: string;
  decision: ReviewDecision;
  note: string;
  reviewed_by: string;
  receipt_id: string;
  reviewed_at_ms: bigint;
};

const REVIEW_COLUMNS = "job_id, decision, note, reviewed_by, receipt_id, reviewed_at_ms";

const FIND_REVIEW = statement(
  "reviews.find",
  `SELECT ${REVIEW_COLUMNS} FROM runtime.reviews WHERE job_id = $1`,
);

export async function findReview(q: Queryable, jobId: string): Promise<Review | undefined> {
  const [row] = await q.query<ReviewRow>(FIND_REVIEW, [jobId]);
  if (row === undefined) return undefined;
  return {
    jobId: row.job_id,
    decision: row.decision,
    note: row.note,
    reviewedBy: row.reviewed_by,
    receiptId: row.receipt_id,
    reviewedAtMs: Number(row.reviewed_at_ms),
  };
}

export function insertReview(review: Review): Write {
  return {
    name: "reviews.insert",
    text: `INSERT INTO runtime.reviews (${REVIEW_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)`,
    values: [
      review.jobId,
      review.decision,
      review.note,
      review.reviewedBy,
      review.receiptId,
      review.reviewedAtMs,
    ],
  };
}
