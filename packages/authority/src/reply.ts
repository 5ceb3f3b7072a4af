// What a caller is told: an outcome as the bytes that are stored and sent, and
// stored bytes sent again.

import {
  PROBLEM_CONTENT_TYPE,
  ProblemError,
  encodeText,
  problemBody,
  type CommandCall,
  type CommandReply,
} from "@openagents/contracts";
import type { Identity } from "./identity.ts";
import { REFUSAL_STATUS, type Outcome } from "./outcome.ts";
import type { Attempt, Claim, StoredAnswer } from "./store.ts";

export function render<Output>(call: CommandCall, outcome: Outcome<Output>): CommandReply {
  if (outcome.kind !== "refused") {
    return {
      status: (outcome.kind === "answer" ? outcome.status : undefined) ?? call.method.successStatus,
      contentType: "application/json; charset=utf-8",
      body: encodeText(call.method.output, outcome.output),
      replayed: false,
    };
  }
  const problem = new ProblemError({
    status: REFUSAL_STATUS[outcome.rule],
    code: `refused_${outcome.rule}`,
    reason: outcome.reason,
    detail: outcome.detail,
    ...(outcome.receiptId === undefined ? {} : { receiptId: outcome.receiptId }),
  });
  return {
    status: problem.status,
    contentType: PROBLEM_CONTENT_TYPE,
    body: problemBody(problem, call.requestId),
    replayed: false,
  };
}

export function replay(answer: StoredAnswer, identity: Identity): CommandReply {
  if (!answer.requestSha256.equals(identity.requestSha256)) {
    throw new ProblemError({
      status: 422,
      code: "idempotency_key_reused",
      detail: "This idempotency key was used for another request. Use a fresh key for a new request.",
    });
  }
  return { status: answer.status, contentType: answer.contentType, body: answer.body, replayed: true };
}

/** A command whose key another one has. Throws 422 `idempotency_key_reused` when that made another request. */
export function settleLost(claim: Claim | undefined, identity: Identity): Attempt {
  if (claim?.kind !== "finished") return { kind: "busy" };
  return { kind: "done", reply: replay(claim.answer, identity), stored: claim.answer };
}

export function inFlight(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "idempotency_in_flight",
    detail:
      "The first request with this idempotency key is still running. Send the same request again shortly.",
    retryAfterMs: 1_000,
  });
}
