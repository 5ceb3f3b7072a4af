export { spawnAgentProcess, type AgentProcess } from "./agent-process.ts";
export { findProgram } from "./find-program.ts";
export { inOwnProcessSpace } from "./own-process-space.ts";
export { plainEnvironment } from "./plain-environment.ts";
