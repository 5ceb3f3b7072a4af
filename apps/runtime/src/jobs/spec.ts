// A job's work by content: the hash that names it and the bytes it needs. What
// kind of work it is shows in what it names: a sandboxed run has a patch.

import {
  codeChunkAnalysisResultDesc,
  codeChunkAnalysisSpecDesc,
  decode,
  encode,
  repoIndexResultDesc,
  repoIndexSpecDesc,
  retrievalRerankResultDesc,
  retrievalRerankSpecDesc,
  sandboxRunResultDesc,
  sandboxRunSpecDesc,
  type CodeChunkAnalysisResult,
  type CodeChunkAnalysisSpec,
  type MessageDesc,
  type RepoIndexResult,
  type RepoIndexSpec,
  type RetrievalRerankResult,
  type RetrievalRerankSpec,
  type SandboxRunResult,
  type SandboxRunSpec,
} from "@openagents/contracts";
import { CODE_CHUNK_ANALYSIS, REPO_INDEX, RETRIEVAL_RERANK } from "@openagents/proof";
import { canonicalize, parseStrict, sha256Hex, type JsonObject } from "@openagents/receipts";

/** Work on a git tree, which somebody else can do again and compare. */
export type TreeSpec = SandboxRunSpec | RepoIndexSpec;
/** Work that takes judgement, which a panel does. */
export type OpinionSpec = CodeChunkAnalysisSpec | RetrievalRerankSpec;
export type JobSpec = TreeSpec | OpinionSpec;

export type Opinion = CodeChunkAnalysisResult | RetrievalRerankResult;
export type JobResult = SandboxRunResult | RepoIndexResult | Opinion;

export const SANDBOX_RUN = "oa.sandbox_run.v1";

/** A job type by its name. */
type Capability =
  | typeof SANDBOX_RUN
  | typeof REPO_INDEX
  | typeof CODE_CHUNK_ANALYSIS
  | typeof RETRIEVAL_RERANK;

const SPECS: Readonly<Record<Capability, MessageDesc<JobSpec>>> = {
  [SANDBOX_RUN]: sandboxRunSpecDesc,
  [REPO_INDEX]: repoIndexSpecDesc,
  [CODE_CHUNK_ANALYSIS]: codeChunkAnalysisSpecDesc,
  [RETRIEVAL_RERANK]: retrievalRerankSpecDesc,
};

const RESULTS: Readonly<Record<Capability, MessageDesc<JobResult>>> = {
  [SANDBOX_RUN]: sandboxRunResultDesc,
  [REPO_INDEX]: repoIndexResultDesc,
  [CODE_CHUNK_ANALYSIS]: codeChunkAnalysisResultDesc,
  [RETRIEVAL_RERANK]: retrievalRerankResultDesc,
};

export function isRepoIndex(spec: JobSpec): spec is RepoIndexSpec {
  return "filesMax" in spec;
}

export function isOpinionSpec(spec: JobSpec): spec is OpinionSpec {
  return isAnalysis(spec) || "candidates" in spec;
}

export function isAnalysis(spec: JobSpec): spec is CodeChunkAnalysisSpec {
  return "chunks" in spec;
}

export function isIndexResult(result: JobResult): result is RepoIndexResult {
  return "indexSha256" in result;
}

export function isOpinion(result: JobResult): result is Opinion {
  return "findings" in result || "rankedIds" in result;
}

/** The job type that the work is of. */
export function capabilityOf(spec: JobSpec): Capability {
  if (isOpinionSpec(spec)) return isAnalysis(spec) ? CODE_CHUNK_ANALYSIS : RETRIEVAL_RERANK;
  return isRepoIndex(spec) ? REPO_INDEX : SANDBOX_RUN;
}

/** The job type that the result is of. */
export function resultCapability(result: JobResult): Capability {
  if ("findings" in result) return CODE_CHUNK_ANALYSIS;
  if ("rankedIds" in result) return RETRIEVAL_RERANK;
  return isIndexResult(result) ? REPO_INDEX : SANDBOX_RUN;
}

