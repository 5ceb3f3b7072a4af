import { Exports, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { findRun } from "../runs/index.ts";
import { exportMessage } from "./export.ts";
import { EXPORTS_MAX, beginExport, recordExportOutcome, requestExport, type ExportsDeps } from "./service.ts";
import { listExports } from "./store.ts";

export type ExportRoutesDeps = ExportsDeps & { readonly db: Database };

export function exportRoutes(deps: ExportRoutesDeps): Binding {
  return bind(Exports, {
    requestExport: (request, call) => requestExport(deps, call, request),
    beginExport: (request, call) => beginExport(deps, call, request),
    recordExportOutcome: (request, call) => recordExportOutcome(deps, call, request),

    async listExports(request, call) {
      const run = await findRun(deps.db, call.principal.org, request.runId);
      if (run === undefined) throw notFound("run", request.runId);
      return { exports: (await listExports(deps.db, run.runId, EXPORTS_MAX)).map(exportMessage) };
    },
  });
}
