export { insertStatementLines } from "./provider-lines.ts";
export { statementRoutes } from "./routes.ts";
export { withBalances, type StatementLine } from "./statement-line.ts";
export { describeWithheld } from "./withheld-words.ts";
