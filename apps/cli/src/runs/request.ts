// The arguments of `openagents run` as a request, or what is wrong with them.

import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { IssueAddress, RunRequest, Source } from "@openagents/autopilot";
import { InvalidArgumentError } from "commander";
import type { Context } from "../context.ts";
import { asUsage, isFile, readIssue, usage } from "./issue.ts";

export type RunArguments = {
  readonly repo?: string;
  readonly issue?: string;
  readonly agent?: string;
  readonly check?: readonly string[];
  readonly budget?: bigint;
  readonly attempts?: number;
  readonly secondOpinion?: RunRequest["secondOpinion"];
  readonly policy?: NonNullable<RunRequest["policy"]>;
  readonly payOn?: NonNullable<RunRequest["payOn"]>;
  readonly fallback?: NonNullable<RunRequest["fallback"]>;
  readonly market?: true;
  /** commander's name for `--no-layers`. */
  readonly layers?: boolean;
  readonly allowScripts?: true;
  readonly pr?: true;
};

const BUDGET_MSATS = 5_000_000n;
const ATTEMPTS = 3;
/** A recording says the same again, whatever it is told about its first attempt. */
const ATTEMPTS_OF_SCRIPT = 1;

/** Throws `CliError` of a usage error. Looks at everything that can be seen before anything is started. */
export async function requestOf(
  args: RunArguments,
  cwd: string,
  dataDir: string,
  env: Context["env"],
  signal: AbortSignal,
): Promise<RunRequest> {
  const { DEFAULT_LIMITS, parseSource } = await import("@openagents/autopilot");
  if (args.issue === undefined)
    throw usage("the issue is missing", "give --issue with a text or a file, or --resume with a run");
  const source = asUsage(() => parseSource(args.repo ?? ".", cwd));
  if (source.kind === "folder" && !isFolder(source.path))
    throw usage(`there is no folder ${source.path}`, "check the path of --repo");
  const agent = await agentSpec(args.agent ?? "codex", cwd, dataDir, env);
  const { issue, address } = await readIssue(args.issue, cwd, env, signal);
  // Told before a stack is started and credit taken, and not when the agent's turn has come.
  const { agentFrom } = await import("@openagents/agent");
  agentFrom(agent, { env, dataDir }).assertReady();
  return {
    repo: source.kind === "folder" ? source.path : source.url,
    issue,
    agent,
    checks: args.check ?? [],
    budgetMsats: args.budget ?? BUDGET_MSATS,
    attemptsMax: args.attempts ?? (agent.startsWith("script:") ? ATTEMPTS_OF_SCRIPT : ATTEMPTS),
    secondOpinion: args.secondOpinion ?? "any",
    ...(args.policy === undefined ? {} : { policy: args.policy }),
    ...(args.payOn === undefined ? {} : { payOn: args.payOn }),
    ...(args.fallback === undefined ? {} : { fallback: args.fallback }),
    ...(args.market === true ? { market: true } : {}),
    layers: args.layers !== false,
    allowScripts: args.allowScripts === true,
    limits: DEFAULT_LIMITS,
    ...(args.pr === true ? { pullRequest: await targetOf(source, address, env, signal) } : {}),
  };
}

async function targetOf(
  source: Source,
  issue: IssueAddress | undefined,
  env: Context["env"],
  signal: AbortSignal,
): Promise<NonNullable<RunRequest["pullRequest"]>> {
  const { forgeToken, openTarget } = await import("@openagents/autopilot");
  const target = await openTarget({
    source,
    issueRepository: issue,
    tokenOf: (forge) => forgeToken(env, forge),
    signal,
  });
  return issue === undefined ? target : { ...target, issueNumber: issue.number };
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
