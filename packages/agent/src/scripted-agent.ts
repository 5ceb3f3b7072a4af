// The scripted agent replays a recorded patch, and its name says so. It serves
// demonstrations and tests; it never reads the issue and never pretends to think.

import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AgentError, type Agent, type AgentOutcome, type AgentTask } from "./agent.ts";
import { parseScript, type ScriptStep } from "./script.ts";

const SCRIPT_BYTES_MAX = 1024 * 1024;
const PATCH_BYTES_MAX = 16 * 1024 * 1024;

/**
 * An agent that follows a script file: JSON `{"version":1,"steps":[{"say":"…"},
 * {"patch":"fix.patch"}]}` with patches relative to the script, or a bare
 * `.patch` or `.diff` file. The file is read when the agent runs. Running throws
 * `AgentError` with `script_unreadable`, `script_invalid` or `patch_does_not_apply`.
 */
export function scriptedAgent(scriptFile: string): Agent {
  return {
    name: "scripted (applies a recorded patch)",
    async run(task) {
      const steps = await readSteps(scriptFile);
      for (const step of steps) {
        task.signal.throwIfAborted();
        if ("say" in step) await task.onEvent({ type: "message", text: step.say });
        else await applyRecorded(task, resolve(dirname(scriptFile), step.patch), step.patch);
      }
      return finished(steps);
    },
  };
}

async function readSteps(scriptFile: string): Promise<readonly ScriptStep[]> {
  if (/\.(patch|diff)$/.test(scriptFile)) return [{ patch: resolve(scriptFile) }];
  return parseScript((await readBounded(scriptFile, SCRIPT_BYTES_MAX)).toString("utf8")).steps;
}

async function applyRecorded(task: AgentTask, file: string, name: string): Promise<void> {
  const patch = await readBounded(file, PATCH_BYTES_MAX);
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
      {
        cause,
      },
    );
  });
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
