export { escrowAccount, orgAccount } from "./accounts.ts";
export { grantDemoCredit } from "./grants.ts";
export { reserveCompute } from "./reserve.ts";
export { treasuryRoutes, type TreasuryRoutesDeps } from "./routes.ts";
export { openTransferBatch } from "./transfer-batch.ts";
