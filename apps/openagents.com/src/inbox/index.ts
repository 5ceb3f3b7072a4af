export type { Approval, ApprovalDraft } from "./approval.ts";
export { agreedOrAsked, assertRoom, openApproval, useApproval } from "./approvals.ts";
export { decideApproval, withdrawApproval, type Consequence, type DecisionSink } from "./decide.ts";
export { startExpiry } from "./expire.ts";
export { inboxRoutes } from "./routes.ts";
export { lockApproval } from "./store.ts";
