export { acpAgent, type AcpOptions } from "./acp-agent.ts";
