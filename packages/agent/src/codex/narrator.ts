// Turns what codex reports into events, in order, and keeps what the end needs.

import { isAbsolute, relative } from "node:path";
import type { AgentTask, FileChange } from "../agent.ts";
import type { CodexItem, CodexNews } from "./protocol.ts";

type Told = Exclude<CodexNews, { type: "turn_completed" }>;

export type Narrator = {
  tell(news: Told): Promise<void>;
  /** Once at the end: codex counts after each answer of the model. */
  tellUsage(): Promise<void>;
  lastMessage(): string | undefined;
  /** The files of an item that has started, for a question that names the item alone. */
  filesOf(itemId: string): readonly string[];
};

export function createNarrator({ workspace, onEvent }: AgentTask): Narrator {
  const files = new Map<string, readonly string[]>();
  /** Items and calls that are told, or will be when they are completed. */
  const told = new Set<string>();
  const called = new Map<string, string>();
  let usage: Extract<Told, { type: "usage" }> | undefined;
  let lastMessage: string | undefined;

  const pathOf = (path: string) => (isAbsolute(path) ? relative(workspace.dir, path) : path);

  async function tellStarted(id: string, item: CodexItem): Promise<void> {
    if (item.type === "fileChange")
      files.set(
        id,
        item.changes.map(({ path }) => pathOf(path)),
      );
    if (item.type === "commandExecution")
      await onEvent({ type: "tool_call", tool: "shell", summary: item.command });
    if (item.type === "tool") await onEvent({ type: "tool_call", tool: item.tool, summary: item.tool });
  }

  async function tellCompleted(item: CodexItem): Promise<void> {
    switch (item.type) {
      case "agentMessage":
        lastMessage = item.text;
        return onEvent({ type: "message", text: item.text });
      case "commandExecution": {
        const { command, output, exitCode } = item;
        return onEvent({ type: "command", command, output, ...(exitCode !== undefined && { exitCode }) });
      }
      case "fileChange":
        if (!item.applied) return;
        for (const { path, kind } of item.changes)
          await onEvent({ type: "file_change", path: pathOf(path), change: changeOf(kind) });
        return;
      case "tool":
        return;
    }
  }

  /** A command that never was an item. */
  async function tellUntold({ id, output, exitCode }: Extract<Told, { type: "raw_output" }>): Promise<void> {
    const command = called.get(id);
    if (told.has(id) || command === undefined) return;
    told.add(id);
    await onEvent({ type: "command", command, output, ...(exitCode !== undefined && { exitCode }) });
  }

  return {
    async tell(news) {
      switch (news.type) {
        case "usage":
          usage = news;
          return;
        case "item_started":
          told.add(news.id);
          return tellStarted(news.id, news.item);
        case "item_completed":
          files.delete(news.id);
          return tellCompleted(news.item);
        case "raw_call":
          called.set(news.id, news.command);
          return;
        case "raw_output":
          return tellUntold(news);
      }
    },
    async tellUsage() {
      if (usage !== undefined) await onEvent(usage);
    },
    lastMessage: () => lastMessage,
    filesOf: (itemId) => files.get(itemId) ?? [],
  };
}

function changeOf(kind: string): FileChange["change"] {
  return kind === "add" ? "added" : kind === "delete" ? "deleted" : "modified";
}
