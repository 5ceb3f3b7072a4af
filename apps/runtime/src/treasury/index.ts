export { earningsAccount, escrowAccount, orgAccount } from "./accounts.ts";
export { grantDemoCredit } from "./grants.ts";
export { reserveCompute } from "./reserve.ts";
export { startReconciler, type ReconcilerDeps } from "./reconciler.ts";
export { findSettlement, settlementMessage } from "./settlement.ts";
export { treasuryRoutes, type TreasuryRoutesDeps } from "./routes.ts";
export { loadSpends, openTransferBatch } from "./transfer-batch.ts";
export { settleSandboxRun } from "./settle.ts";
