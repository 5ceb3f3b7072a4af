export type { SpendRefusal } from "./decide-spend.ts";
export { judgeSpend } from "./judge-spend.ts";
export { spendRoutes } from "./routes.ts";
