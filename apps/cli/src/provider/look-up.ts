// What the runtime says about a provider's worker and its last job.

import { setTimeout as delay } from "node:timers/promises";
import type { ClientSettings } from "@openagents/autopilot";
import type { Worker } from "@openagents/contracts";
import { CliError } from "../cli-error.ts";
import { decidePayment, type Payment } from "./payment.ts";

const ASK_MS_MAX = 5_000;

/** Throws `runtime_unreachable` when nobody answers at the address. What it answers does not matter yet. */
export async function requireRuntime(baseUrl: string): Promise<void> {
  try {
    await fetch(`${baseUrl}/healthz`, { signal: AbortSignal.timeout(ASK_MS_MAX), redirect: "manual" });
  } catch (cause) {
    throw new CliError("runtime_unreachable", `no runtime answers at ${baseUrl}`, {
      nextStep: "check the address, or whether that stack is up",
      cause,
    });
  }
}

/** Undefined when the runtime does not know it (any more). Throws when it does not answer. */
export async function findWorker(client: ClientSettings, workerId: string): Promise<Worker | undefined> {
  const { ProblemError, Workers, createClient } = await import("@openagents/contracts");
  try {
    return (await createClient(Workers, { ...client, timeoutMs: ASK_MS_MAX }).getWorker({ workerId })).worker;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether a job was paid for; undefined when the runtime does not tell. Never throws. */
export async function findPayment(client: ClientSettings, jobId: string): Promise<Payment | undefined> {
  const { Fraud, Jobs, Verification, createClient } = await import("@openagents/contracts");
  const settings = { ...client, timeoutMs: ASK_MS_MAX };
  try {
    const { job } = await createClient(Jobs, settings).getJob({ jobId });
    // There is none until the buyer asked for it.
    const found = await createClient(Verification, settings)
      .getVerification({ jobId: job.primaryJobId ?? jobId })
      .catch(() => undefined);
    const { disagreement, incidentId } = found?.verification ?? {};
    const decided =
      disagreement === true && incidentId !== undefined
        ? await createClient(Fraud, settings).getIncident({ incidentId })
        : undefined;
    return decidePayment(job, found?.verification, decided?.incident);
  } catch {
    return undefined;
  }
}

const LOOK_MS_MIN = 1_000;
const LOOK_MS_MAX = 30_000;
/** Longer than a second opinion takes; who wants to know later asks for the status. */
const WATCH_MS_MAX = 15 * 60_000;

/** Look at a job until it is known whether it was paid for. Undefined when the signal or the time ended it. */
export async function watchPayment(
  client: ClientSettings,
  jobId: string,
  signal: AbortSignal,
): Promise<Payment | undefined> {
  let waitedMs = 0;
  for (let waitMs = LOOK_MS_MIN; waitedMs < WATCH_MS_MAX; waitMs = Math.min(2 * waitMs, LOOK_MS_MAX)) {
    const goesOn = await delay(waitMs, true, { signal }).catch(() => false);
    if (!goesOn) return undefined;
    waitedMs += waitMs;
    const payment = await findPayment(client, jobId);
    if (payment !== undefined && payment.state !== "pending") return payment;
  }
  return undefined;
}
