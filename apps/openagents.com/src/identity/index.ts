export { createIdentity, type IdentityDeps } from "./create-identity.ts";
export type { AuditEntry, AuditSink, Identity, IdentityEvents } from "./identity.ts";
export { parseRole } from "./roles.ts";
export {
  FRESH_MS,
  ROLES,
  isFresh,
  type Membership,
  type Role,
  type SessionInfo,
  type SessionSummary,
  type SignInMethod,
} from "./session.ts";
export type { Limits } from "./throttle.ts";
export { registerLocalLinkRequest } from "./local-link.ts";
