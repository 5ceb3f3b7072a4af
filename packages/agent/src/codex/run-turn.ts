// One turn of codex for one attempt: begin or continue the conversation, tell
// what happens, answer what codex asks, and say how it ended.

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { AgentError, type AgentOutcome, type AgentTask } from "../agent.ts";
import type { AgentProcess } from "../process/index.ts";
import { findText, writeText } from "../state-file.ts";
import { createAnswers } from "./answers.ts";
import { createPeer, type Peer } from "./json-lines.ts";
import { createNarrator } from "./narrator.ts";
import { promptFor } from "../prompt.ts";
import { isConfined, isWanted, parseBegun, parseNews, parseThreadPath, type CodexNews } from "./protocol.ts";
import { readRollout, rolloutBytes } from "./rollout.ts";

const INTERRUPT_MS = 2_000;

type TurnEnd = Extract<CodexNews, { type: "turn_completed" }>;

export async function runTurn(task: AgentTask, server: AgentProcess): Promise<AgentOutcome> {
  task.signal.throwIfAborted();
  const narrator = createNarrator(task);
  const answers = createAnswers(task, narrator);
  const { promise: turnEnd, resolve: endTurn } = Promise.withResolvers<TurnEnd>();
  let threadId = "";
  const peer = createPeer(server.stdout, server.stdin, {
    wanted: isWanted,
    onRequest: answers,
    async onNotification(method, params) {
      const news = parseNews(method, params, threadId);
      if (news?.type === "turn_completed") endTurn(news);
      else if (news !== undefined) await narrator.tell(news);
    },
  });
  const broken = explained(peer, server);
  const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
  aborted.catch(() => undefined);
  const onAbort = () => abort(task.signal.reason);
  task.signal.addEventListener("abort", onAbort, { once: true });
  let turnId: string | undefined;
  let logPath = "";
  let logFrom = 0;
  try {
    const begin = async () => {
      await peer.request("initialize", {
        clientInfo: { name: "openagents", title: "OpenAgents", version: "0.1.0" },
        capabilities: { experimentalApi: true, requestAttestation: false },
      });
      peer.notify("initialized");
      const conversation = await openConversation(task, peer);
      threadId = conversation.threadId;
      const text = promptFor(task, conversation.brokenOff);
      logPath = conversation.logPath;
      logFrom = await rolloutBytes(logPath);
      const input = [{ type: "text", text, text_elements: [] }];
      turnId = parseBegun(await peer.request("turn/start", { threadId, input }), "turn");
      await conversation.remember();
      return turnEnd;
    };
    const end = await Promise.race([begin(), broken, aborted]);
    for (const news of await readRollout(logPath, logFrom))
      if (news.type !== "turn_completed") await narrator.tell(news);
    await narrator.tellUsage();
    return outcomeOf(end, narrator.lastMessage());
  } catch (cause) {
    if (task.signal.aborted && turnId !== undefined) await interrupt(peer, threadId, turnId);
    throw cause;
  } finally {
    task.signal.removeEventListener("abort", onAbort);
  }
}

type Conversation = {
  readonly threadId: string;
  /** This very attempt was begun before and not finished. */
  readonly brokenOff: boolean;
  readonly logPath: string;
  remember(): Promise<void>;
};

async function openConversation(task: AgentTask, peer: Peer): Promise<Conversation> {
  const file = join(task.stateDir, "codex-thread.json");
  const known = parseRemembered(await findText(file));
  // Raw events, because a command that soon fails at the sandbox's border is told in no other as it happens.
  const thread = { cwd: task.workspace.dir, approvalPolicy: "on-request", experimentalRawEvents: true };
  let answer = known && (await resume(peer, { ...thread, threadId: known.threadId }));
  const resumed = answer !== undefined;
  answer ??= await peer.request("thread/start", thread);
  if (!isConfined(answer))
    throw new AgentError("codex_sandbox_unavailable", "Codex would run commands unconfined; it is not let.");
  const threadId = parseBegun(answer, "thread");
  return {
    threadId,
    logPath: parseThreadPath(answer),
    brokenOff: resumed && known?.attempt === task.attempt,
    remember: () => writeText(file, JSON.stringify({ threadId, attempt: task.attempt })),
  };
}

/** Undefined when codex does not have the conversation: it was killed before it wrote it down. */
async function resume(peer: Peer, params: object): Promise<unknown> {
  try {
    return await peer.request("thread/resume", { ...params, excludeTurns: true });
  } catch (cause) {
    if (cause instanceof AgentError && cause.code === "codex_refused") return undefined;
    throw cause;
  }
}

function parseRemembered(text: string | undefined): { threadId: string; attempt: number } | undefined {
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && "threadId" in value && "attempt" in value) {
    const { threadId, attempt } = value;
    if (typeof threadId === "string" && typeof attempt === "number") return { threadId, attempt };
  }
  throw new AgentError(
    "state_invalid",
    "codex-thread.json is not what this agent writes. Delete it to begin anew.",
  );
}

function outcomeOf(end: TurnEnd, lastMessage: string | undefined): AgentOutcome {
  if (end.status === "completed")
    return { kind: "finished", summary: lastMessage ?? "The agent ended its turn without a word." };
  throw new AgentError(
    "codex_turn_failed",
    `Codex could not finish its turn (${end.error ?? end.status}). Resume the run to continue.`,
  );
}

/** The words for a program that went away are in how it ended. */
async function explained(peer: Peer, server: AgentProcess): Promise<never> {
  try {
    return await peer.broken;
  } catch (cause) {
    if (!(cause instanceof AgentError) || cause.code !== "codex_ended") throw cause;
    const how = await Promise.race([server.ended, pause(INTERRUPT_MS, "no word why")]);
    throw new AgentError(cause.code, `${cause.message} (${how})`);
  }
}

/** Best effort: the process is ended right afterwards. */
async function interrupt(peer: Peer, threadId: string, turnId: string): Promise<void> {
  const asked = peer.request("turn/interrupt", { threadId, turnId }).catch(() => undefined);
  await Promise.race([asked, pause(INTERRUPT_MS)]);
}
