// What is written down of a change that better-auth has made.

import type { AuditEntry } from "./identity.ts";
import type { SessionInfo } from "./session.ts";
import type { AuthRoute } from "./surface.ts";

export type Aftermath = Omit<AuditEntry, "occurredAtMs" | "address">;

/** Undefined for a route that changes nothing worth telling, and for nobody's request. */
export function auditOf(route: AuthRoute, session: SessionInfo | undefined): Aftermath | undefined {
  if (route.audit === undefined || session === undefined) return undefined;
  return { action: route.audit, actorId: session.userId, subjectId: session.userId };
}
