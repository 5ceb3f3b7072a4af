export { escrowAccount, orgAccount } from "./accounts.ts";
export { treasuryRoutes, type TreasuryRoutesDeps } from "./routes.ts";
