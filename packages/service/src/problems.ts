import { ProblemError } from "@openagents/contracts";

/** 404. Also for what exists in another organisation: a caller may not learn that it does. */
export function notFound(noun: string, id: string): ProblemError {
  return new ProblemError({
    status: 404,
    code: `${noun}_not_found`,
    detail: `There is no ${noun} ${id} that you may see.`,
  });
}

/** 400 for a rule that the contract's field rules cannot say. */
export function invalidField(field: string, code: string, message: string): ProblemError {
  return new ProblemError({
    status: 400,
    code,
    detail: message,
    fieldErrors: [{ field, code, message }],
  });
}
