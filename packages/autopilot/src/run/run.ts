// What a run is started with, and what it came to.

import type { Agent, AgentEvent, ApprovalDecision, ApprovalRequest } from "@openagents/agent";
import type { SandboxLimits, Settlement, VerificationResult } from "@openagents/contracts";
import type { ClientSettings, RuntimeClients } from "../clients.ts";
import type { RepositoryAddress } from "../forge/index.ts";
import type { Pause } from "../pause.ts";
import type { RunProblem } from "./journal.ts";
import type { Progress } from "./progress.ts";

/** What a run needs of the process that executes it, whether it starts, resumes, reviews or cancels it. */
export type RunDeps = {
  readonly client: ClientSettings;
  /** A folder of its own for each run: journal, workspace, layers, the agent's state. */
  readonly runsDir: string;
  /** Bundles are written to `{sessionsDir}/{run_id}`. */
  readonly sessionsDir: string;
  /** The agent behind a spec such as `codex` or `script:FILE`. */
  readonly agentOf: (spec: string) => Agent;
  /** Its secret values are looked for in patches and taken out of texts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What may push to a forge, and comment there. It is read when it is needed, and kept nowhere. */
  readonly forgeToken?: (forge: Pick<RepositoryAddress, "origin">) => string | undefined;
  /** Interrupts: the lease is given back, and the run can be resumed. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onAgentEvent?: (event: AgentEvent) => void;
  /** Told once the run is open: from here on it can be resumed by this id. */
  readonly onOpen?: (runId: string) => void;
  readonly approve?: (request: ApprovalRequest) => Promise<ApprovalDecision>;
  /** For tests. */
  readonly clients?: RuntimeClients;
  readonly pause?: Pause;
  readonly nowMs?: () => number;
};

/**
 * `needs_review` and `stopped` runs go on later: the one by a person's word, the
 * other by being resumed.
 */
export type RunState = "succeeded" | "failed" | "canceled" | "needs_review" | "stopped";

export type RunOutcome = {
  readonly runId: string;
  readonly state: RunState;
  readonly attempts: number;
  readonly agentName: string;
  /** Of the last attempt that was checked. */
  readonly verification: VerificationResult | undefined;
  readonly settlement: Settlement | undefined;
  readonly providerWorkerId: string | undefined;
  /** Over all attempts: providers, second opinions and operator fees. */
  readonly spentMsats: bigint;
  readonly budgetMsats: bigint;
  /** Set aside still, or asked for without an answer. A run that ended so is closed by `cancelRun` or `resumeRun`. */
  readonly openMsats: bigint;
  /** The patch was rejected because the run ended, before a person looked at it. */
  readonly unseen: boolean;
  /** Absent as long as the run goes on, and when the bundle could not be written; `problem` says why then. */
  readonly bundleDir: string | undefined;
  /** In the user's repository; only when the patch is proven or accepted. */
  readonly branch: string | undefined;
  /** The repository that the branch is in. */
  readonly branchRepo: string | undefined;
  /** Its address, where one was asked for and opened. */
  readonly pullRequestUrl: string | undefined;
  /** The patch of the last attempt, by the file that holds it. */
  readonly patchFile: string | undefined;
  readonly problem: RunProblem | undefined;
};

/** For each command of the check. */
export const DEFAULT_LIMITS: SandboxLimits = {
  wallMs: 300_000n,
  cpuMs: 600_000n,
  memoryMib: 1_024,
  pids: 256,
  diskMib: 1_024,
  outputBytes: 1_048_576n,
};
