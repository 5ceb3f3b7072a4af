// Work that takes judgement, done by the program that the provider's owner named.
//
// It runs in the sandbox, without network, on a copy of its folder: the question is
// its standard input, and what it prints is the answer. There is no model here, and
// none is made up: a provider without such a program does not offer this work.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  codeChunkAnalysisResultDesc,
  decode,
  retrievalRerankResultDesc,
  type CodeChunkAnalysisResult,
  type CodeChunkAnalysisSpec,
  type RetrievalRerankResult,
  type RetrievalRerankSpec,
  type WorkerCaps,
} from "@openagents/contracts";
import {
  CODE_CHUNK_ANALYSIS,
  RETRIEVAL_RERANK,
  findAnalysisProblem,
  findRankingProblem,
} from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { readChecked, type LegDeps } from "../legs/index.ts";
import { mountsOf } from "../toolchains/index.ts";

/** What is run in the program's folder. */
const ANSWER_FILE = "answer";

export type OpinionDeps = LegDeps & {
  /** The folder that holds the program and whatever it needs. */
  readonly program: string;
  readonly caps: Pick<WorkerCaps, "memoryMibMax" | "diskMibMax" | "cpuMsMax">;
};

const OUTPUT_BYTES = 262_144;
const PIDS = 256;
const QUESTION_AT = "/opt/question";

/** Throws `AutopilotError`: `no_answer` where the program gave none that the work allows, and what sandbox and inputs throw. */
export async function analyseChunks(
  deps: OpinionDeps,
  spec: CodeChunkAnalysisSpec,
  folder: string,
  signal: AbortSignal,
): Promise<CodeChunkAnalysisResult> {
  const chunks = [];
  for (const { chunkId, path, textSha256 } of spec.chunks)
    chunks.push({ chunk_id: chunkId, path, text: await readText(deps, textSha256, signal) });
  const { question, labels } = spec;
  const asked = { job_type: CODE_CHUNK_ANALYSIS, question, labels, chunks };
  const said = await ask(deps, asked, spec.wallMs, folder, signal);
  const result = parse(() => decode(codeChunkAnalysisResultDesc, said));
  return allowed(result, findAnalysisProblem(spec, result.findings));
}

/** Throws as `analyseChunks` does. */
export async function rankCandidates(
  deps: OpinionDeps,
  spec: RetrievalRerankSpec,
  folder: string,
  signal: AbortSignal,
): Promise<RetrievalRerankResult> {
  const candidates = [];
  for (const { candidateId, textSha256 } of spec.candidates)
    candidates.push({ candidate_id: candidateId, text: await readText(deps, textSha256, signal) });
  const { query, topK } = spec;
  const asked = { job_type: RETRIEVAL_RERANK, query, top_k: topK, candidates };
  const said = await ask(deps, asked, spec.wallMs, folder, signal);
  const result = parse(() => decode(retrievalRerankResultDesc, said));
  return allowed(result, findRankingProblem(spec, result.rankedIds));
}

async function readText(deps: OpinionDeps, sha256: string, signal: AbortSignal): Promise<string> {
  return (await readChecked(deps, sha256, signal)).toString("utf8");
}

async function ask(
  { sandbox, program, caps, toolchains }: OpinionDeps,
  question: object,
  wallMs: bigint,
  folder: string,
  signal: AbortSignal,
): Promise<unknown> {
  const source = join(folder, "question");
  await mkdir(source);
  await writeFile(join(source, "question.json"), JSON.stringify(question));
  const { commands } = await sandbox.runCommands({
    tree: program,
    commands: [`./${ANSWER_FILE} < ${QUESTION_AT}/question.json`],
    limits: {
      wallMs: Number(wallMs),
      cpuMs: Number(caps.cpuMsMax ?? wallMs),
      memoryMib: caps.memoryMibMax,
      pids: PIDS,
      diskMib: caps.diskMibMax,
      outputBytes: OUTPUT_BYTES,
    },
    toolchains: mountsOf(toolchains),
    layers: [{ source, target: QUESTION_AT }],
    signal,
  });
  signal.throwIfAborted();
  const [outcome] = commands;
  if (outcome?.limit !== undefined) throw noAnswer(`it hit the limit of ${outcome.limit}`);
  if (outcome?.exitCode !== 0)
    throw noAnswer(`it ended with ${outcome?.exitCode ?? outcome?.signal ?? "nothing"}`);
  return parse(() => JSON.parse(outcome.stdout.toString("utf8")) as unknown);
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw noAnswer("what it printed is no answer to this work");
  }
}

function allowed<T>(result: T, problem: string | undefined): T {
  if (problem === undefined) return result;
  throw noAnswer(`the work does not allow its answer: ${problem}`);
}

/** Its own words stay here: they are about this machine. */
function noAnswer(why: string): AutopilotError {
  return new AutopilotError("no_answer", `The worker's program gave no answer: ${why}.`);
}
