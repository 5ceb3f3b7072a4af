export {
  AgentError,
  type Agent,
  type AgentEvent,
  type AgentOutcome,
  type AgentTask,
  type AgentWorkspace,
  type FileChange,
} from "./agent.ts";
export { scriptedAgent } from "./scripted-agent.ts";
