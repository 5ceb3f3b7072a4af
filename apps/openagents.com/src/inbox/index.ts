export type { Approval, ApprovalDraft } from "./approval.ts";
export { assertRoom, openApproval, useApproval, type ApprovalUse } from "./approvals.ts";
export { decideApproval, withdrawApproval, type Consequence, type DecisionSink } from "./decide.ts";
export { startExpiry } from "./expire.ts";
export { inboxRoutes } from "./routes.ts";
export { lockApproval } from "./store.ts";
