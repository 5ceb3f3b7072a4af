// Whether one reported index is what its tree makes. Pure.
//
// By rule it is held against the tree's id, which binds every path, mode and blob;
// what the blobs hold is confirmed by the equal bytes of a second run.

import type { RepoIndexResult, RepoIndexSpec } from "@openagents/contracts";
import { checkIndex, type RepoIndex } from "@openagents/proof";
import { canonicalize, parseStrict } from "@openagents/receipts";
import { inconclusive, outputViolations, type Decision, type OutputState } from "./decide-verification.ts";

export type IndexEvidence = {
  readonly outputs: ReadonlyMap<string, OutputState>;
  /** The stored index; undefined when it is not intact, or larger than an index may be. */
  readonly index: Buffer | undefined;
};

const BROKEN = "the report breaks the rules of its job";

export function decideRepoIndex(
  spec: RepoIndexSpec,
  result: RepoIndexResult,
  { outputs, index }: IndexEvidence,
): Decision {
  if ([...outputs.values()].includes("lost"))
    return inconclusive("the index is not stored intact any more", []);
  const unstored = outputViolations(outputs);
  if (unstored.length > 0) return inconclusive(BROKEN, unstored);
  if (index === undefined) return inconclusive(BROKEN, ["index_too_large"]);
  const checked = checkIndex(index, spec, { parse: parseStrict, write: canonicalize });
  if (checked.violation !== undefined) return inconclusive(BROKEN, [checked.violation]);
  if (!saysTheSame(result, checked.index, index)) return inconclusive(BROKEN, ["index_figures_differ"]);
  const { files, lines } = checked.index.totals;
  return {
    verdict: "proven",
    because: `the index of ${files} files and ${lines} lines is the one of tree ${spec.baseTree}`,
    proof: "by_equal_bytes",
    violations: [],
    reviewPaths: [],
    exitCodes: new Map(),
    trees: new Map(),
    answer: result.indexSha256,
  };
}

function saysTheSame(result: RepoIndexResult, { tree, totals }: RepoIndex, index: Buffer): boolean {
  return (
    result.tree === tree &&
    result.indexBytes === BigInt(index.length) &&
    result.files === totals.files &&
    result.bytes === BigInt(totals.bytes) &&
    result.lines === BigInt(totals.lines)
  );
}
