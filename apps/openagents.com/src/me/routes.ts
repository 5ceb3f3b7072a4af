// Who calls, where they are signed in, and the end of that.

import type { Authority } from "@openagents/authority";
import {
  Me,
  ProblemError,
  bind,
  type Binding,
  type CommandCall,
  type Principal,
  type RevokeMySessionResponse,
  type RevokeMySessionsResponse,
  type Session,
} from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { auditWrite } from "../audit/index.ts";
import { findDeviceOwner } from "../devices/index.ts";
import { isFresh, type Identity, type SessionSummary, type SignInMethod } from "../identity/index.ts";
import { findPerson, listMemberships, orgMembershipMessage, personMessage } from "../orgs/index.ts";
import { endFamily } from "../refresh/index.ts";
import type { Revocations } from "../revocations/index.ts";
import { deleteSessions } from "./store.ts";

export type MeDeps = {
  readonly db: Queryable;
  readonly authority: Authority;
  readonly revocations: Revocations;
  readonly identity: Pick<Identity, "listSessions">;
  readonly nowMs: () => number;
};

export function meRoutes(deps: MeDeps): Binding {
  const { db, identity, nowMs } = deps;
  return bind(Me, {
    async getMe(_request, { principal }) {
      const userId =
        principal.kind === "device" ? await findDeviceOwner(db, principal.org, principal.id) : principal.id;
      const person = userId === undefined ? undefined : await findPerson(db, userId);
      const isPerson = principal.kind === "user" && person !== undefined;
      const memberships = isPerson ? await listMemberships(db, person.userId) : [];
      return {
        principal: principal.id,
        kind: principal.kind,
        orgId: principal.org,
        scopes: [...principal.scopes].sort(),
        person: person === undefined ? undefined : personMessage(person),
        memberships: memberships.map(orgMembershipMessage),
        fresh: freshness(principal, nowMs()),
      };
    },

    async listMySessions(_request, { principal }) {
      const { id, session } = requirePerson(principal);
      const sessions = await identity.listSessions(id);
      return { sessions: sessions.map((each) => sessionMessage(each, session)) };
    },

    revokeMySession: (request, call) => {
      const { id } = requirePerson(call.principal);
      return endSessions<RevokeMySessionResponse>(deps, call, request, {
        userId: id,
        only: request.sessionId,
      });
    },

    revokeMySessions: (request, call) => {
      const { id, session } = requirePerson(call.principal);
      const except = request.keepCurrent ? session : undefined;
      return endSessions<RevokeMySessionsResponse>(deps, call, request, { userId: id, except });
    },
  });
}

type Which = {
  readonly userId: string;
  readonly only?: string | undefined;
  readonly except?: string | undefined;
};

/** Sessions, their refresh tokens and their access tokens end together, or none does. */
function endSessions<Response extends RevokeMySessionResponse>(
  { authority, revocations }: MeDeps,
  call: CommandCall,
  request: unknown,
  which: Which,
) {
  return authority.execute<Response | RevokeMySessionsResponse>(call, request, async (command) => {
    const sids = await deleteSessions(command.tx, which);
    if (which.only !== undefined && sids.length === 0) {
      const detail = "The session has ended already, or is none of yours.";
      return { kind: "refused", rule: "state", reason: "session_ended", detail };
    }
    const nowMs = command.nowMs();
    const targets = sids.map((value) => ({ by: "sid" as const, value }));
    const facts = { reason: "signed_out", revoked: targets };
    const receipt = command.seal("openagents.control.access_revoked.v1", which.userId, facts, nowMs);
    const receiptId = receipt.receipt_id;
    const details = { sessions: String(sids.length) };
    const audit = { action: "session.revoked", subject: which.only ?? which.userId, details, receiptId };
    const stopped = revocations.revoke(targets, nowMs);
    return {
      kind: "answer",
      output: { ended: sids.length, receiptId },
      writes: [
        ...sids.map((sid) => endFamily(sid, "signed_out", nowMs)),
        auditWrite(call, audit, nowMs),
        ...stopped.writes,
      ],
      afterCommit: stopped.afterCommit,
    };
  });
}

function freshness({ kind, authenticatedAtMs, authenticatedBy = [] }: Principal, nowMs: number): boolean {
  if (kind !== "user" || authenticatedAtMs === undefined) return false;
  return isFresh({ authenticatedAtMs, methods: authenticatedBy as SignInMethod[] }, nowMs);
}

function requirePerson(principal: Principal): Principal {
  if (principal.kind === "user" && principal.actingFor === undefined) return principal;
  throw new ProblemError({
    status: 403,
    code: "person_required",
    detail: `Persons have sessions; this token is a ${principal.kind}'s.`,
  });
}

function sessionMessage(session: SessionSummary, current: string | undefined): Session {
  return {
    sessionId: session.sessionId,
    createdAt: session.createdAtMs,
    authenticatedAt: session.authenticatedAtMs,
    expiresAt: session.expiresAtMs,
    methods: session.methods,
    userAgent: session.userAgent,
    address: session.address,
    current: session.sessionId === current,
  };
}
