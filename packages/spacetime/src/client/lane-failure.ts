import type { StreamFailure } from "./stream.ts";

/** Stops a stream until it is tried again. */
export class LaneFailure extends Error {
  override readonly name = "LaneFailure";
  readonly reason: StreamFailure;

  constructor(reason: StreamFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
