export { codexAgent, type CodexOptions } from "./codex-agent.ts";
export { codexBinary } from "./codex-binary.ts";
export type { CodexSettings } from "./settings.ts";
