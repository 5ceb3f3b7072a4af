/** What went wrong, by a stable code, and in words that name the rule and the next step. */
export class AutopilotError extends Error {
  override readonly name = "AutopilotError";
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
