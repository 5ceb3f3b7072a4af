// What an agent may not do by itself is asked of the device's person, in their
// inbox. Whoever does not answer has said no.

import type { ApprovalDecision, ApprovalRequest } from "@openagents/agent";
import type { CodexWorkerCall } from "@openagents/contracts";
import { reading } from "../clients.ts";
import type { DeviceDeps } from "./deps.ts";

const ANSWER_S_MAX = 600;
const LOOK_EVERY_MS = 1_000;
const TITLE_CHARS_MAX = 200;
const DETAIL_CHARS_MAX = 10_000;

/**
 * The questions of one turn, in their order: a process that was killed over one
 * finds it again, because an agent that starts over asks the same first.
 */
export function askPerson(
  deps: Pick<DeviceDeps, "clients" | "workerId" | "pause">,
  { requestId, threadId }: Pick<CodexWorkerCall, "requestId" | "threadId">,
  signal: AbortSignal,
): (request: ApprovalRequest) => Promise<ApprovalDecision> {
  const { inbox } = deps.clients;
  let asked = 0;
  return async ({ what, reason }) => {
    asked += 1;
    const question = {
      kind: "question",
      title: `The agent asks: ${what}`.slice(0, TITLE_CHARS_MAX),
      detail: (reason === undefined ? what : `${what}\n\nIn its own words: ${reason}`).slice(
        0,
        DETAIL_CHARS_MAX,
      ),
      facts: {
        worker_id: deps.workerId,
        request_id: requestId,
        ...(threadId === undefined ? {} : { thread_id: threadId }),
      },
      expiresInS: ANSWER_S_MAX,
    } as const;
    const send = () =>
      inbox.requestApproval(question, { idempotencyKey: `${requestId}:ask:${asked}`, signal });
    let { approval } = await reading(send, signal, deps.pause);
    while (approval.status === "pending") {
      await deps.pause(LOOK_EVERY_MS, signal);
      signal.throwIfAborted();
      const { approvalId } = approval;
      const look = () => inbox.getApproval({ approvalId }, { signal });
      ({ approval } = await reading(look, signal, deps.pause));
    }
    return approval.status === "approved" ? "accept" : "decline";
  };
}
