// What an agent is given to work on: the message, who it should be, and what was
// said before. All of it is material; none of it changes what the agent may do.

import type { CodexWorkerCall, JsonValue, ThreadMessage } from "@openagents/contracts";
import { reading } from "../clients.ts";
import type { DeviceDeps } from "./deps.ts";
import { textOf } from "./text-of.ts";

const MESSAGES_MAX = 40;
const HISTORY_CHARS_MAX = 24_000;
const TITLE_CHARS_MAX = 120;

/** Behind every message. */
const NEWEST = 2n ** 53n - 1n;

export async function conversation(
  { clients, pause }: DeviceDeps,
  call: CodexWorkerCall,
  signal: AbortSignal,
): Promise<{ readonly title: string; readonly body: string }> {
  const text = textOf(call.params["text"]);
  const { threadId } = call;
  const messages =
    threadId === undefined
      ? []
      : (
          await reading(
            () =>
              clients.threads.listThreadMessages(
                { threadId, beforeSeq: NEWEST, limit: MESSAGES_MAX },
                { signal },
              ),
            signal,
            pause,
          )
        ).messages;
  const parts = [text, personaOf(call.params["autopilot"]), historyOf(messages, call.requestId)];
  return {
    title: (text.split("\n", 1)[0] ?? "").slice(0, TITLE_CHARS_MAX).toWellFormed(),
    body: parts.filter((part) => part !== "").join("\n\n"),
  };
}

function personaOf(autopilot: JsonValue | undefined): string {
  if (typeof autopilot !== "object" || autopilot === null || !("persona_summary" in autopilot)) return "";
  const { display_name: name, persona_summary: persona, voice, principles } = autopilot;
  const lines = [
    typeof persona === "string" && persona !== "" ? `You are ${textOf(name)}: ${persona}` : "",
    typeof voice === "string" && voice !== "" ? `Your voice: ${voice}` : "",
    ...(Array.isArray(principles) ? principles.map((each) => `- ${textOf(each)}`) : []),
  ];
  return lines.filter((line) => line !== "").join("\n");
}

/** The newest of what was said before a message, oldest first. */
export function historyOf(messages: readonly ThreadMessage[], requestId: string): string {
  const own = messages.find((message) => message.requestId === requestId && message.role === "user");
  const lines: string[] = [];
  let chars = 0;
  for (const message of messages.toReversed()) {
    const earlier = own === undefined || message.seq < own.seq;
    if (!earlier || message.requestId === requestId || message.role === "tool" || message.text === "")
      continue;
    chars += message.text.length;
    if (chars > HISTORY_CHARS_MAX) break;
    lines.push(`${message.role}: ${message.text}`);
  }
  return lines.length === 0
    ? ""
    : `What was said before, oldest first:\n\n${lines.toReversed().join("\n\n")}`;
}
