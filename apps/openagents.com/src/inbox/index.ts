export type { Approval, ApprovalDraft } from "./approval.ts";
export { openApproval, useApproval, type ApprovalUse } from "./approvals.ts";
export { startExpiry } from "./expire.ts";
export { inboxRoutes } from "./routes.ts";
