// The scripted agent replays a recorded patch, and its name says so. It serves
// demonstrations and tests; it never reads the issue and never pretends to think.

import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AgentError, type Agent, type AgentOutcome, type AgentTask } from "./agent.ts";
import { createAgent } from "./create-agent.ts";
import { parseScript, type Script, type ScriptStep } from "./script.ts";
import { findText, writeText } from "./state-file.ts";

const SCRIPT_BYTES_MAX = 1024 * 1024;
const PATCH_BYTES_MAX = 16 * 1024 * 1024;

/**
 * An agent that follows a script file: JSON `{"version":1,"steps":[{"say":"…"},
 * {"patch":"fix.patch"}]}` with patches relative to the script, or
 * `{"version":1,"attempts":[{"steps":[…]},…]}` where attempts differ, or a bare
 * `.patch` or `.diff` file. The file is read when the agent runs. It gives up at
 * an attempt that the script does not have. Running throws `AgentError` with
 * `script_unreadable`, `script_invalid` or `patch_does_not_apply`.
 */
export function scriptedAgent(scriptFile: string, secrets: readonly string[] = []): Agent {
  return createAgent({
    name: "scripted (applies a recorded patch)",
    kind: "scripted",
    secrets,
    work: (task) => follow(task, scriptFile),
  });
}

async function follow(task: AgentTask, scriptFile: string): Promise<AgentOutcome> {
  const { attempts, everyAttemptAlike } = await readScript(scriptFile);
  const steps = attempts[everyAttemptAlike ? 0 : task.attempt - 1];
  if (steps === undefined)
    return { kind: "gave_up", reason: `The script has nothing for attempt ${task.attempt}.` };
  const progressFile = join(task.stateDir, `attempt-${task.attempt}-steps`);
  // A patch applies once: what a killed process had done is not tried again.
  const stepsDone = Number((await findText(progressFile)) ?? 0);
  for (const [index, step] of steps.entries()) {
    task.signal.throwIfAborted();
    if (index < stepsDone) continue;
    const done = () => writeText(progressFile, `${index + 1}`);
    if ("patch" in step) await applyRecorded(task, dirname(scriptFile), step.patch, done);
    else {
      await task.onEvent({ type: "message", text: step.say });
      await done();
    }
  }
  return finished(steps);
}

async function readScript(scriptFile: string): Promise<Script> {
  if (/\.(patch|diff)$/.test(scriptFile))
    return { attempts: [[{ patch: resolve(scriptFile) }]], everyAttemptAlike: true };
  return parseScript((await readBounded(scriptFile, SCRIPT_BYTES_MAX)).toString("utf8"));
}

async function applyRecorded(
  task: AgentTask,
  dir: string,
  name: string,
  done: () => Promise<void>,
): Promise<void> {
  const patch = await readBounded(resolve(dir, name), PATCH_BYTES_MAX);
  await task.onEvent({
    type: "tool_call",
    tool: "apply_patch",
    summary: `Applies the recorded patch ${name}`,
  });
  const changes = await task.workspace.applyPatch(patch).catch((cause: unknown) => {
    task.signal.throwIfAborted();
    throw new AgentError(
      "patch_does_not_apply",
      `The recorded patch ${name} does not apply to this repository.`,
      { cause },
    );
  });
  await done();
  for (const change of changes) await task.onEvent({ type: "file_change", ...change });
}

function finished(steps: readonly ScriptStep[]): AgentOutcome {
  const patches = steps.filter((step) => "patch" in step).length;
  return { kind: "finished", summary: `Applied ${patches} recorded ${patches === 1 ? "patch" : "patches"}.` };
}

async function readBounded(path: string, bytesMax: number): Promise<Buffer> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > bytesMax) {
      throw new AgentError("script_unreadable", `${path} has ${size} bytes; at most ${bytesMax} are read.`);
    }
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError("script_unreadable", `${path} cannot be read. Check the path of the agent script.`, {
      cause,
    });
  }
}
