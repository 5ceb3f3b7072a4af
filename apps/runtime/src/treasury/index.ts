export { treasuryRoutes, type TreasuryRoutesDeps } from "./routes.ts";
