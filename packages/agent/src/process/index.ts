export { spawnAgentProcess, type AgentProcess } from "./agent-process.ts";
export { plainEnvironment } from "./plain-environment.ts";
