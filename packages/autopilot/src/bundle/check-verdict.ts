// The verdict again, from the stored results and reports, the job's commands and
// the patch; and whether anyone but the paid provider came to the same results.

import type { VerdictDecision } from "@openagents/proof";
import { canonicalize, type JsonObject } from "@openagents/receipts";
import type { Bench } from "./bench.ts";
import { receiptNamed } from "./chain.ts";
import { NotChecked, collectProblems, type Problems } from "./claims.ts";
import { numberOf, objectOf, textOf, textsOf } from "./json-view.ts";
import { ARTIFACTS_FOLDER, type BundleFiles } from "./layout.ts";
import { decideResult, differences, endingsOf, exitCodeOf, treesOf } from "./reported-legs.ts";
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
  const counts = decided.testsFixed === undefined ? "" : `, tests fixed: ${decided.testsFixed}`;
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

/** The verdict of one of a verification's results, from what the bundle stores of it. */
export async function decideStored(
  bench: Bench,
  files: BundleFiles,
  verification: JsonObject,
  problems: Problems,
  name: "result" | "second_result" = "result",
): Promise<VerdictDecision> {
  const readBytes = (sha256: string) => files.get(`${ARTIFACTS_FOLDER}/${sha256}`);
  const { classification } = await bench.openPlan();
  return decideResult(objectOf(verification, name), bench.spec(), classification, readBytes, problems);
}

/**
 * Whether the first result decides the verdict: there is one, it breaks no rule,
 * and where someone was asked to repeat it, that one agreed.
 */
export function isDecidedByResult(verification: JsonObject): boolean {
  const wasAsked = textOf(verification, "second_job_id") !== "";
  return (
    verification["result"] !== undefined &&
    textsOf(verification, "violations").length === 0 &&
    (!wasAsked || textOf(verification, "assurance") !== "provider")
  );
}

/** Who says so, of every attempt; what is told is the last one's. */
export async function checkSecondOpinion(
  benches: readonly Bench[],
  files: BundleFiles,
  receipts: ReceiptsById,
  problems: Problems,
): Promise<string> {
  let told = "";
  for (const bench of benches) {
    const { dispatch, verification } = bench.attempt;
    told = "";
    if (verification === undefined) continue;
    const offer = objectOf(receiptNamed(receipts, dispatch, "quote_receipt_id"), "second_opinion");
    const second =
      verification["second_result"] === undefined ? undefined : await compareRuns(bench, files, verification);
    told = checkAgreement(verification, offer, second, problems);
  }
  if (told === "") throw new NotChecked("nobody else ran it");
  return told;
}

type Comparison = {
  /** What the second run contradicts; none when it agrees. */
  readonly differ: readonly string[];
  /** Why the second run came to nothing, by a limit or a missing tool: it then contradicts nobody. */
  readonly noAnswer: string | undefined;
};

/** Agreement is equal trees and endings of each leg and an equal verdict, not equal output. */
async function compareRuns(bench: Bench, files: BundleFiles, verification: JsonObject): Promise<Comparison> {
  const broken = collectProblems();
  // What is wrong with the first result is told by the claim on the verdict.
  const first = await decideStored(bench, files, verification, collectProblems().problems);
  const second = await decideStored(bench, files, verification, broken.problems, "second_result");
  const [one, other] = [objectOf(verification, "result"), objectOf(verification, "second_result")];
  const verdicts =
    first.verdict === second.verdict ? [] : [`the verdict: ${first.verdict} and ${second.verdict}`];
  const isUnclear = broken.found.length === 0 && second.verdict === "inconclusive";
  return {
    differ: [
      ...broken.found,
      ...differences(endingsOf(one), endingsOf(other)),
      ...differences(treesOf(one), treesOf(other)),
      ...verdicts,
    ],
    noAnswer: isUnclear ? second.because : undefined,
  };
}

/** The operator also saw which bytes were stored and for whom, which a bundle does not show. */
const BROKE_RULES = "the second report breaks rules: ";

function checkAgreement(
  verification: JsonObject,
  offer: JsonObject,
  second: Comparison | undefined,
  problems: Problems,
): string {
  const assurance = textOf(verification, "assurance");
  const worker = textOf(verification, "second_worker_id");
  const because = textOf(verification, "because");
  const disagreement = verification["disagreement"] === true;
  if (second === undefined) {
    if (disagreement) problems.add("there is a disagreement without a second result");
    problems.same("the assurance without a second result", assurance, "provider");
    const failure = textOf(verification, "second_failure_code");
    return failure === ""
      ? ""
      : `${worker} did not run it (${failure}): reported by the first provider alone`;
  }
  if (worker === "" || worker === textOf(verification, "provider_worker_id"))
    problems.add("the second run is not by another worker");
  if (disagreement) {
    problems.same("the assurance of a disagreement", assurance, "provider");
    if (second.differ.length === 0 && !because.startsWith(BROKE_RULES))
      problems.add("the two runs agree, and a disagreement is recorded");
    return `${worker} disagrees: ${because}`;
  }
  if (assurance === "provider") {
    if (second.noAnswer === undefined) problems.add("the second run has an answer, and it was left out");
    return `${worker} ran it and came to nothing: ${second.noAnswer ?? ""}`;
  }
  for (const difference of second.differ) problems.add(`the two runs differ: ${difference}`);
  // Another worker than the one that was quoted may be of another owner than that one.
  if (worker === textOf(offer, "provider_worker_id"))
    problems.same("the assurance", assurance, textOf(offer, "assurance"));
  if (!["self", "independent"].includes(assurance)) problems.add(`${assurance} is no one else's word`);
  const endings = [...endingsOf(objectOf(verification, "result"))].map((ending) => ending.join(" "));
  return `${worker} agrees (${endings.join(", ")}): verified, ${assurance}`;
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
