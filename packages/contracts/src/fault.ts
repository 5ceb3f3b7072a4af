// A broken field on its way up. The path grows while the fault passes through
// the messages around it, so that the happy path builds no paths at all.

import { InvalidMessageError } from "./invalid-message.ts";

class Fault extends Error {
  readonly code: string;
  path = "";

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Throw this for a value that breaks a rule; `message` reads on from the field's name. */
export function fault(code: string, message: string): Error {
  return new Fault(code, message);
}

/** Note where a fault passed; other errors stay as they are. */
export function located(error: unknown, segment: string): unknown {
  if (error instanceof Fault) error.path = segment + error.path;
  return error;
}

/** Run a check inside a member of the value. */
export function within(segment: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw located(error, segment);
  }
}

/** Turn a fault into the public error; other errors stay as they are. */
export function published(error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  const field = error.path.startsWith(".") ? error.path.slice(1) : error.path;
  return new InvalidMessageError([{ field, code: error.code, message: `It ${error.message}.` }]);
}
