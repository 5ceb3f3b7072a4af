export {
  AgentError,
  type Agent,
  type AgentEvent,
  type AgentKind,
  type AgentOutcome,
  type AgentTask,
  type AgentWorkspace,
  type ApprovalDecision,
  type ApprovalRequest,
  type FileChange,
} from "./agent.ts";
export { createRedactor, secretsOf } from "./redact/index.ts";
export { scriptedAgent } from "./scripted-agent.ts";
export { codexAgent, codexBinary, type CodexOptions, type CodexSettings } from "./codex/index.ts";
export { acpAgent, type AcpOptions } from "./acp/index.ts";
export { agentFrom, type AgentFromOptions } from "./agent-from.ts";
