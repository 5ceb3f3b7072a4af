import type { VerificationResult } from "@openagents/contracts";
import type { Decision } from "./decide-verification.ts";
import type { Review, Verification } from "./store.ts";

export function verificationMessage(
  verification: Verification,
  review: Review | undefined,
): VerificationResult {
  return {
    jobId: verification.jobId,
    verdict: verification.verdict,
    assurance: verification.assurance,
    proof: verification.proof,
    violations: verification.violations,
    baseExitCode: verification.baseExitCode,
    patchedExitCode: verification.patchedExitCode,
    guardExitCode: verification.guardExitCode,
    because: verification.because,
    status: "final",
    secondJobId: verification.secondJobId,
    disagreement: verification.disagreement,
    incidentId: verification.incidentId,
    reviewPaths: verification.reviewPaths,
    review: review?.decision,
    testsFixed: verification.testsFixed,
    testsKept: verification.testsKept,
    rerun: verification.rerun,
  };
}

/** What the first report says while somebody else runs the work again: the provider's word, not a verdict. */
export function awaitingMessage(jobId: string, decision: Decision, secondJobId: string): VerificationResult {
  return {
    jobId,
    verdict: decision.verdict,
    assurance: "provider",
    proof: decision.proof,
    violations: decision.violations,
    baseExitCode: decision.exitCodes.get("base"),
    patchedExitCode: decision.exitCodes.get("patched"),
    guardExitCode: decision.exitCodes.get("guard"),
    because: decision.because,
    status: "awaiting_second_opinion",
    secondJobId,
    disagreement: false,
    reviewPaths: decision.reviewPaths,
    testsFixed: decision.testsFixed,
    testsKept: decision.testsKept,
  };
}
