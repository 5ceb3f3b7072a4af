import type { JobType } from "@openagents/contracts";
import { REPO_INDEX } from "@openagents/proof";
import { SANDBOX_RUN } from "../jobs/index.ts";

/** What can be bought here. */
export const JOB_TYPES: readonly JobType[] = [
  {
    jobType: SANDBOX_RUN,
    verification: "objective",
    description:
      "Run a check on a patch in the sandbox, on the base, with the patch, and with the base's own tests put back.",
  },
  {
    jobType: REPO_INDEX,
    verification: "objective",
    description:
      "List a git tree: path, mode, size, sha256, language and lines of each file, with totals, as one artifact whose bytes are the same whoever makes it.",
  },
];
