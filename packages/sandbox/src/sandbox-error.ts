export type SandboxErrorCode =
  /** This machine cannot confine commands; the message has the command that fixes it. */
  | "sandbox_unavailable"
  /** The request breaks a rule that the message names. */
  | "sandbox_request_invalid"
  /** The tree does not fit into the work folder. */
  | "sandbox_tree_too_large"
  /** The sandbox itself broke while it was set up. The command did not run. */
  | "sandbox_failed";

/** A run that did not happen. Never about what a command did. */
export class SandboxError extends Error {
  readonly code: SandboxErrorCode;

  constructor(code: SandboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SandboxError";
    this.code = code;
  }
}
