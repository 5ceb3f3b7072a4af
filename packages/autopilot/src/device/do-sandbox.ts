// One command in the sandbox, on a copy of what the device works on. It has no
// network and leaves nothing behind, so that a killed process's is just run again.

import { join } from "node:path";
import { rm } from "node:fs/promises";
import type { CodexWorkerCall, JsonObject } from "@openagents/contracts";
import { SandboxError, type Sandbox, type SandboxLimits } from "@openagents/sandbox";
import { AutopilotError } from "../autopilot-error.ts";
import { makeWorkspace, openWorkspace } from "../workspace/index.ts";
import type { DeviceDeps } from "./deps.ts";
import type { TurnAnswer } from "./do-turn.ts";
import { nothingYet } from "./nothing-yet.ts";
import { textOf } from "./text-of.ts";

const LIMITS: SandboxLimits = {
  wallMs: 120_000,
  cpuMs: 60_000,
  memoryMib: 1_024,
  pids: 128,
  diskMib: 256,
  outputBytes: 262_144,
};

/** Of each stream, in an answer: its end, which says how it went. */
const TOLD_CHARS_MAX = 16_000;

/** A failing command is an answer; that it cannot be confined here is an error that says so. */
export async function doSandbox(
  deps: DeviceDeps,
  openSandbox: () => Promise<Sandbox>,
  call: CodexWorkerCall,
  stop: AbortSignal,
): Promise<TurnAnswer> {
  const command = textOf(call.params["command"]);
  if (command === "") return failed("invalid_request", "`command` is missing.");
  const workspace = join(deps.dataDir, "requests", call.requestId, "sandbox");
  try {
    const sandbox = await openSandbox();
    const source = deps.source ?? (await nothingYet(deps.dataDir));
    const facts = await makeWorkspace(source, workspace, stop);
    const { dir } = await openWorkspace(workspace, facts, stop);
    const { commands } = await sandbox.runCommands({
      tree: dir,
      commands: [command],
      limits: LIMITS,
      toolchains: [],
      signal: stop,
    });
    const outcome = commands.at(-1);
    if (outcome === undefined) throw new Error("the sandbox ran no command");
    const response: JsonObject = {
      sandbox: sandbox.sandbox,
      duration_ms: Math.round(outcome.durationMs),
      stdout: endOf(outcome.stdout),
      stderr: endOf(outcome.stderr),
      ...(outcome.exitCode === undefined ? {} : { exit_code: outcome.exitCode }),
      ...(outcome.signal === undefined ? {} : { signal: outcome.signal }),
      ...(outcome.limit === undefined ? {} : { limit: outcome.limit }),
    };
    return { response };
  } catch (cause) {
    stop.throwIfAborted();
    if (cause instanceof SandboxError || cause instanceof AutopilotError)
      return failed("internal_error", cause.message);
    throw cause;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

function endOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.length <= TOLD_CHARS_MAX ? text : `…${text.slice(-TOLD_CHARS_MAX)}`;
}

function failed(code: "invalid_request" | "internal_error", message: string): TurnAnswer {
  return { error: { code, message: message.slice(0, 2_000), retryable: false } };
}
