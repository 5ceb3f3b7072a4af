// Whether a caller may read a stream, asked of whoever keeps it.

import { ProblemError, Streams, createClient, methodsOf, type Principal } from "@openagents/contracts";
import { statement, type Queryable } from "@openagents/postgres";
import type { Signer } from "../tokens/index.ts";
import { decideStream } from "./decide-stream.ts";

export type StreamAccess = {
  /** Throws 503 `stream_owner_unavailable` when whoever keeps it does not answer. */
  mayRead(principal: Principal, text: string): Promise<boolean>;
};

export type StreamAccessDeps = {
  readonly db: Queryable;
  readonly signer: Signer;
  /** Undefined where the token is not to be had. */
  readonly runtimeUrl: string;
};

const FIND_TENANT = statement(
  "policy.find_tenant",
  "SELECT tenant FROM sync.stream_heads WHERE stream_id = $1",
);

const ANSWER_MS_MAX = 3_000;

const READ_EVENTS = methodsOf(Streams).find((method) => method.localName === "listStreamEvents");

export function createStreamAccess({ db, signer, runtimeUrl }: StreamAccessDeps): StreamAccess {
  async function isOwn(streamId: string, tenants: readonly string[]): Promise<boolean> {
    const [head] = await db.query<{ tenant: string }>(FIND_TENANT, [streamId]);
    return head !== undefined && tenants.includes(head.tenant);
  }

  /** As the caller would: the runtime answers what it would answer the caller, and 404 for what is another's. */
  async function runtimeShows(principal: Principal, streamId: string): Promise<boolean> {
    if (READ_EVENTS === undefined || !principal.scopes.has(READ_EVENTS.scope)) return false;
    const token = await signer.access(
      {
        sub: "svc_control",
        act: principal.actingFor ?? principal.id,
        org: principal.org,
        scopes: [READ_EVENTS.scope],
        zone: "1",
        sid: principal.session ?? principal.tokenId,
        method: READ_EVENTS.name,
      },
      30,
    );
    const client = createClient(Streams, { baseUrl: runtimeUrl, token, timeoutMs: ANSWER_MS_MAX });
    try {
      await client.listStreamEvents({ streamId, limit: 1 });
      return true;
    } catch (error) {
      if (error instanceof ProblemError && error.status === 404) return false;
      // Older events are not kept any more: it is there, and the caller's.
      if (error instanceof ProblemError && error.code === "stale_cursor") return true;
      throw new ProblemError({
        status: 503,
        code: "stream_owner_unavailable",
        detail: "The runtime, which knows whose the stream is, does not answer now. Try again shortly.",
        retryAfterMs: 1_000,
        cause: error,
      });
    }
  }

  return {
    async mayRead(principal, text) {
      const decision = decideStream(principal, text);
      if (decision === "ask_control")
        return isOwn(text, [principal.org, principal.actingFor ?? principal.id]);
      if (decision === "ask_runtime") return runtimeShows(principal, text);
      return decision === "allowed";
    },
  };
}
