// Whether an answer that takes judgement is one that its work allows. Pure.
//
// What it says is nobody's to check; that it speaks of every chunk once, or names
// candidates that there are, is. A provider holds its own answer against this first.

export const CODE_CHUNK_ANALYSIS = "oa.code_chunk_analysis.v1";
export const RETRIEVAL_RERANK = "oa.retrieval_rerank.v1";

/** Of one text of such work, and of all of them together. */
export const TEXT_BYTES_MAX = 65_536;
export const TEXTS_BYTES_MAX = 1_048_576;

export type Analysis = {
  readonly chunks: readonly { readonly chunkId: string }[];
  readonly labels: readonly string[];
};

export type Ranking = {
  readonly candidates: readonly { readonly candidateId: string }[];
  readonly topK: number;
};

/** What is wrong with a question, as a sentence; undefined when it can be answered. */
export function findQuestionProblem(work: Analysis | Ranking): string | undefined {
  if ("labels" in work) {
    if (hasRepeats(work.chunks.map((chunk) => chunk.chunkId))) return "Two chunks have the same id.";
    return hasRepeats(work.labels) ? "A label is named twice." : undefined;
  }
  if (hasRepeats(work.candidates.map((candidate) => candidate.candidateId)))
    return "Two candidates have the same id.";
  return work.topK > work.candidates.length ? "`top_k` asks for more candidates than there are." : undefined;
}

/** What is wrong with the findings, as a sentence; undefined when they are an answer. */
export function findAnalysisProblem(
  { chunks, labels }: Analysis,
  findings: readonly { readonly chunkId: string; readonly label: string }[],
): string | undefined {
  if (findings.length !== chunks.length)
    return `There are ${chunks.length} chunks and ${findings.length} findings.`;
  for (const [index, { chunkId, label }] of findings.entries()) {
    if (chunkId !== chunks[index]?.chunkId)
      return `Finding ${index + 1} is not about ${chunks[index]?.chunkId}; keep the order of the chunks.`;
    if (!labels.includes(label)) return `${label} is none of the labels: ${labels.join(", ")}.`;
  }
  return undefined;
}

/** What is wrong with the order, as a sentence; undefined when it is an answer. */
export function findRankingProblem(
  { candidates, topK }: Ranking,
  rankedIds: readonly string[],
): string | undefined {
  if (rankedIds.length !== topK)
    return `${topK} candidates are asked for, and ${rankedIds.length} are named.`;
  if (hasRepeats(rankedIds)) return "A candidate is named twice.";
  const known = new Set(candidates.map((candidate) => candidate.candidateId));
  const unknown = rankedIds.find((id) => !known.has(id));
  return unknown === undefined ? undefined : `${unknown} is no candidate.`;
}

function hasRepeats(values: readonly string[]): boolean {
  return new Set(values).size !== values.length;
}
