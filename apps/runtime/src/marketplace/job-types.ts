import type { JobType } from "@openagents/contracts";
import { CODE_CHUNK_ANALYSIS, REPO_INDEX, RETRIEVAL_RERANK } from "@openagents/proof";
import { SANDBOX_RUN } from "../jobs/index.ts";

/** There is nothing to decide where there is one right answer. */
const OBJECTIVE = {
  verification: "objective",
  redundancy: 1,
  adjudication: "none",
  adjudications: ["none"],
} as const;

/** How opinions become one answer here: no model is configured that could judge. */
const SUBJECTIVE = {
  verification: "subjective",
  redundancy: 2,
  adjudications: ["none", "majority_vote"],
} as const;

/** What can be bought here. */
export const JOB_TYPES: readonly JobType[] = [
  {
    jobType: CODE_CHUNK_ANALYSIS,
    ...SUBJECTIVE,
    adjudication: "judge_model",
    description:
      "Say of each piece of code which of the given labels answers a question. Done by a panel of owners; a person of the buyer decides where they differ.",
  },
  {
    jobType: RETRIEVAL_RERANK,
    ...SUBJECTIVE,
    adjudication: "majority_vote",
    description:
      "Put the texts that answer a query best in order. Done by a panel of owners; a person of the buyer decides where they differ.",
  },
  {
    jobType: SANDBOX_RUN,
    ...OBJECTIVE,
    description:
      "Run a check on a patch in the sandbox, on the base, with the patch, and with the base's own tests put back.",
  },
  {
    jobType: REPO_INDEX,
    ...OBJECTIVE,
    description:
      "List a git tree: path, mode, size, sha256, language and lines of each file, with totals, as one artifact whose bytes are the same whoever makes it.",
  },
];

export function jobTypeOf(capability: string): JobType {
  const type = JOB_TYPES.find((each) => each.jobType === capability);
  if (type === undefined) throw new Error(`${capability} is not sold here`);
  return type;
}
