// Deciding on an index in a thread of its own: one of twenty thousand files takes a
// second, in which the service would answer nobody.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { RepoIndexResult, RepoIndexSpec } from "@openagents/contracts";
import type { IndexEvidence } from "./decide-repo-index.ts";
import type { Decision, OutputState } from "./decide-verification.ts";

/** What is copied to the thread. */
export type IndexQuestion = {
  readonly spec: RepoIndexSpec;
  readonly result: RepoIndexResult;
  readonly outputs: ReadonlyMap<string, OutputState>;
  readonly index: Uint8Array | undefined;
};

/** An index of eight megabytes takes a fraction of it; who wants more is no index. */
const MEMORY_MIB_MAX = 512;

export type IndexDecider = (
  spec: RepoIndexSpec,
  result: RepoIndexResult,
  evidence: IndexEvidence,
) => Promise<Decision>;

/** One after the other, so that many at once take the memory and the processor of one. */
export function openIndexDecider(): IndexDecider {
  let last: Promise<unknown> = Promise.resolve();
  return (spec, result, { outputs, index }) => {
    const decided = last.then(() => decideAside({ spec, result, outputs, index }));
    last = decided.catch(() => undefined);
    return decided;
  };
}

async function decideAside(question: IndexQuestion): Promise<Decision> {
  const thread = new Worker(new URL("./index-thread.ts", import.meta.url), {
    workerData: question,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB_MAX },
  });
  const [decision] = await once(thread, "message");
  return decision;
}
