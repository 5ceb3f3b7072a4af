// A question as a person writes it: a file whose texts are files beside it.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CodeChunkAnalysisSpec, QuotePanelRequest } from "@openagents/contracts";
import { CliError, EXIT } from "../cli-error.ts";

export type Work = Pick<QuotePanelRequest, "codeChunkAnalysis" | "retrievalRerank">;

const WALL_MS = 120_000;

/** Read the question and store its texts. Throws `file_unreadable` and `question_invalid`. */
export async function readQuestion(file: string, store: (data: Buffer) => Promise<string>): Promise<Work> {
  const asked = await parseFile(file);
  const { codeChunkAnalysisSpecDesc, retrievalRerankSpecDesc, decode } =
    await import("@openagents/contracts");
  const withTexts = async (list: unknown, id: string, keepPath: boolean) => {
    if (!Array.isArray(list)) throw invalid(file, "it names neither `chunks` nor `candidates`");
    const items: Record<string, unknown>[] = [];
    for (const item of list as readonly unknown[]) {
      const { [id]: name, path, ...rest } = isObject(item) ? item : {};
      if (typeof name !== "string" || typeof path !== "string" || Object.keys(rest).length > 0)
        throw invalid(file, `each of its texts has \`${id}\` and \`path\`, and nothing else`);
      const text_sha256 = await store(await readBeside(file, path));
      items.push({ [id]: name, text_sha256, ...(keepPath ? { path } : {}) });
    }
    return items;
  };
  try {
    const { chunks, candidates, ...rest } = asked;
    const terms = { wall_ms: WALL_MS, ...rest };
    if (chunks !== undefined) {
      const spec = { ...terms, chunks: await withTexts(chunks, "chunk_id", true) };
      return { codeChunkAnalysis: decode<CodeChunkAnalysisSpec>(codeChunkAnalysisSpecDesc, spec) };
    }
    const spec = { ...terms, candidates: await withTexts(candidates, "candidate_id", false) };
    return { retrievalRerank: decode(retrievalRerankSpecDesc, spec) };
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw invalid(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function parseFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = (await readFile(file).catch((cause: unknown) => unreadable(file, cause))).toString("utf8");
  try {
    const asked: unknown = JSON.parse(text);
    if (isObject(asked)) return asked;
  } catch (cause) {
    throw invalid(file, "it is no JSON", cause);
  }
  throw invalid(file, "it is no JSON object");
}

function readBeside(file: string, path: string): Promise<Buffer> {
  const beside = join(dirname(file), path);
  return readFile(beside).catch((cause: unknown) => unreadable(beside, cause));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(file: string, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new CliError("file_unreadable", `${file} cannot be read: ${why}`, { cause });
}

function invalid(file: string, why: string, cause?: unknown): CliError {
  return new CliError("question_invalid", `${file} is no question: ${why}`, {
    nextStep: "see `openagents panels ask --help` for what a question looks like",
    exitCode: EXIT.usage,
    cause,
  });
}
