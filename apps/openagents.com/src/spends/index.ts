export { spendRoutes } from "./routes.ts";
