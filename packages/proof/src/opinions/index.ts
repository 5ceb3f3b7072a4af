export {
  CODE_CHUNK_ANALYSIS,
  RETRIEVAL_RERANK,
  TEXTS_BYTES_MAX,
  TEXT_BYTES_MAX,
  findAnalysisProblem,
  findQuestionProblem,
  findRankingProblem,
} from "./check-answer.ts";
