export { analyseChunks, rankCandidates, type OpinionDeps } from "./answer.ts";
