import type { FieldError } from "./gen/openagents/protocol/v1/problem_oa.ts";

/** A value that breaks the contract. Field paths are the wire's, such as `files[3].sha256`. */
export class InvalidMessageError extends Error {
  readonly fieldErrors: readonly FieldError[];

  constructor(fieldErrors: readonly FieldError[]) {
    const [first] = fieldErrors;
    super(first === undefined ? "The message is invalid." : `${first.field || "message"}: ${first.message}`);
    this.name = "InvalidMessageError";
    this.fieldErrors = fieldErrors;
  }
}
