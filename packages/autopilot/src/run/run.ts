// What a buyer asks of a run, and what the run came to.

import type { Agent } from "@openagents/agent";
import type { Reservation, SandboxLimits, ToolchainRequirement } from "@openagents/contracts";
import type { ClientSettings, RuntimeClients } from "../clients.ts";
import type { Pause } from "../pause.ts";
import type { Progress, StepName } from "./progress.ts";
import type { FinalStatus } from "./run-log.ts";

export type RunIssueOptions = {
  readonly client: ClientSettings;
  /** A git repository; the tree of its HEAD is the base. */
  readonly repo: string;
  readonly issue: { readonly title: string; readonly body: string; readonly url?: string | undefined };
  readonly agent: Agent;
  /** Shell commands that decide whether the patch is good. */
  readonly checks: readonly string[];
  /** The most that the check may cost, operator fee included. */
  readonly budgetMsats: bigint;
  readonly limits?: SandboxLimits;
  readonly toolchains: readonly ToolchainRequirement[];
  /** Bundles are written to `{sessionsDir}/{run_id}`. */
  readonly sessionsDir: string;
  /** Cancels the run: what is open is closed, and the bundle is still written. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** For tests. */
  readonly clients?: RuntimeClients;
  readonly pause?: Pause;
  readonly nowMs?: () => number;
};

export type RunOutcome = {
  readonly runId: string;
  readonly status: FinalStatus;
  readonly verdict: string | undefined;
  readonly assurance: string | undefined;
  readonly proof: string | undefined;
  readonly baseExitCode: number | undefined;
  readonly patchedExitCode: number | undefined;
  readonly providerWorkerId: string | undefined;
  /** Credited to the provider; 0 when nothing was. */
  readonly amountMsats: bigint;
  readonly operatorFeeMsats: bigint;
  readonly settlementStatus: "released" | "withheld" | undefined;
  /** Undefined only when the bundle could not be written; `problem` says why. */
  readonly bundleDir: string | undefined;
  readonly problem: RunProblem | undefined;
  /** Money that stays set aside because a provider still works on the job. */
  readonly openReservation: Reservation | undefined;
};

export type RunProblem = { readonly step: StepName; readonly code: string; readonly detail: string };

/** For each command of the check. */
export const DEFAULT_LIMITS: SandboxLimits = {
  wallMs: 300_000n,
  cpuMs: 600_000n,
  memoryMib: 1_024,
  pids: 256,
  diskMib: 1_024,
  outputBytes: 1_048_576n,
};
