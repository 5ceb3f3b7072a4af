// What is written down of a change that better-auth has made, read off its answer.

import type { AuditEntry } from "./identity.ts";
import type { SessionInfo } from "./session.ts";
import { isBody, type AuthRoute, type Body } from "./surface.ts";

export type Aftermath = Omit<AuditEntry, "occurredAtMs" | "address"> & {
  /** Whose membership has changed, where it is not the actor's. */
  readonly memberId?: string;
};

/** Undefined for a route that changes nothing worth telling, and for nobody's request. */
export function auditOf(
  route: AuthRoute,
  session: SessionInfo | undefined,
  answer: unknown,
): Aftermath | undefined {
  if (route.audit === undefined || session === undefined) return undefined;
  const body = isBody(answer) ? answer : {};
  const member = isBody(body["member"]) ? body["member"] : body;
  const invitation = isBody(body["invitation"]) ? body["invitation"] : body;
  const id = text(body, "id");
  const org = id?.startsWith("org_") === true ? id : undefined;
  const orgId = org ?? text(member, "organizationId") ?? text(invitation, "organizationId");
  const memberId = text(member, "userId");
  const role = text(member, "role") ?? text(invitation, "role");
  return {
    action: route.audit,
    actorId: session.userId,
    subjectId: memberId ?? org ?? text(invitation, "id") ?? session.userId,
    ...(orgId === undefined ? {} : { orgId }),
    ...(memberId === undefined ? {} : { memberId }),
    ...(role === undefined ? {} : { details: { role } }),
  };
}

function text(body: Body, field: string): string | undefined {
  const value = body[field];
  return typeof value === "string" ? value : undefined;
}
