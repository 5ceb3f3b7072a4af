// What every agent has in common, whatever does the thinking.
//
// AG-1  Nothing leaves an agent before it went through the redactor: events,
//       approval requests, outcomes, and the words of errors. Texts are cut only
//       afterwards, since half a secret is not recognised.
// AG-2  A finished attempt is never done again.
// Held by create-agent.test.ts.

import { mkdir } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import {
  AgentError,
  type Agent,
  type AgentEvent,
  type AgentKind,
  type AgentOutcome,
  type AgentTask,
  type ApprovalRequest,
} from "./agent.ts";
import { createRedactor, type Redactor } from "./redact/index.ts";
import { findText, writeText } from "./state-file.ts";

const TEXT_CHARS_MAX = 4_000;
const OUTPUT_CHARS_MAX = 8_000;

export type AgentParts = {
  readonly name: string;
  readonly kind: AgentKind;
  /** Values that no event may carry, in any spelling that the redactor knows. */
  readonly secrets: readonly string[];
  /** Throws what is missing of what only the user can give; absent: nothing is needed. */
  readonly assertReady?: () => void;
  /** One attempt, or what is left of it when the attempt was broken off. */
  readonly work: (task: AgentTask) => Promise<AgentOutcome>;
};

export function createAgent({ name, kind, secrets, assertReady, work }: AgentParts): Agent {
  const redact = createRedactor(secrets);
  return {
    name,
    kind,
    assertReady() {
      assertReady?.();
    },
    async run(task) {
      checkTask(task);
      task.signal.throwIfAborted();
      await mkdir(task.stateDir, { recursive: true, mode: 0o700 });
      const file = join(task.stateDir, `attempt-${task.attempt}.json`);
      const stored = await findText(file);
      if (stored !== undefined) return parseOutcome(stored, file);
      const outcome = redactOutcome(await workRedacted(task, work, redact), redact);
      await writeText(file, JSON.stringify(outcome));
      return outcome;
    },
  };
}

async function workRedacted(
  task: AgentTask,
  work: AgentParts["work"],
  redact: Redactor,
): Promise<AgentOutcome> {
  const { approve } = task;
  try {
    return await work({
      ...task,
      onEvent: (event) => task.onEvent(redactEvent(event, redact)),
      ...(approve && { approve: (request) => approve(redactRequest(request, redact)) }),
    });
  } catch (cause) {
    task.signal.throwIfAborted();
    if (!(cause instanceof AgentError)) throw cause;
    // Without the cause: it may quote what the agent printed, and errors are logged whole.
    throw new AgentError(cause.code, head(redact(cause.message)));
  }
}

function redactEvent(event: AgentEvent, redact: Redactor): AgentEvent {
  const clean = (text: string) => head(redact(text));
  switch (event.type) {
    case "message":
      return { ...event, text: clean(event.text) };
    case "tool_call":
      return { ...event, tool: clean(event.tool), summary: clean(event.summary) };
    case "command":
      return { ...event, command: clean(event.command), output: tail(redact(event.output)) };
    case "file_change":
      return { ...event, path: clean(event.path) };
    case "approval":
      return { ...event, what: clean(event.what) };
    case "usage":
      return event;
  }
}

function redactRequest({ what, reason }: ApprovalRequest, redact: Redactor): ApprovalRequest {
  return { what: head(redact(what)), ...(reason !== undefined && { reason: head(redact(reason)) }) };
}

function redactOutcome(outcome: AgentOutcome, redact: Redactor): AgentOutcome {
  return outcome.kind === "finished"
    ? { kind: "finished", summary: head(redact(outcome.summary)) }
    : { kind: "gave_up", reason: head(redact(outcome.reason)) };
}

function head(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX).toWellFormed()}…`;
}

function tail(text: string): string {
  return text.length <= OUTPUT_CHARS_MAX ? text : `…${text.slice(-OUTPUT_CHARS_MAX).toWellFormed()}`;
}

function checkTask({ attempt, stateDir }: AgentTask): void {
  if (!Number.isSafeInteger(attempt) || attempt < 1)
    throw new AgentError("task_invalid", `Attempts are counted from 1; ${attempt} is none.`);
  if (!isAbsolute(stateDir))
    throw new AgentError("task_invalid", `The agent's folder must be an absolute path, not ${stateDir}.`);
}

function parseOutcome(text: string, file: string): AgentOutcome {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "kind" in value) {
      if (value.kind === "finished" && "summary" in value && typeof value.summary === "string")
        return { kind: "finished", summary: value.summary };
      if (value.kind === "gave_up" && "reason" in value && typeof value.reason === "string")
        return { kind: "gave_up", reason: value.reason };
    }
  } catch {
    // The same answer as for JSON of another shape.
  }
  throw new AgentError(
    "state_invalid",
    `${file} is not an outcome that an agent wrote. Delete it to repeat the attempt.`,
  );
}
