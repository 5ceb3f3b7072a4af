// Jobs go on when their buyer does not. Each look takes every job that waits one
// step on, by the same commands that the buyer would send, in the service's own
// name and for the buyer's organisation.

import { Panels, ProblemError, Sampling, Treasury, Verification } from "@openagents/contracts";
import { startSweep, type After, type Logger } from "@openagents/service";
import { concludePanel } from "../panels/index.ts";
import { keepSeeds, type RandomBytes } from "../sampling/index.ts";
import { runtimeCall } from "../runtime-call.ts";
import { settleSandboxRun } from "../treasury/index.ts";
import { verifySandboxRun, type VerificationDeps } from "../verification/index.ts";
import { decideStep, type Step } from "./decide-step.ts";
import { listUndecidedJobs } from "./store.ts";

export type StalledJobsDeps = VerificationDeps & {
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly everyMs: number;
  readonly after?: After | undefined;
  readonly randomBytes?: RandomBytes | undefined;
};

const PAGE = 100;

/** Start looking; disposing it waits for the look that goes on. */
export function startStalledJobs(deps: StalledJobsDeps): AsyncDisposable {
  return startSweep({ ...deps, what: "stalled jobs", look: (signal) => takeAllOn(deps, signal) });
}

async function takeAllOn(deps: StalledJobsDeps, signal: AbortSignal): Promise<void> {
  const seedCall = (method: string, idempotencyKey: string) => ({
    ...runtimeCall(Sampling, method, "sampling:write", signal),
    idempotencyKey,
  });
  await keepSeeds(deps, seedCall, deps.nowMs());
  let after = "";
  for (;;) {
    const page = await listUndecidedJobs(deps.db, after, PAGE);
    for (const job of page) {
      if (signal.aborted) return;
      after = job.jobId;
      const step = decideStep(job, deps.nowMs());
      if (step.kind === "wait") continue;
      // One that is broken holds up no other.
      await takeStep(deps, job, step, signal).catch((error: unknown) => {
        // To be asked again: the next look does.
        if (error instanceof ProblemError && error.status === 503) return;
        deps.log.warn({ err: error, job_id: job.jobId }, "a stalled job was not taken on");
      });
    }
    if (page.length < PAGE) return;
  }
}

async function takeStep(
  deps: StalledJobsDeps,
  { jobId, org }: { readonly jobId: string; readonly org: string },
  step: Exclude<Step, { readonly kind: "wait" }>,
  signal: AbortSignal,
): Promise<void> {
  const { key: idempotencyKey } = step;
  if (step.kind === "decide") {
    const call = runtimeCall(Panels, "decidePanel", "jobs:verify", signal, org);
    await concludePanel(deps, { ...call, idempotencyKey }, { panelId: step.panelId });
  } else if (step.kind === "verify") {
    const call = runtimeCall(Verification, "verifySandboxRun", "jobs:verify", signal, org);
    await verifySandboxRun(deps, { ...call, idempotencyKey }, { jobId });
  } else {
    const call = runtimeCall(Treasury, "settleSandboxRun", "treasury:spend", signal, org);
    await settleSandboxRun(deps, { ...call, idempotencyKey }, { jobId });
  }
}
