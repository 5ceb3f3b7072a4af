// The decision on a reported job, made once however often it is asked for: to
// hash outputs again and read large reports takes time that everybody waits for.

import { isIndexResult, isOpinion, isOpinionSpec, isRepoIndex, type Job } from "../jobs/index.ts";
import { openIndexDecider } from "./decide-index-aside.ts";
import { decideRounds, inconclusive, type Decision, type OutputState } from "./decide-verification.ts";
import { gatherEvidence, gatherIndex, type EvidenceDeps } from "./evidence.ts";

const REMEMBERED_MAX = 64;

export type Judge = {
  /** One decision for each round of the job; at least one. The job must be reported. */
  decide(job: Job): Promise<readonly Decision[]>;
};

/**
 * A reported result never changes, and neither do stored bytes, so a decision
 * stays right. One about bytes that are damaged is not remembered: they may be
 * put back.
 */
export function openJudge(deps: EvidenceDeps): Judge {
  const decideIndex = openIndexDecider();
  const remembered = new Map<string, Promise<readonly Decision[]>>();
  const judge = async (job: Job): Promise<readonly Decision[]> => {
    const { spec, result, repeats } = job;
    if (result === undefined)
      return [inconclusive(`the provider reported ${job.failure?.code ?? "nothing"}`, [])];
    if (isRepoIndex(spec) && isIndexResult(result)) {
      const evidence = await gatherIndex(deps, job, result);
      if (isDamaged(evidence.outputs)) remembered.delete(job.jobId);
      return [await decideIndex(spec, result, evidence)];
    }
    if (isOpinionSpec(spec) || isOpinion(result)) throw new Error(`${job.jobId} is decided by its panel`);
    if (isRepoIndex(spec) || isIndexResult(result))
      throw new Error(`${job.jobId} has a result of other work`);
    const evidence = await gatherEvidence(deps, job, spec, result);
    if (evidence.patch === undefined || isDamaged(evidence.outputs)) remembered.delete(job.jobId);
    return decideRounds(spec, result, repeats, evidence);
  };
  return {
    decide(job) {
      const known = remembered.get(job.jobId);
      if (known !== undefined) return known;
      const decided = judge(job);
      remembered.set(job.jobId, decided);
      decided.catch(() => remembered.delete(job.jobId));
      const [oldest] = remembered.keys();
      if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
      return decided;
    },
  };
}

function isDamaged(outputs: ReadonlyMap<string, OutputState>): boolean {
  return [...outputs.values()].includes("lost");
}
