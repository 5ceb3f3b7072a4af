// The verdict again, from the stored results and reports, the job's commands and
// the patch; and whether anyone but the paid provider came to the same results.

import type { VerdictDecision } from "@openagents/proof";
import { canonicalize, type JsonObject } from "@openagents/receipts";
import type { Bench } from "./bench.ts";
import { receiptNamed } from "./chain.ts";
import { NotChecked, type Problems } from "./claims.ts";
import { numberOf, objectOf, textOf, textsOf } from "./json-view.ts";
import { ARTIFACTS_FOLDER, type BundleFiles } from "./layout.ts";
import { decideResult, differences, endingsOf, exitCodeOf } from "./reported-legs.ts";
import type { ReceiptsById } from "./story.ts";

/** Of every attempt; what is told is the last one's. */
export async function checkVerdict(
  benches: readonly Bench[],
  files: BundleFiles,
  problems: Problems,
): Promise<string> {
  let told = "";
  for (const bench of benches) {
    const { opinions, verification } = bench.attempt;
    for (const opinion of opinions) await checkPreliminary(bench, files, opinion, problems);
    told = verification === undefined ? "" : await checkFinal(bench, files, verification, problems);
  }
  if (told === "") throw new NotChecked("no verdict in this run");
  return told;
}

async function checkFinal(
  bench: Bench,
  files: BundleFiles,
  verification: JsonObject,
  problems: Problems,
): Promise<string> {
  const verdict = textOf(verification, "verdict");
  const violations = textsOf(verification, "violations");
  if (!isDecidedByResult(verification)) {
    problems.same("the verdict", verdict, "inconclusive");
    if (violations.length > 0) return `inconclusive, because of ${violations.join(", ")}`;
    return `inconclusive: ${textOf(verification, "because")}`;
  }
  const decided = await decideStored(bench, files, verification, problems);
  problems.same("the verdict", verdict, decided.verdict);
  problems.same("its reason", textOf(verification, "because"), decided.because);
  problems.same("the proof", textOf(verification, "proof"), decided.proof);
  const review = canonicalize(textsOf(verification, "review_paths"));
  problems.same("the files to review", review, canonicalize(decided.reviewPaths));
  const numbers = [
    ["tests_fixed", decided.testsFixed],
    ["tests_kept", decided.testsKept],
    ["guard_exit_code", exitCodeOf(objectOf(verification, "result"), "guard")],
  ] as const;
  for (const [name, number] of numbers) {
    const said = numberOf(verification, name);
    if (said !== number) problems.add(`${name} is ${said ?? "absent"}, not ${number ?? "absent"}`);
  }
  const counts = decided.testsFixed === undefined ? "" : `, ${decided.testsFixed} tests fixed`;
  return `${verdict} (${decided.proof.replaceAll("_", " ")}${counts}): ${textOf(verification, "because")}`;
}

/** What made someone run it again: the first report's own verdict. */
async function checkPreliminary(
  bench: Bench,
  files: BundleFiles,
  opinion: JsonObject,
  problems: Problems,
): Promise<void> {
  const { verification } = bench.attempt;
  // The result itself is in the verification, which a run that ended early lacks.
  if (verification?.["result"] === undefined) return;
  const decided = await decideStored(bench, files, verification, problems);
  problems.same("the preliminary verdict", textOf(opinion, "verdict"), decided.verdict);
  problems.same("its reason", textOf(opinion, "because"), decided.because);
}

/** The verdict of a verification's first result, from what the bundle stores of it. */
export async function decideStored(
  bench: Bench,
  files: BundleFiles,
  verification: JsonObject,
  problems: Problems,
): Promise<VerdictDecision> {
  const readBytes = (sha256: string) => files.get(`${ARTIFACTS_FOLDER}/${sha256}`);
  const plan = await bench.openPlan();
  return decideResult(objectOf(verification, "result"), bench.spec(), plan, readBytes, problems);
}

/**
 * Whether the legs decide the verdict: there is a result, it breaks no rule, and
 * nobody contradicts it. When a second run could not be made, the first result
 * may have to do without a verdict.
 */
export function isDecidedByResult(verification: JsonObject): boolean {
  const unconfirmed =
    verification["second_failure_code"] !== undefined && textOf(verification, "verdict") === "inconclusive";
  return (
    !unconfirmed &&
    verification["result"] !== undefined &&
    verification["disagreement"] !== true &&
    textsOf(verification, "violations").length === 0
  );
}

/** Who says so, of every attempt: agreement is equal endings of each leg, not equal output. */
export function checkSecondOpinion(
  benches: readonly Bench[],
  receipts: ReceiptsById,
  problems: Problems,
): string {
  let told = "";
  for (const { attempt } of benches) {
    const { dispatch, verification } = attempt;
    told = "";
    if (verification === undefined) continue;
    const offer = objectOf(receiptNamed(receipts, dispatch, "quote_receipt_id"), "second_opinion");
    told = checkAgreement(verification, textOf(offer, "assurance"), problems);
  }
  if (told === "") throw new NotChecked("nobody else ran it");
  return told;
}

function checkAgreement(verification: JsonObject, offered: string, problems: Problems): string {
  const assurance = textOf(verification, "assurance");
  const worker = textOf(verification, "second_worker_id");
  const disagreement = verification["disagreement"] === true;
  if (verification["second_result"] === undefined) {
    if (disagreement) problems.add("there is a disagreement without a second result");
    problems.same("the assurance without a second result", assurance, "provider");
    const failure = textOf(verification, "second_failure_code");
    return failure === ""
      ? ""
      : `${worker} could not run it (${failure}): reported by the first provider alone`;
  }
  const first = endingsOf(objectOf(verification, "result"));
  const differ = differences(first, endingsOf(objectOf(verification, "second_result")));
  if (worker === "" || worker === textOf(verification, "provider_worker_id"))
    problems.add("the second run is not by another worker");
  if (differ.length === 0 && disagreement) problems.add("the two runs agree, and a disagreement is recorded");
  if (differ.length > 0 && !disagreement) problems.add(`the two runs differ: ${differ.join("; ")}`);
  if (disagreement) {
    problems.same("the assurance of a disagreement", assurance, "provider");
    return `${worker} disagrees: ${differ.join("; ")}`;
  }
  problems.same("the assurance", assurance, offered);
  if (!["self", "independent"].includes(assurance)) problems.add(`${assurance} is no one else's word`);
  const endings = [...first].map(([leg, ending]) => `${leg} ${ending}`).join(", ");
  return `${worker} agrees (${endings}): verified, ${assurance}`;
}

/** A person's word, of the last attempt. */
export function checkReview(benches: readonly Bench[], problems: Problems): string {
  const last = benches.at(-1)?.attempt;
  for (const { attempt } of benches) {
    const { review, verification } = attempt;
    if (review === undefined) continue;
    problems.same("the verdict that was reviewed", textOf(verification ?? {}, "verdict"), "needs_review");
    if (!["accepted", "rejected"].includes(textOf(review, "decision")))
      problems.add(`${textOf(review, "decision") || "nothing"} is no decision`);
  }
  if (last?.review === undefined) throw new NotChecked(whyNoReview(last?.verification));
  return `${textOf(last.review, "decision")} by ${textOf(last.review, "actor")}`;
}

function whyNoReview(verification: JsonObject | undefined): string {
  return textOf(verification ?? {}, "verdict") === "needs_review"
    ? "nobody has looked at it yet"
    : "none is needed";
}
