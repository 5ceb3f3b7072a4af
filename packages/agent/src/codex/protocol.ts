// The few messages of the app server's protocol that we use, as the pinned
// version sends them. Unknown messages and items are ignored, because each
// version adds some; a known one of another shape is an error, because guessing
// would hide what the agent did.

import { AgentError } from "../agent.ts";
import { PERMISSIONS } from "./codex-home.ts";

export type CodexItem =
  | { readonly type: "agentMessage"; readonly text: string }
  | {
      readonly type: "commandExecution";
      readonly command: string;
      readonly output: string;
      readonly exitCode: number | undefined;
    }
  | {
      readonly type: "fileChange";
      readonly changes: readonly { readonly path: string; readonly kind: string }[];
      readonly applied: boolean;
    }
  | { readonly type: "tool"; readonly tool: string };

export type CodexNews =
  | { readonly type: "item_started" | "item_completed"; readonly id: string; readonly item: CodexItem }
  /** What the model called, and what it was told in return, by the call's id; items have the same id. */
  | { readonly type: "raw_call"; readonly id: string; readonly command: string }
  | {
      readonly type: "raw_output";
      readonly id: string;
      readonly output: string;
      readonly exitCode: number | undefined;
    }
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number }
  | {
      readonly type: "turn_completed";
      readonly status: "completed" | "interrupted" | "failed";
      readonly error: string | undefined;
    };

const METHODS = [
  "item/started",
  "item/completed",
  "rawResponseItem/completed",
  "thread/tokenUsage/updated",
  "turn/completed",
];

export function isWanted(method: string): boolean {
  return METHODS.includes(method);
}

/** News of the thread; undefined for another thread's and for items that are of no interest. */
export function parseNews(method: string, value: unknown, threadId: string): CodexNews | undefined {
  const params = record(value, method);
  if (text(params, "threadId", method) !== threadId) return undefined;
  switch (method) {
    case "item/started":
    case "item/completed": {
      const value = record(params["item"], method);
      const item = parseItem(value);
      if (item === undefined) return undefined;
      const type = method === "item/started" ? "item_started" : "item_completed";
      return { type, id: text(value, "id", method), item };
    }
    case "rawResponseItem/completed":
      return parseRaw(record(params["item"], method));
    case "thread/tokenUsage/updated": {
      const total = record(record(params["tokenUsage"], method)["total"], method);
      const inputTokens = count(total, "inputTokens", method);
      return { type: "usage", inputTokens, outputTokens: count(total, "outputTokens", method) };
    }
    case "turn/completed": {
      const turn = record(params["turn"], method);
      const status = text(turn, "status", method);
      if (status !== "completed" && status !== "interrupted" && status !== "failed")
        throw malformed(method, "turn.status");
      const error = isGiven(turn["error"])
        ? text(record(turn["error"], method), "message", method)
        : undefined;
      return { type: "turn_completed", status, error };
    }
    default:
      return undefined;
  }
}

/** A line of codex's log of the conversation; undefined for what is no call and no output. */
export function parseLogged(line: string): CodexNews | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw malformed("its log", "line");
  }
  const { type, payload } = record(value, "its log");
  return type === "response_item" ? parseRaw(record(payload, type)) : undefined;
}

function parseRaw(item: Record<string, unknown>): CodexNews | undefined {
  if (item["type"] === "function_call" && item["name"] === "exec_command") {
    const id = text(item, "call_id", "function_call");
    return { type: "raw_call", id, command: commandOf(text(item, "arguments", "function_call")) };
  }
  if (item["type"] !== "function_call_output" || typeof item["output"] !== "string") return undefined;
  const id = text(item, "call_id", "function_call_output");
  // A few lines of codex's about the process stand before what the command printed.
  const [, about = "", output = item["output"]] =
    /^([\s\S]*?)^Output:\n([\s\S]*)$/m.exec(item["output"]) ?? [];
  const code = /^Process exited with code (\d+)$/m.exec(about)?.[1];
  return { type: "raw_output", id, output, exitCode: code === undefined ? undefined : Number(code) };
}

/** The model writes the arguments, so they may be anything. */
function commandOf(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && "cmd" in value && typeof value.cmd === "string")
      return value.cmd;
  } catch {
    // The model's own words are what there is to show then.
  }
  return json;
}

function parseItem(item: Record<string, unknown>): CodexItem | undefined {
  const type = text(item, "type", "item");
  switch (type) {
    case "agentMessage":
      return { type, text: text(item, "text", type) };
    case "commandExecution": {
      const output = isGiven(item["aggregatedOutput"]) ? text(item, "aggregatedOutput", type) : "";
      const exitCode = isGiven(item["exitCode"]) ? count(item, "exitCode", type) : undefined;
      return { type, command: text(item, "command", type), output, exitCode };
    }
    case "fileChange": {
      const { changes } = item;
      if (!Array.isArray(changes)) throw malformed(type, "changes");
      return { type, applied: text(item, "status", type) === "completed", changes: changes.map(parseChange) };
    }
    case "mcpToolCall":
    case "dynamicToolCall":
      return { type: "tool", tool: text(item, "tool", type) };
    case "webSearch":
    case "imageView":
      return { type: "tool", tool: type };
    default:
      return undefined;
  }
}

function parseChange(value: unknown): { path: string; kind: string } {
  const change = record(value, "fileChange");
  const kind = record(change["kind"], "fileChange");
  return { path: text(change, "path", "fileChange"), kind: text(kind, "type", "fileChange") };
}

/** Where codex logs the thread's conversation. */
export function parseThreadPath(value: unknown): string {
  return text(record(record(value, "thread")["thread"], "thread"), "path", "thread");
}

/** The member of an answer that names what was begun: `thread` or `turn`. */
export function parseBegun(value: unknown, member: "thread" | "turn"): string {
  return text(record(record(value, member)[member], member), "id", member);
}

export type Asked = {
  readonly itemId: string;
  readonly command: string | undefined;
  readonly reason: string | undefined;
};

/** What a request for approval is about. */
export function parseAsked(value: unknown, method: string): Asked {
  const params = record(value, method);
  const optional = (name: string) => (isGiven(params[name]) ? text(params, name, method) : undefined);
  return { itemId: text(params, "itemId", method), command: optional("command"), reason: optional("reason") };
}

/** Whether the thread's commands have our profile and no network, in the server's own words. */
export function isConfined(value: unknown): boolean {
  const thread = record(value, "thread");
  const sandbox = record(thread["sandbox"], "sandbox");
  const profile = record(thread["activePermissionProfile"], "activePermissionProfile");
  const confined = sandbox["type"] === "workspaceWrite" || sandbox["type"] === "readOnly";
  return confined && sandbox["networkAccess"] === false && profile["id"] === PERMISSIONS;
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (!isRecord(value)) throw malformed(where, "object");
  return value;
}

/** Codex writes null for what it does not have. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(from: Record<string, unknown>, name: string, where: string): string {
  const value = from[name];
  if (typeof value === "string") return value;
  throw malformed(where, name);
}

function count(from: Record<string, unknown>, name: string, where: string): number {
  const value = from[name];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw malformed(where, name);
}

function malformed(where: string, member: string): AgentError {
  return new AgentError(
    "codex_protocol",
    `Codex sent ${where} without a usable ${member}. Its version is not the pinned one.`,
  );
}
