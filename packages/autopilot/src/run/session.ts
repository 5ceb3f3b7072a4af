// One process's hold on a run: what every step of it needs.

import { join } from "node:path";
import { createRedactor, secretsOf } from "@openagents/agent";
import { runtimeClients, type RuntimeClients } from "../clients.ts";
import { pauseFor, type Pause } from "../pause.ts";
import { holdRun, type RunHold } from "./executor.ts";
import { loadJournal, type JournalFile } from "./journal.ts";
import { trackSteps, type Steps } from "./progress.ts";
import { openRunLog, type RunLog } from "./run-log.ts";
import type { RunDeps } from "./run.ts";

export type Session = {
  readonly deps: RunDeps;
  readonly clients: RuntimeClients;
  readonly pause: Pause;
  readonly nowMs: () => number;
  readonly runId: string;
  readonly folder: string;
  readonly journal: JournalFile;
  readonly hold: RunHold;
  readonly log: RunLog;
  readonly steps: Steps;
  /** Aborts when the user interrupts and when the lease is lost. */
  readonly signal: AbortSignal;
  readonly secrets: readonly string[];
  readonly redact: (text: string) => string;
};

export type Tools = Pick<Session, "clients" | "pause" | "nowMs">;

export function toolsOf(deps: RunDeps): Tools {
  return {
    clients: deps.clients ?? runtimeClients(deps.client),
    pause: deps.pause ?? pauseFor,
    nowMs: deps.nowMs ?? Date.now,
  };
}

export function runFolder({ runsDir }: Pick<RunDeps, "runsDir">, runId: string): string {
  return join(runsDir, runId);
}

/** Take the run's lease, and its journal as whoever held it before has left it. Throws what those throw. */
export async function openSession(deps: RunDeps, runId: string, waitMsMax?: number): Promise<Session> {
  const tools = toolsOf(deps);
  const steps = trackSteps((progress) => deps.onProgress?.(progress));
  const holdDeps = { runs: tools.clients.runs, pause: tools.pause, nowMs: tools.nowMs };
  const hold = await steps.step(
    "executor",
    (say) => holdRun(holdDeps, runId, deps.signal, say, waitMsMax),
    ({ epoch }) => `the run is ours, epoch ${epoch}`,
  );
  const folder = runFolder(deps, runId);
  const journal = await openJournal(folder, runId, hold);
  const secrets = secretsOf(deps.env);
  return {
    ...tools,
    deps,
    runId,
    folder,
    journal,
    hold,
    log: openRunLog(tools.clients.runs, runId, hold.epoch),
    steps,
    signal: AbortSignal.any([deps.signal, hold.signal]),
    secrets,
    redact: createRedactor(secrets),
  };
}

async function openJournal(folder: string, runId: string, hold: RunHold): Promise<JournalFile> {
  try {
    const journal = await loadJournal(folder, runId);
    if (hold.epoch > 0n) await journal.save({ epoch: hold.epoch });
    return journal;
  } catch (cause) {
    await hold.release();
    throw cause;
  }
}
