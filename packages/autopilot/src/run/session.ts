// One process's hold on a run: what every step of it needs.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { createRedactor, secretsOf } from "@openagents/agent";
import { AutopilotError } from "../autopilot-error.ts";
import { PATIENT_ATTEMPTS_MAX, runtimeClients, type RuntimeClients } from "../clients.ts";
import { pauseFor, type Pause } from "../pause.ts";
import { holdRun, type RunHold } from "./executor.ts";
import { takeOver, type Elsewhere } from "./take-over.ts";
import { loadJournal, type JournalFile } from "./journal.ts";
import { trackSteps, type Steps } from "./progress.ts";
import { openRunLog, type RunLog } from "./run-log.ts";
import type { RunDeps } from "./run.ts";
import { openUploads, type Uploads } from "./uploads.ts";

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
  readonly uploads: Uploads;
  readonly secrets: readonly string[];
  readonly redact: (text: string) => string;
};

/** What buying a job needs of whoever buys it. */
export type Buyer = Pick<Session, "clients" | "nowMs" | "pause" | "signal" | "steps">;

export type Tools = Pick<Session, "clients" | "pause" | "nowMs">;

export function toolsOf(deps: Pick<RunDeps, "client" | "clients" | "nowMs" | "pause">): Tools {
  return {
    clients: deps.clients ?? runtimeClients(deps.client, PATIENT_ATTEMPTS_MAX),
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
  const signal = AbortSignal.any([deps.signal, hold.signal]);
  const journal = await openJournal({ ...tools, runId, folder, signal }, hold);
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
    signal,
    uploads: openUploads(tools.clients.artifacts, signal),
    secrets,
    redact: createRedactor(secrets),
  };
}

/** As the last executor has left it: on this machine, or, when it was another one's, in the run's log. */
async function openJournal(elsewhere: Elsewhere, hold: RunHold): Promise<JournalFile> {
  try {
    const own = await findJournal(elsewhere.folder, elsewhere.runId);
    const epoch = own?.current.epoch ?? 0n;
    const isLatest = own !== undefined && (hold.epoch === 0n || epoch + 1n === hold.epoch);
    if (!isLatest) await takeOver(elsewhere, epoch);
    const journal = await loadJournal(elsewhere.folder, elsewhere.runId);
    if (hold.epoch > 0n) await journal.save({ epoch: hold.epoch });
    return journal;
  } catch (cause) {
    await hold.release();
    throw cause;
  }
}

/** Undefined when this machine has never had the run. */
export async function findJournal(folder: string, runId: string): Promise<JournalFile | undefined> {
  return loadJournal(folder, runId).catch((cause: unknown) => {
    if (cause instanceof AutopilotError && cause.code === "run_not_here") return undefined;
    throw cause;
  });
}

export type MadeBranch = { readonly name: string; readonly repo: string };

/**
 * The branch that the run made in a repository of this machine; undefined also when
 * the run is another machine's, or the repository is gone.
 */
export async function findBranch(
  deps: Pick<RunDeps, "runsDir">,
  runId: string,
): Promise<MadeBranch | undefined> {
  const { branch: name, base } = (await findJournal(runFolder(deps, runId), runId))?.current ?? {};
  const repo = base?.origin?.repo;
  return name === undefined || repo === undefined || !existsSync(repo) ? undefined : { name, repo };
}
