// What codex may ask, and what it hears: a person's word where a person is
// there, and no to everything else.

import type { AgentTask, ApprovalRequest } from "../agent.ts";
import type { Narrator } from "./narrator.ts";
import { parseAsked } from "./protocol.ts";

export function createAnswers(
  { approve, onEvent }: Pick<AgentTask, "approve" | "onEvent">,
  narrator: Pick<Narrator, "filesOf">,
): (method: string, params: unknown) => Promise<object | undefined> {
  async function decide(request: ApprovalRequest): Promise<object> {
    const decision = approve === undefined ? "decline" : await approve(request);
    await onEvent({ type: "approval", what: request.what, decision });
    return { decision };
  }

  return async (method, params) => {
    switch (method) {
      case "item/commandExecution/requestApproval": {
        const { command = "a command that codex does not name", reason } = parseAsked(params, method);
        return decide({ what: `run outside of the sandbox: ${command}`, ...(reason && { reason }) });
      }
      case "item/fileChange/requestApproval": {
        const { itemId, reason } = parseAsked(params, method);
        const files = narrator.filesOf(itemId).join(", ") || "files that codex does not name";
        return decide({ what: `change outside of what is allowed: ${files}`, ...(reason && { reason }) });
      }
      case "item/permissions/requestApproval":
        // Standing permissions are never given: each step outside is asked for by itself.
        await onEvent({ type: "approval", what: "more permissions for the turn", decision: "decline" });
        return { permissions: {}, scope: "turn" };
      case "item/tool/requestUserInput":
        return { answers: {} };
      case "mcpServer/elicitation/request":
        return { action: "decline", content: null, _meta: null };
      default:
        return undefined;
    }
  };
}
