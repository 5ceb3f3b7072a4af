import { Autopilots, bind, type Binding } from "@openagents/contracts";
import { PAGE_DEFAULT, decodeCursor, encodeCursor, notFound } from "@openagents/service";
import { autopilotMessage } from "./autopilot.ts";
import { createAutopilot, updateAutopilot, type AutopilotDeps } from "./service.ts";
import { findAutopilot, listAutopilots } from "./store.ts";

/** Sorts after every id. */
const AFTER_ALL = "apl_g";

export function autopilotRoutes(deps: AutopilotDeps): Binding {
  return bind(Autopilots, {
    createAutopilot: (request, call) => createAutopilot(deps, call, request),
    updateAutopilot: (request, call) => updateAutopilot(deps, call, request),

    async listAutopilots(request, call) {
      const before =
        request.cursor === undefined ? AFTER_ALL : decodeCursor(request.cursor, /^apl_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const owner = await deps.personOf(deps.db, call.principal);
      const found = await listAutopilots(deps.db, call.principal.org, owner, before, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        autopilots: page.map(autopilotMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.autopilotId),
      };
    },

    async getAutopilot({ autopilot: ref }, call) {
      const owner = await deps.personOf(deps.db, call.principal);
      const found = await findAutopilot(deps.db, call.principal.org, owner, ref);
      if (found === undefined) throw notFound("autopilot", ref);
      return { autopilot: autopilotMessage(found) };
    },
  });
}
