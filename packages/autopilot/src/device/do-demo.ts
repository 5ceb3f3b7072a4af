// The demonstration's run, asked for from elsewhere: told as an event as soon as
// it is open, and answered when it has ended.
//
// DEMO-1  A request opens one run, however often a process is killed over it.
// Held by tests/run-demo.test.ts.

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CodexWorkerCall } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import type { RunOutcome } from "../run/index.ts";
import { writeDurably } from "../write-durably.ts";
import type { DeviceDeps } from "./deps.ts";
import type { TurnAnswer } from "./do-turn.ts";

export type DemoOrder = {
  /** Of this request alone; kept between processes. */
  readonly folder: string;
  /** The run that an earlier process has opened for it. */
  readonly runId: string | undefined;
  /** To be told of the run before anything is done for it. */
  readonly onOpen: (runId: string) => void;
  readonly signal: AbortSignal;
};

/** Carries the demonstration out, or goes on with it. */
export type DemoRunner = (order: DemoOrder) => Promise<RunOutcome>;

/** `stop` ends the process: it rejects with its reason and the request stays open. `interrupt` ends the run. */
export async function doDemo(
  deps: DeviceDeps,
  runDemo: DemoRunner,
  call: CodexWorkerCall,
  stop: AbortSignal,
  interrupt: AbortSignal,
): Promise<TurnAnswer> {
  const { requestId } = call;
  const folder = join(deps.dataDir, "requests", requestId);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const runFile = join(folder, "run-id");
  const known = await readFile(runFile, "utf8").catch(() => undefined);
  let told: Promise<void> = known === undefined ? Promise.resolve() : tellOpen(deps, requestId, known, stop);
  try {
    const outcome = await runDemo({
      folder,
      runId: known,
      onOpen(runId) {
        if (known === undefined)
          told = writeDurably(runFile, runId).then(() => tellOpen(deps, requestId, runId, stop));
      },
      signal: AbortSignal.any([stop, interrupt]),
    });
    stop.throwIfAborted();
    await told;
    const { runId, state, problem } = outcome;
    const summary = problem === undefined ? `the run ${state}` : `the run ${state}: ${problem.detail}`;
    return { response: { run_id: runId, state, summary } };
  } catch (cause) {
    stop.throwIfAborted();
    if (interrupt.aborted)
      return { error: { code: "conflict", message: "The run was interrupted.", retryable: false } };
    const message = cause instanceof Error ? cause.message : String(cause);
    const retryable = !(cause instanceof AutopilotError);
    return { error: { code: "internal_error", message: message.slice(0, 2_000), retryable } };
  }
}

function tellOpen(
  { clients, workerId, pause }: DeviceDeps,
  requestId: string,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const event = {
    eventType: "worker.event",
    requestId,
    payload: { kind: "run.opened", run_id: runId, request_id: requestId },
  };
  const send = () =>
    clients.workers.appendCodexWorkerEvents(
      { workerId, events: [event] },
      { idempotencyKey: `${requestId}:run-opened`, signal },
    );
  return reading(send, signal, pause).then(() => undefined);
}
