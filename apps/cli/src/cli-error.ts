/** How a command ends, for scripts. `openagents help exit-codes` explains them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  undecided: 2,
  usage: 2,
  needsReview: 3,
  interrupted: 130,
} as const;

/** Something a person can act on: what went wrong and why, and the next step. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: string;
  readonly nextStep: string | undefined;
  readonly exitCode: number;

  constructor(
    code: string,
    message: string,
    options: { nextStep?: string; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.nextStep = options.nextStep;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}