/** The spec's canonical JSON: what is stored and hashed. */
export function specText(spec: JobSpec): string {
  return canonicalize(specFacts(spec));
}

export function specFacts(spec: JobSpec): JsonObject {
  return encode(SPECS[capabilityOf(spec)], spec) as JsonObject;
}

export function specFromText(text: string): JobSpec {
  const facts = parseStrict(text) as JsonObject;
  return decode(SPECS[typeOf(facts, "patch_sha256", "chunks", "candidates")], facts) as JobSpec;
}

/** Equal work has an equal hash, whoever orders it and however often. */
export function jobHashOf(spec: JobSpec): string {
  return sha256Hex(specText(spec));
}

/** The artifacts that a provider needs to do the work. */
export function inputsOf(spec: JobSpec): readonly string[] {
  if (isOpinionSpec(spec)) {
    const texts = isAnalysis(spec) ? spec.chunks : spec.candidates;
    return [...new Set(texts.map((text) => text.textSha256))];
  }
  if (isRepoIndex(spec)) return [spec.baseBundleSha256];
  const layers = spec.layers.map((layer) => layer.sha256);
  const config = spec.configSha256 === undefined ? [] : [spec.configSha256];
  return [...new Set([spec.baseBundleSha256, spec.patchSha256, ...layers, ...config])];
}

export function resultFacts(result: JobResult): JsonObject {
  return encode(RESULTS[resultCapability(result)], result) as JsonObject;
}

export function resultFromText(text: string): JobResult {
  const facts = parseStrict(text) as JsonObject;
  return decode(RESULTS[typeOf(facts, "legs", "findings", "ranked_ids")], facts) as JobResult;
}

/** The job type that facts are of, by the member that only it has. */
function typeOf(facts: JsonObject, ofRun: string, ofAnalysis: string, ofRerank: string): Capability {
  if (ofRun in facts) return SANDBOX_RUN;
  if (ofAnalysis in facts) return CODE_CHUNK_ANALYSIS;
  return ofRerank in facts ? RETRIEVAL_RERANK : REPO_INDEX;
}

/** What is compared of an opinion: all of it but its remarks. */
export function answerSha256(opinion: Opinion): string {
  const { remarks: _, ...answer } = resultFacts(opinion);
  return sha256Hex(canonicalize(answer));
}

/** The outputs and reports that a result names. */
export function outputsOf(result: JobResult): readonly string[] {
  if (isOpinion(result)) return [];
  if (isIndexResult(result)) return [result.indexSha256];
  const hashes = result.legs.flatMap((leg) => [
    ...leg.commands.flatMap((command) => [command.stdoutSha256, command.stderrSha256]),
    ...(leg.reportSha256 === undefined ? [] : [leg.reportSha256]),
  ]);
  return [...new Set(hashes)];
}

/** Work and result as a message has them: each kind in its own field. */
export function workFields({
  spec,
  result,
}: {
  readonly spec: JobSpec;
  readonly result: JobResult | undefined;
}) {
  return { ...specField(spec), ...(result === undefined ? {} : resultField(result)) };
}

function specField(spec: JobSpec) {
  if (isOpinionSpec(spec)) return isAnalysis(spec) ? { codeChunkAnalysis: spec } : { retrievalRerank: spec };
  return isRepoIndex(spec) ? { repoIndex: spec } : { spec };
}

function resultField(result: JobResult) {
  if ("findings" in result) return { codeChunkAnalysisResult: result };
  if ("rankedIds" in result) return { retrievalRerankResult: result };
  return isIndexResult(result) ? { repoIndexResult: result } : { result };
}

/** The one result that a request hands in; undefined when it hands in a failure. */
export function resultOf(request: {
  readonly result?: SandboxRunResult | undefined;
  readonly repoIndexResult?: RepoIndexResult | undefined;
  readonly codeChunkAnalysisResult?: CodeChunkAnalysisResult | undefined;
  readonly retrievalRerankResult?: RetrievalRerankResult | undefined;
}): JobResult | undefined {
  return (
    request.result ??
    request.repoIndexResult ??
    request.codeChunkAnalysisResult ??
    request.retrievalRerankResult
  );
}
