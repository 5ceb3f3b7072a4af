// The stack as a process of its own, which tells the command that started it
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

/**
 * Start a stack that outlives us and wait until it serves. Its errors become
 * ours; when `signal` ends the wait, it is stopped again.
 */
export async function startInBackground(
  context: Context,
  options: { readonly dataDir: string; readonly portBase?: number | undefined; readonly signal: AbortSignal },
): Promise<StackRecord> {
  const { dataDir } = options;
  openStackLog(dataDir).info("starting in the background");
  const logFd = openSync(stackLogFile(dataDir), "a", 0o600);
  const ports = options.portBase === undefined ? [] : ["--port-base", String(options.portBase)];
  const child = spawn(
    process.execPath,
    [mainFile(context), "up", "--report-ipc", "--data-dir", dataDir, ...ports],
    {
      detached: true,
      stdio: ["ignore", logFd, logFd, "ipc"],
      cwd: "/",
      // A relative home would mean another folder from there.
      env: { ...context.env, OPENAGENTS_HOME: homeFolder(context.env) },
    },
  );
  closeSync(logFd);
  const stop = () => child.kill("SIGTERM");
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    const report = await new Promise<Report>((resolve, reject) => {
      child.once("message", (message: Report) => resolve(message));
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(endedEarly(code ?? signal, dataDir)));
    });
    if (report.kind === "failed")
      throw new CliError(report.code, report.message, { nextStep: report.nextStep });
    const record = findRunning(dataDirAt(dataDir));
    if (record !== undefined) return record;
    throw new CliError("stack_gone", "the stack ended right after its start", {
      nextStep: `see ${stackLogFile(dataDir)}`,
    });
  } finally {
    options.signal.removeEventListener("abort", stop);
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
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

function endedEarly(how: number | string | null, dataDir: string): Report {
  return {
    kind: "failed",
    code: "stack_not_started",
    message: `the stack ended before it was ready (${how})`,
    nextStep: `see ${stackLogFile(dataDir)}`,
  };
}
