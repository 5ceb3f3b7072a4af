// Turns what an ACP agent reports into events, in the order of its reports.
// Words come in pieces and are told whole: a secret cut in two is not recognised.

import { isAbsolute, relative } from "node:path";
import type { SessionUpdate, ToolCallContent, ToolKind } from "@agentclientprotocol/sdk";
import type { AgentEvent, AgentTask } from "../agent.ts";

const MESSAGE_CHARS_MAX = 256 * 1024;
const OUTPUT_CHARS_MAX = 256 * 1024;
const CALLS_MAX = 10_000;

export type AcpNarrator = {
  hear(update: SessionUpdate): void;
  /** Something that we have done for the agent or answered it. */
  tell(event: AgentEvent): Promise<void>;
  /** Everything heard is told. Rejects when telling failed. */
  settled(): Promise<void>;
  lastMessage(): string | undefined;
};

type ToolCall = { kind: ToolKind; title: string; content: readonly ToolCallContent[] };

export function createAcpNarrator({ workspace, onEvent }: AgentTask): AcpNarrator {
  const calls = new Map<string, ToolCall>();
  let words = "";
  let lastMessage: string | undefined;
  let queue: Promise<void> = Promise.resolve();

  function enqueue(event: AgentEvent): void {
    queue = queue.then(() => onEvent(event));
    // `settled` throws it; until then it must not end the process.
    queue.catch(() => undefined);
  }

  function endMessage(): void {
    if (words.trim() === "") return;
    lastMessage = words;
    enqueue({ type: "message", text: words });
    words = "";
  }

  function endCall({ kind, title, content }: ToolCall): void {
    if (kind === "execute") enqueue({ type: "command", command: title, output: outputOf(content) });
    for (const part of content) {
      if (part.type !== "diff") continue;
      const path = isAbsolute(part.path) ? relative(workspace.dir, part.path) : part.path;
      enqueue({
        type: "file_change",
        path,
        change: (part.oldText ?? undefined) === undefined ? "added" : "modified",
      });
    }
  }

  return {
    hear(update) {
      if (update.sessionUpdate === "agent_message_chunk") {
        const { content } = update;
        if (content.type === "text" && words.length < MESSAGE_CHARS_MAX) words += content.text;
        return;
      }
      if (update.sessionUpdate !== "tool_call" && update.sessionUpdate !== "tool_call_update") return;
      endMessage();
      const before = calls.get(update.toolCallId);
      const call: ToolCall = {
        kind: update.kind ?? before?.kind ?? "other",
        title: update.title ?? before?.title ?? "something unnamed",
        content: update.content ?? before?.content ?? [],
      };
      if (before === undefined) enqueue({ type: "tool_call", tool: call.kind, summary: call.title });
      if (update.status === "completed" || update.status === "failed") {
        calls.delete(update.toolCallId);
        if (update.status === "completed" || call.kind === "execute") endCall(call);
      } else if (calls.size < CALLS_MAX) calls.set(update.toolCallId, call);
    },
    async tell(event) {
      endMessage();
      enqueue(event);
      await queue;
    },
    async settled() {
      endMessage();
      await queue;
    },
    lastMessage: () => lastMessage,
  };
}

function outputOf(content: readonly ToolCallContent[]): string {
  const texts = content.map((part) =>
    part.type === "content" && part.content.type === "text" ? part.content.text : "",
  );
  return texts.join("").slice(-OUTPUT_CHARS_MAX);
}
