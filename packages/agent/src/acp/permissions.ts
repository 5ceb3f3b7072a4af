// What an ACP agent hears when it asks for permission: a person's word for this
// once, and no where nobody is there. A standing permission is never given.

import type { RequestPermissionRequest, RequestPermissionResponse } from "@agentclientprotocol/sdk";
import type { AgentTask } from "../agent.ts";
import type { AcpNarrator } from "./acp-narrator.ts";

export async function answerPermission(
  { toolCall, options }: RequestPermissionRequest,
  { approve }: Pick<AgentTask, "approve">,
  narrator: Pick<AcpNarrator, "tell">,
): Promise<RequestPermissionResponse> {
  const paths = (toolCall.locations ?? []).map(({ path }) => path);
  const what = [toolCall.title ?? toolCall.kind ?? "something that the agent does not name", ...paths].join(
    " ",
  );
  const allow = options.find(({ kind }) => kind === "allow_once");
  const asked = approve === undefined || allow === undefined ? "decline" : await approve({ what });
  await narrator.tell({ type: "approval", what, decision: asked });
  const chosen = asked === "accept" ? allow : options.find(({ kind }) => kind === "reject_once");
  if (chosen === undefined) return { outcome: { outcome: "cancelled" } };
  return { outcome: { outcome: "selected", optionId: chosen.optionId } };
}
