export { auditWrite, controlAuditWrite, type AuditDraft } from "./audit.ts";
export { auditRoutes } from "./routes.ts";
export { identityAudit } from "./identity-audit.ts";
