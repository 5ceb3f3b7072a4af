import { Tools, bind, type Binding } from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { findAutopilot } from "../autopilots/index.ts";
import { executeTool, executionView, type ToolDeps } from "./service.ts";
import { findExecution } from "./store.ts";
import { TOOLS, argumentsSchema } from "./tool.ts";

export function toolRoutes(deps: ToolDeps): Binding {
  const { db } = deps;
  return bind(Tools, {
    executeTool: (request, call) => executeTool(deps, call, request),

    async listToolPacks() {
      return {
        tools: TOOLS.map((tool) => ({
          tool: tool.name,
          description: tool.description,
          writes: tool.writes,
          argumentsSchema: argumentsSchema(tool),
        })),
      };
    },

    async getToolExecution({ executionId }, { principal }) {
      const owner = await deps.personOf(db, principal);
      const found = await findExecution(db, executionId);
      const autopilot =
        found === undefined ? undefined : await findAutopilot(db, principal.org, owner, found.autopilotId);
      if (found === undefined || autopilot === undefined) throw notFound("execution", executionId);
      return { execution: await executionView(db, found) };
    },
  });
}
