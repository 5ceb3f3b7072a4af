// What went wrong with a statement, as far as it decides what to do next.

/** The transaction may be run again as a whole: serialization failure or deadlock. */
export function isRetryable(error: unknown): boolean {
  return hasCode(error, "40001") || hasCode(error, "40P01");
}

export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return hasCode(error, "23505") && (constraint === undefined || constraintOf(error) === constraint);
}

export function isCheckViolation(error: unknown, constraint?: string): boolean {
  return hasCode(error, "23514") && (constraint === undefined || constraintOf(error) === constraint);
}

/** The statement was not run because an earlier one of its transaction had failed. */
export function isAbortedTransaction(error: unknown): boolean {
  return hasCode(error, "25P02");
}

/** The connection was lost, refused, or not to be had in time. What it ran last may have happened. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

export function isConnectionLoss(error: unknown): boolean {
  return error instanceof ConnectionLost;
}

/** Errors of pg and of sockets that mean that a connection is gone, as `ConnectionLost`; others as they are. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ConnectionLost) return error;
  const code = "code" in error ? String(error.code) : "";
  const lost =
    // Class 08: connection exceptions; 57P01–57P05: shutdown, crash, not yet up, dropped, idle; 53300: too many.
    /^08|^57P0|^53300$/.test(code) ||
    /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND)$/.test(code) ||
    /Connection terminated|not queryable|timeout exceeded when trying to connect|Client was closed/.test(
      error.message,
    );
  return lost ? new ConnectionLost("the connection to the database was lost", { cause: error }) : error;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function constraintOf(error: unknown): unknown {
  return error instanceof Error && "constraint" in error ? error.constraint : undefined;
}
