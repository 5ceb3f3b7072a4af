// A command as a process of its own, which tells the command that started it
// over their channel whether it became ready, and then lives on alone.

import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import {
  dataDirAt,
  findRunning,
  homeFolder,
  openStackLog,
  stackLogFile,
  type StackRecord,
} from "@openagents/stack";
import { CliError } from "./cli-error.ts";
import { mainFile, type Context } from "./context.ts";
import { describeError } from "./describe-error.ts";

type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly nextStep: string };

export type Detached = {
  /** The command and its options; paths must be absolute. */
  readonly args: readonly string[];
  readonly dataDir: string;
  /** Names the log, and what did not start. */
  readonly name: string;
  readonly signal: AbortSignal;
};

/**
 * Run a command that outlives us and wait until it is ready. Its errors become
 * ours; when `signal` ends the wait, it is stopped again.
 */
export async function startDetached(context: Context, options: Detached): Promise<void> {
  const { args, dataDir, name } = options;
  openStackLog(dataDir, name).info("starting in the background");
  const logFd = openSync(stackLogFile(dataDir, name), "a", 0o600);
  const command = [...process.execArgv, mainFile(context), ...args, "--report-ipc", "--data-dir", dataDir];
  const child = spawn(process.execPath, command, {
    detached: true,
    stdio: ["ignore", logFd, logFd, "ipc"],
    cwd: "/",
    // A relative home would mean another folder from there.
    env: { ...context.env, OPENAGENTS_HOME: homeFolder(context.env) },
  });
  closeSync(logFd);
  const stop = () => child.kill("SIGTERM");
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    const report = await new Promise<Report>((resolve, reject) => {
      child.once("message", (message: Report) => resolve(message));
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(endedEarly(code ?? signal, options)));
    });
    if (report.kind === "failed")
      throw new CliError(report.code, report.message, { nextStep: report.nextStep });
  } finally {
    options.signal.removeEventListener("abort", stop);
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Start a stack that outlives us and wait until it serves. */
export async function startInBackground(
  context: Context,
  options: { readonly dataDir: string; readonly portBase?: number | undefined; readonly signal: AbortSignal },
): Promise<StackRecord> {
  const { dataDir, portBase, signal } = options;
  const ports = portBase === undefined ? [] : ["--port-base", String(portBase)];
  await startDetached(context, { args: ["up", ...ports], dataDir, name: "stack", signal });
  return requireStarted(findRunning(dataDirAt(dataDir)), "stack", dataDir);
}

/** What a command left word of when it was ready. Throws when it is gone already. */
export function requireStarted<T>(record: T | undefined, name: string, dataDir: string): T {
  if (record !== undefined) return record;
  throw new CliError(`${nounOf(name)}_gone`, `the ${nounOf(name)} ended right after its start`, {
    nextStep: `see ${stackLogFile(dataDir, name)}`,
  });
}

/** In the started process: run `serve`, and tell the starter when it is ready or why it is not. */
export async function reportToParent(serve: (onReady: () => void) => Promise<number>): Promise<number> {
  const send = (report: Report) => {
    if (!process.connected) return;
    process.send?.(report, undefined, {}, () => {
      if (process.connected) process.disconnect();
    });
  };
  try {
    return await serve(() => send({ kind: "ready" }));
  } catch (error) {
    const { code, message, nextStep } = await describeError(error);
    send({ kind: "failed", code, message, nextStep: nextStep ?? "" });
    throw error;
  }
}

function endedEarly(how: number | string | null, { dataDir, name }: Detached): Report {
  return {
    kind: "failed",
    code: `${nounOf(name)}_not_started`,
    message: `the ${nounOf(name)} ended before it was ready (${how})`,
    nextStep: `see ${stackLogFile(dataDir, name)}`,
  };
}

/** `provider-dev_local_1` is a provider. */
function nounOf(name: string): string {
  return name.split("-", 1).join("");
}
