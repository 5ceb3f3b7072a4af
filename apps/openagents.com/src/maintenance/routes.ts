import { getMode, type Authority } from "@openagents/authority";
import { Maintenance, bind, type Binding } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { setMaintenance } from "./maintenance.ts";

export function maintenanceRoutes(deps: { readonly db: Queryable; readonly authority: Authority }): Binding {
  return bind(Maintenance, {
    async getMaintenance() {
      const { mode, reason, changedAtMs } = await getMode(deps.db);
      const active = mode === "read_only";
      return { active, reason, since: active ? changedAtMs : undefined };
    },

    setMaintenance: (request, call) => setMaintenance(deps.authority, call, request),
  });
}
