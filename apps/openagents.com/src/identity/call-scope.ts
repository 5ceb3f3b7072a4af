// What the hooks of better-auth need to know of the request that they run in,
// and cannot be told by better-auth.

import { AsyncLocalStorage } from "node:async_hooks";

export type CallScope = {
  readonly address: string;
  /** Why the mail of this request did not leave; better-auth would swallow it. */
  mailFailure?: unknown;
};

export const callScope = new AsyncLocalStorage<CallScope>();
