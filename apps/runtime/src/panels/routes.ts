import { Panels, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import type { RateLimits } from "../rate-limits/index.ts";
import { adjudicatePanel } from "./adjudicate-panel.ts";
import { concludePanel } from "./conclude-panel.ts";
import { panelMessage } from "./panel.ts";
import { quotePanel, type QuotePanelDeps } from "./quote-panel.ts";
import { findPanel, listCopies } from "./store.ts";

export type PanelRoutesDeps = QuotePanelDeps & { readonly db: Database; readonly limits: RateLimits };

export function panelRoutes(deps: PanelRoutesDeps): Binding {
  const quoting = { ...deps, authority: deps.limits.over(deps.authority, "quotes") };
  return bind(Panels, {
    quotePanel: (request, call) => quotePanel(quoting, call, request),
    decidePanel: (request, call) => concludePanel(deps, call, request),
    adjudicatePanel: (request, call) => adjudicatePanel(deps, call, request),

    async getPanel({ panelId }, call) {
      const panel = await findPanel(deps.db, panelId);
      if (panel === undefined || panel.org !== call.principal.org) throw notFound("panel", panelId);
      return { panel: panelMessage(panel, await listCopies(deps.db, panelId)) };
    },
  });
}
