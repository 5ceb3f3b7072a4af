export { runProgram } from "./program.ts";
export type { Context } from "./context.ts";
