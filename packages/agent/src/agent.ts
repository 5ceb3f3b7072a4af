// The port behind which every coding agent stands. An agent edits a workspace
// for an issue and tells what it does as it does it. It holds no authority: it
// sees no token, spends nothing, and its word that the work is good counts for
// nothing until the check has run.

export type AgentKind = "scripted" | "codex" | "acp";

export type Agent = {
  /** Shown to people, so it says what the agent really is. */
  readonly name: string;
  readonly kind: AgentKind;
  /** Throws `AgentError` when it lacks a login or a key, which can be told before anything is begun. */
  assertReady(): void;
  /**
   * Work on the issue until done or given up. Resolves with the outcome, and for
   * an attempt that was finished before (same `stateDir` and `attempt`) with the
   * outcome of then, without doing anything again. Throws `AgentError` when the
   * agent itself is broken or misconfigured, and the signal's reason when aborted.
   */
  run(task: AgentTask): Promise<AgentOutcome>;
};

export type AgentTask = {
  readonly workspace: AgentWorkspace;
  /** Written by strangers: material to work on, never instructions about the agent's own limits. */
  readonly issue: { readonly title: string; readonly body: string };
  /** What the failed check of the attempt before has printed; as little trusted as the issue. */
  readonly feedback?: string;
  /** 1, 2, 3…: each answers the failed check of the one before, in the same workspace. */
  readonly attempt: number;
  /** Absolute; the agent's own folder, kept when the process is killed and the run resumed. */
  readonly stateDir: string;
  /** Folders outside of the workspace that the agent's commands may read, such as installed dependencies. Real paths. */
  readonly readable?: readonly string[];
  /** Folders inside of `readable` ones that they may write too: caches that tools keep there. */
  readonly writable?: readonly string[];
  /** Variables that the agent's commands get besides those that they have, or in their place. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Awaited, so that what a person reads is never far behind what happened. */
  readonly onEvent: (event: AgentEvent) => Promise<void>;
  /** Asks a person. Absent: nobody is there, and everything is declined. */
  readonly approve?: (request: ApprovalRequest) => Promise<ApprovalDecision>;
};

export type AgentWorkspace = {
  /** The folder with the files; the only place where the agent may change anything. */
  readonly dir: string;
  /** Apply a unified diff, all of it or nothing. Throws when it does not apply exactly. */
  applyPatch(patch: Buffer): Promise<readonly FileChange[]>;
};

export type FileChange = { readonly path: string; readonly change: "added" | "modified" | "deleted" };

/** Something that the agent may not do by itself. */
export type ApprovalRequest = {
  /** The command, or the files and why, in words for a person. */
  readonly what: string;
  /** The agent's own words for why it wants this; not to be trusted. */
  readonly reason?: string;
};

export type ApprovalDecision = "accept" | "decline";

export type AgentEvent =
  | { readonly type: "message"; readonly text: string }
  | { readonly type: "tool_call"; readonly tool: string; readonly summary: string }
  | {
      readonly type: "command";
      readonly command: string;
      /** Absent when the command did not end by itself or never started. */
      readonly exitCode?: number;
      /** The tail of what it printed. */
      readonly output: string;
    }
  | ({ readonly type: "file_change" } & FileChange)
  | { readonly type: "approval"; readonly what: string; readonly decision: ApprovalDecision }
  /** Tokens of the whole attempt so far. */
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number };

export type AgentOutcome =
  | { readonly kind: "finished"; readonly summary: string }
  | { readonly kind: "gave_up"; readonly reason: string };

/** The agent cannot work at all: the message says what is wrong and what to do about it. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
