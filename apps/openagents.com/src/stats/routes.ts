import { ProblemError, PublicStats, bind, type Binding, type GetStatsResponse } from "@openagents/contracts";

export function statsRoutes(deps: { readonly latest: () => GetStatsResponse | undefined }): Binding {
  return bind(PublicStats, {
    async getStats() {
      const stats = deps.latest();
      if (stats !== undefined) return stats;
      throw new ProblemError({
        status: 503,
        code: "stats_unavailable",
        detail: "The runtime has not told the figures yet. They come once a minute; try again shortly.",
        retryAfterMs: 5_000,
      });
    },
  });
}
