/**
 * What a person can act on: `code` is stable, `message` says what and why in one
 * sentence, `nextStep` what to do about it.
 */
export class StackError extends Error {
  override readonly name = "StackError";
  readonly code: string;
  readonly nextStep: string;

  constructor(code: string, message: string, nextStep: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.nextStep = nextStep;
  }
}
