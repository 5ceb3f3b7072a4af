export { noteUse, resolveApiKey, type ResolvedKey } from "./resolve.ts";
export { apiKeyRoutes } from "./routes.ts";
