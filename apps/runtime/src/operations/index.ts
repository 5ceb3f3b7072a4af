export { operationsRoutes, type OperationsDeps } from "./routes.ts";
