// Tells a provider of a job that waits for it. That is all: the provider claims
// the job as it would have without, so that there is one way to a lease.
//
// PUSH-1  A job is pushed to a worker at most once, and only while it waits for it.
// PUSH-2  What comes of a push changes nothing of the job: who is not reached is passed over like one that did not come.
// PUSH-3  Only the public internet is called, and this machine where the configuration allows it.
// Held by tests/push.pg.test.ts.

import type { ActResult, Effect, Intent, IntentHandler, ReceiptSigner } from "@openagents/authority";
import { Marketplace, encodeText, methodsOf, sandboxRunPushDesc } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { pushHash } from "@openagents/receipts";
import { OutboundError, type Logger, type Outbound } from "@openagents/service";
import { findJob } from "../jobs/index.ts";
import { findWorker } from "../workers/index.ts";
import { decidePush } from "./decide-push.ts";
import { PROVIDER_PUSH } from "./intend-push.ts";

export type PushDeps = {
  readonly db: Database;
  readonly outbound: Outbound;
  readonly signer: ReceiptSigner;
  /** Where providers reach this runtime. */
  readonly runtimeUrl: string;
  readonly log: Logger;
};

/** What is certain about a call that was refused or redirected: the provider was not told. */
const REFUSED = new Set(["url_invalid", "address_not_allowed", "not_encrypted", "redirect_refused"]);

export function pushHandler(deps: PushDeps): IntentHandler {
  const method = methodsOf(Marketplace).find(({ localName }) => localName === "dispatchSandboxRun");
  if (method === undefined) throw new Error("the contract has no dispatchSandboxRun");
  return {
    kind: PROVIDER_PUSH,
    method,
    async act(intent, signal) {
      const { jobId, workerId } = payloadOf(intent);
      const state = decidePush(await findJob(deps.db, jobId), workerId);
      if (state !== "waiting") return known(state);
      const worker = await findWorker(deps.db, workerId);
      if (worker?.endpointUrl === undefined || worker.status !== "running" || worker.quarantined)
        return failed("not_reachable", "The worker has stopped, or names no address any more.");
      return send(deps, worker.endpointUrl, { jobId, workerId }, signal);
    },
    async ask(intent) {
      const { jobId, workerId } = payloadOf(intent);
      const state = decidePush(await findJob(deps.db, jobId), workerId);
      if (state !== "waiting") return known(state);
      return { kind: "unknown", detail: "It may have been told; the job is not claimed yet." };
    },
    async conclude(_command, intent, effect) {
      const { jobId, workerId } = payloadOf(intent);
      const afterCommit = () => {
        if (effect.kind === "failed")
          deps.log.info({ job_id: jobId, worker_id: workerId, reason: effect.reason }, "push failed");
      };
      return { kind: "recorded", writes: [], afterCommit };
    },
  };
}

type Payload = { readonly jobId: string; readonly workerId: string };

function payloadOf({ subject, payload: { worker_id: workerId } }: Intent): Payload {
  if (typeof workerId !== "string") throw new Error(`the push of ${subject} names no worker`);
  return { jobId: subject, workerId };
}

function known(state: "claimed" | "gone"): Effect {
  if (state === "claimed") return { kind: "succeeded", facts: { claimed: true } };
  return failed("job_gone", "The job was called off, or is with another worker.");
}

async function send(
  deps: PushDeps,
  endpointUrl: string,
  { jobId, workerId }: Payload,
  signal: AbortSignal,
): Promise<ActResult> {
  const body = encodeText(sandboxRunPushDesc, { jobId, workerId, runtimeUrl: deps.runtimeUrl });
  try {
    const { status } = await deps.outbound.send({
      method: "POST",
      url: `${endpointUrl}/v1/sandbox_run`,
      headers: {
        "content-type": "application/json",
        "x-idempotency-key": jobId,
        "x-openagents-signature": deps.signer.signHash(pushHash(body)).signatureHex,
      },
      body,
      signal,
    });
    if (status >= 200 && status < 300) return { kind: "succeeded", facts: { status } };
    if (status >= 400 && status < 500) return failed("refused", `It answered ${status}.`);
    return { kind: "unknown", detail: `It answered ${status}, which does not say whether it was told.` };
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    if (REFUSED.has(error.code)) return failed(error.code, error.message);
    return { kind: error.sent ? "unknown" : "not_sent", detail: error.message };
  }
}

function failed(reason: string, detail: string): Effect {
  return { kind: "failed", reason, detail };
}
