// Whether an opinion keeps to its work, and what of it is compared. Pure.

import { findAnalysisProblem, findRankingProblem } from "@openagents/proof";
import { isAnalysis, isOpinion, isOpinionSpec, type JobResult, type JobSpec } from "./spec.ts";

/** What is wrong with a result that takes judgement, as a sentence; other work is checked once it is verified. */
export function findAnswerProblem(spec: JobSpec, result: JobResult): string | undefined {
  if (!isOpinionSpec(spec) || !isOpinion(result)) return undefined;
  if (isAnalysis(spec)) return "findings" in result ? findAnalysisProblem(spec, result.findings) : OTHER;
  return "rankedIds" in result ? findRankingProblem(spec, result.rankedIds) : OTHER;
}

const OTHER = "It is of another type of work.";
