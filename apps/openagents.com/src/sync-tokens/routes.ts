// Tokens of the sync lane: what the caller may read is found out first, and the
// token is signed then.

import { ProblemError, SyncTokens, bind, type Binding } from "@openagents/contracts";
import type { StreamAccess } from "../policy/index.ts";
import { SYNC_SCOPES } from "../scopes/index.ts";
import { SYNC_LIFE_S_MAX, type Signer } from "../tokens/index.ts";

export type SyncTokenDeps = {
  readonly streamAccess: StreamAccess;
  readonly signer: Signer;
  readonly syncUrl: string;
  readonly nowMs: () => number;
};

/** So long before its end a client gets the next one. */
const AHEAD_S = 30;

export function syncTokenRoutes({ streamAccess, signer, syncUrl, nowMs }: SyncTokenDeps): Binding {
  return bind(SyncTokens, {
    async createSyncToken({ streams, ttlSeconds = SYNC_LIFE_S_MAX }, { principal }) {
      for (const stream of streams) {
        if (!(await streamAccess.mayRead(principal, stream))) throw denied(stream);
      }
      const atMs = nowMs();
      const claims = {
        sub: principal.id,
        org: principal.org,
        scopes: SYNC_SCOPES,
        streams,
        // What ends the access token ends this one.
        sid: principal.session ?? principal.tokenId,
      };
      const token = await signer.sync(claims, ttlSeconds);
      const expiresAt = (Math.floor(atMs / 1000) + ttlSeconds) * 1000;
      const refreshAt = Math.max(atMs, expiresAt - Math.min(AHEAD_S, ttlSeconds / 2) * 1000);
      return { token, syncUrl, expiresAt, refreshAt, streams };
    },
  });
}

/** The same for a stream of another and for one that is not there: a caller may not learn which. */
function denied(stream: string): ProblemError {
  return new ProblemError({
    status: 403,
    code: "stream_denied",
    reason: stream,
    detail: `There is no stream ${stream} that you may read.`,
  });
}
