// Any agent that speaks the Agent Client Protocol (version 1, over stdio).
//
// ACP-1  The agent is a program that the user has chosen and that needs the
//        network for its model: its files and network are not confined by us.
//        It gets a plain environment, and where bubblewrap is there its own
//        process space, so that it does not see our environment and ends with us.
// ACP-2  What it does through us is confined to the workspace.
// ACP-3  It has no permission that a person did not give.
// Held by tests/acp-agent.test.ts.

import { Writable } from "node:stream";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  PROTOCOL_VERSION,
  RequestError,
  client,
  methods,
  ndJsonStream,
  type ClientContext,
  type StopReason,
} from "@agentclientprotocol/sdk";
import { AgentError, type Agent, type AgentOutcome, type AgentTask } from "../agent.ts";
import { createAgent } from "../create-agent.ts";
import {
  findProgram,
  inOwnProcessSpace,
  plainEnvironment,
  spawnAgentProcess,
  type AgentProcess,
} from "../process/index.ts";
import { promptFor } from "../prompt.ts";
import { secretsOf } from "../redact/index.ts";
import { findText, writeText } from "../state-file.ts";
import { createAcpNarrator, type AcpNarrator } from "./acp-narrator.ts";
import { answerPermission } from "./permissions.ts";
import { readWorkspaceFile, writeWorkspaceFile } from "./workspace-files.ts";

export type AcpOptions = {
  /** The program and its arguments, parted by spaces; no shell reads it. */
  readonly command: string;
  /** Of it, the agent gets the plain part, and the variables that OPENAGENTS_ACP_ENV names (parted by commas). */
  readonly env: Readonly<Record<string, string | undefined>>;
};

const CANCEL_MS = 2_000;

export function acpAgent({ command, env }: AcpOptions): Agent {
  const [program = "", ...args] = command.trim().split(/\s+/);
  if (program === "" || /["'\\$`|&;<>]/.test(command))
    throw new AgentError(
      "acp_command_invalid",
      `acp: needs a program and plain arguments, not ${command.trim() || "nothing"}. Put anything more into a script.`,
    );
  return createAgent({
    name: `acp (${program})`,
    kind: "acp",
    secrets: secretsOf(env),
    work: (task) => work(task, program, args, env),
  });
}

async function work(
  task: AgentTask,
  program: string,
  args: readonly string[],
  env: AcpOptions["env"],
): Promise<AgentOutcome> {
  const names = (env["OPENAGENTS_ACP_ENV"] ?? "").split(",").map((name) => name.trim());
  const plain = plainEnvironment(env, names);
  // By the user's own path alone, since the task's may lead to programs of the project.
  const found = await findProgram(program, plain["PATH"]);
  if (found === undefined)
    throw new AgentError(
      "acp_not_started",
      `There is no program ${program} on PATH. Install it, or name it by its path.`,
    );
  const confined = await inOwnProcessSpace(found, args);
  const cwd = task.workspace.dir;
  const options = { cwd, env: { ...plain, ...task.env }, startCode: "acp_not_started" };
  const agent = await spawnAgentProcess(confined.program, confined.args, options);
  try {
    return await converse(task, agent);
  } finally {
    await agent.stop();
  }
}

async function converse(task: AgentTask, agent: AgentProcess): Promise<AgentOutcome> {
  const begunFile = join(task.stateDir, `attempt-${task.attempt}-begun`);
  const prompt = promptFor(task, (await findText(begunFile)) !== undefined);
  const narrator = createAcpNarrator(task);
  const { dir } = task.workspace;
  const app = client({ name: "openagents" })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      await narrator.settled();
      return answerPermission(params, task, narrator);
    })
    .onRequest(methods.client.fs.readTextFile, async ({ params }) => ({
      content: await readWorkspaceFile([dir, ...(task.readable ?? [])], params),
    }))
    .onRequest(methods.client.fs.writeTextFile, async ({ params }) => {
      const change = await writeWorkspaceFile(dir, params);
      await narrator.tell({ type: "file_change", ...change });
      return {};
    })
    .onNotification(methods.client.session.update, ({ params }) => narrator.hear(params.update));
  const stream = ndJsonStream(Writable.toWeb(agent.stdin), ReadableStream.from<Uint8Array>(agent.stdout));
  const conversation = app.connectWith(stream, async (context) => {
    const sessionId = await openSession(context, dir);
    await writeText(begunFile, "");
    const prompted = context.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [{ type: "text", text: prompt }],
    });
    const { stopReason } = await untilAborted(task.signal, prompted, async () => {
      await context.notify(methods.agent.session.cancel, { sessionId });
      await Promise.race([prompted.catch(() => undefined), pause(CANCEL_MS)]);
    });
    await narrator.settled();
    return outcomeOf(stopReason, narrator);
  });
  return conversation.catch(async (cause: unknown) => {
    task.signal.throwIfAborted();
    // Throws what telling has thrown: that is the caller's trouble and not the agent's.
    await narrator.settled();
    throw await explained(cause, agent);
  });
}

async function openSession(context: ClientContext, cwd: string): Promise<string> {
  const { protocolVersion } = await context.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientInfo: { name: "openagents", title: "OpenAgents", version: "0.1.0" },
    clientCapabilities: { fs: { readTextFile: true, writeTextFile: true }, terminal: false },
  });
  if (protocolVersion !== PROTOCOL_VERSION)
    throw new AgentError(
      "acp_protocol",
      `The agent speaks version ${protocolVersion} of the Agent Client Protocol; version ${PROTOCOL_VERSION} is needed.`,
    );
  const { sessionId } = await context.request(methods.agent.session.new, { cwd, mcpServers: [] });
  return sessionId;
}

/** Rejects with the signal's reason after `onAbort` has had its time. */
async function untilAborted<T>(
  signal: AbortSignal,
  result: Promise<T>,
  onAbort: () => Promise<void>,
): Promise<T> {
  const { promise: aborted, resolve } = Promise.withResolvers<"aborted">();
  const abort = () => resolve("aborted");
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const first = await Promise.race([result.then((value) => ({ value })), aborted]);
    if (first !== "aborted") return first.value;
    await onAbort();
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function outcomeOf(stopReason: StopReason, narrator: AcpNarrator): AgentOutcome {
  switch (stopReason) {
    case "end_turn":
      return {
        kind: "finished",
        summary: narrator.lastMessage() ?? "The agent ended its turn without a word.",
      };
    case "refusal":
      return { kind: "gave_up", reason: narrator.lastMessage() ?? "The agent refused." };
    case "max_tokens":
    case "max_turn_requests":
      return { kind: "gave_up", reason: `The agent came to its own limit (${stopReason}).` };
    case "cancelled":
      throw new AgentError("acp_cancelled", "The agent canceled its turn. Resume the run to try again.");
  }
}

/** A connection that broke says little; the process that ended says more. */
async function explained(cause: unknown, agent: AgentProcess): Promise<unknown> {
  if (cause instanceof AgentError) return cause;
  if (cause instanceof RequestError) {
    if (cause.code === -32000)
      return new AgentError(
        "acp_not_signed_in",
        "The agent is not signed in. Start it by itself once and sign in.",
      );
    return new AgentError("acp_protocol", `The agent refuses: ${cause.message}.`);
  }
  const how = await Promise.race([agent.ended, pause(CANCEL_MS, undefined)]);
  if (how !== undefined)
    return new AgentError("acp_ended", `The agent has ended in the middle of its work: ${how}.`);
  return new AgentError("acp_protocol", `The agent cannot be understood: ${String(cause)}.`);
}
