import { AutopilotError } from "../autopilot-error.ts";
import type { ForgeFailure } from "./forge.ts";

/** A forge said no, or its answer was lost. */
export class ForgeError extends AutopilotError {
  readonly failure: ForgeFailure;
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(code: string, message: string, failure: ForgeFailure, status?: number, cause?: unknown) {
    super(code, message, { cause });
    this.failure = failure;
    this.status = status;
  }
}
