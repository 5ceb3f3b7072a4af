// Requests that are answered from what is known, without an agent.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { encode, threadMessageDesc, type CodexWorkerCall } from "@openagents/contracts";
import { reading } from "../clients.ts";
import type { DeviceDeps } from "./deps.ts";
import type { TurnAnswer } from "./do-turn.ts";

const LISTED_MAX = 200;

export async function answerPlainly(
  deps: DeviceDeps,
  call: CodexWorkerCall,
  signal: AbortSignal,
): Promise<TurnAnswer> {
  switch (call.method) {
    case "thread/list": {
      const threads = await readdir(join(deps.dataDir, "threads")).catch(() => []);
      return { response: { threads: threads.slice(-LISTED_MAX) } };
    }
    case "thread/resume":
      return { response: { thread_id: call.threadId ?? "" } };
    case "thread/read": {
      const request = { threadId: call.threadId ?? "", limit: LISTED_MAX };
      const read = () => deps.clients.threads.listThreadMessages(request, { signal });
      const { messages } = await reading(read, signal, deps.pause);
      return { response: { messages: messages.map((message) => encode(threadMessageDesc, message)) } };
    }
    default:
      return {
        error: {
          code: "unsupported_method",
          message: `This device does not do ${call.method}.`,
          retryable: false,
        },
      };
  }
}
