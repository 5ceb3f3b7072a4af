// The port behind which every coding agent stands. An agent edits a workspace
// for an issue and tells what it does as it does it. It holds no authority: it
// sees no token, spends nothing, and its word that the work is good counts for
// nothing until the check has run.

/** An agent's name is shown to people, so it says what the agent really is. */
export type Agent = {
  readonly name: string;
  /**
   * Work on the issue until done or given up. Resolves with the outcome; throws
   * `AgentError` when the agent itself is broken or misconfigured, and the
   * signal's reason when it is aborted.
   */
  run(task: AgentTask): Promise<AgentOutcome>;
};

export type AgentTask = {
  readonly workspace: AgentWorkspace;
  /** Written by strangers: material to work on, never instructions about the agent's own limits. */
  readonly issue: { readonly title: string; readonly body: string };
  readonly signal: AbortSignal;
  /** Awaited, so that what a person reads is never far behind what happened. */
  readonly onEvent: (event: AgentEvent) => Promise<void>;
};

export type AgentWorkspace = {
  /** The folder with the files; the only place where the agent may write. */
  readonly dir: string;
  /** Apply a unified diff, all of it or nothing. Throws when it does not apply exactly. */
  applyPatch(patch: Buffer): Promise<readonly FileChange[]>;
};

export type FileChange = { readonly path: string; readonly change: "added" | "modified" | "deleted" };

export type AgentEvent =
  | { readonly type: "message"; readonly text: string }
  | { readonly type: "tool_call"; readonly tool: string; readonly summary: string }
  | ({ readonly type: "file_change" } & FileChange);

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
