// The arguments of `openagents run` as a request, or what is wrong with them.

import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunRequest } from "@openagents/autopilot";
import { InvalidArgumentError } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import type { Context } from "../context.ts";

export type RunArguments = {
  readonly repo?: string;
  readonly issue?: string;
  readonly agent?: string;
  readonly check?: readonly string[];
  readonly budget?: bigint;
  readonly attempts?: number;
  readonly secondOpinion?: RunRequest["secondOpinion"];
  /** commander's name for `--no-layers`. */
  readonly layers?: boolean;
  readonly allowScripts?: true;
};

const BUDGET_MSATS = 5_000_000n;
const ATTEMPTS = 3;
/** A recording says the same again, whatever it is told about its first attempt. */
const ATTEMPTS_OF_SCRIPT = 1;
const ISSUE_BYTES_MAX = 64 * 1024;

/** Throws `CliError` of a usage error. Looks at everything that can be seen before anything is started. */
export async function requestOf(
  args: RunArguments,
  cwd: string,
  dataDir: string,
  env: Context["env"],
): Promise<RunRequest> {
  const { DEFAULT_LIMITS, parseSource } = await import("@openagents/autopilot");
  if (args.issue === undefined)
    throw usage("the issue is missing", "give --issue with a text or a file, or --resume with a run");
  const source = asUsage(() => parseSource(args.repo ?? ".", cwd));
  if (source.kind === "folder" && !isFolder(source.path))
    throw usage(`there is no folder ${source.path}`, "check the path of --repo");
  const agent = await agentSpec(args.agent ?? "codex", cwd, dataDir, env);
  return {
    repo: source.kind === "folder" ? source.path : source.url,
    issue: await issueOf(args.issue, cwd),
    agent,
    checks: args.check ?? [],
    budgetMsats: args.budget ?? BUDGET_MSATS,
    attemptsMax: args.attempts ?? (agent.startsWith("script:") ? ATTEMPTS_OF_SCRIPT : ATTEMPTS),
    secondOpinion: args.secondOpinion ?? "any",
    layers: args.layers !== false,
    allowScripts: args.allowScripts === true,
    limits: DEFAULT_LIMITS,
  };
}

/** A text, or a file that holds it. Throws `issue_url_unsupported` for an address, which nothing fetches. */
async function issueOf(given: string, cwd: string): Promise<RunRequest["issue"]> {
  const { parseIssue } = await import("@openagents/autopilot");
  const issue = parseIssue(textOf(given, cwd));
  if (issue.title === "") throw usage("the issue is empty", "give --issue with a text or a file");
  return { title: issue.title.slice(0, 500), body: issue.body };
}

function textOf(given: string, cwd: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(given)) {
    if (given.startsWith("file:///")) return readIssue(fileURLToPath(given));
    throw new CliError("issue_url_unsupported", `issues are not fetched from ${new URL(given).host}`, {
      nextStep: "copy its text into a file, and give --issue with the file",
      exitCode: EXIT.usage,
    });
  }
  const path = resolve(cwd, given);
  const isPath = !given.includes("\n") && given.length < 1_024 && isFile(path);
  if (isPath || looksLikePath(given)) return readIssue(path);
  return given;
}

/** A misspelt path must not become an issue that an agent is paid to guess at. */
function looksLikePath(given: string): boolean {
  return /^\S+$/.test(given) && /\/|\.(?:md|markdown|txt)$/i.test(given);
}

function readIssue(path: string): string {
  if (!isFile(path)) throw usage(`there is no file ${path}`, "check the path of --issue");
  const bytes = readFileSync(path);
  if (bytes.length > ISSUE_BYTES_MAX)
    throw usage(
      `${path} has ${bytes.length} bytes, and an issue has at most ${ISSUE_BYTES_MAX}`,
      "shorten it",
    );
  return bytes.toString("utf8");
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A resumed run may be resumed from another folder. */
async function agentSpec(spec: string, cwd: string, dataDir: string, env: Context["env"]): Promise<string> {
  const { agentFrom } = await import("@openagents/agent");
  asUsage(() => agentFrom(spec, { env, dataDir }));
  if (!spec.startsWith("script:")) return spec;
  const path = resolve(cwd, spec.slice("script:".length));
  if (!isFile(path)) throw usage(`there is no file ${path}`, "check the path of --agent");
  return `script:${path}`;
}

/** What the packages refuse of an argument is a wrong argument. */
function asUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && typeof cause.code === "string")) throw cause;
    throw new CliError(cause.code, cause.message, { exitCode: EXIT.usage, cause });
  }
}

/** `5000sat`, `5000` (sats), `5000000msat`. Answers msats. */
export function parseBudget(text: string): bigint {
  const [, digits, unit = "sat"] = /^([0-9]{1,13})(sats?|msats?)?$/.exec(text) ?? [];
  if (digits === undefined || /^0+$/.test(digits))
    throw new InvalidArgumentError("Give sats, such as 5000sat, or 5000000msat.");
  return unit.startsWith("m") ? BigInt(digits) : BigInt(digits) * 1_000n;
}

export function parseAttempts(text: string): number {
  if (/^(?:[1-9]|10)$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Give a number from 1 to 10.");
}

function usage(message: string, nextStep: string): CliError {
  return new CliError("usage", message, { nextStep, exitCode: EXIT.usage });
}
