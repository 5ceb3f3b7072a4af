export { createControl, MIGRATIONS, type Control, type ControlDeps } from "./app.ts";
export {
  configFromEnv,
  googleFromEnv,
  type ControlConfig,
  type MailSettings,
  type WorkOsSettings,
} from "./config.ts";
export {
  FRESH_MS,
  ROLES,
  isFresh,
  type AuditEntry,
  type AuditSink,
  type Identity,
  type IdentityEvents,
  type Membership,
  type Role,
  type SessionInfo,
  type SessionSummary,
  type SignInMethod,
} from "./identity/index.ts";
