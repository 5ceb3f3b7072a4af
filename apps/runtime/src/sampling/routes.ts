import { Sampling, bind, type Binding } from "@openagents/contracts";
import { decodeCursor, encodeCursor, PAGE_DEFAULT } from "@openagents/service";
import { seedMessage } from "./seed.ts";
import { openSeed, revealSeed, type SamplingDeps } from "./service.ts";
import { listSeeds } from "./store.ts";

/** Sorts after every seed id. */
const AFTER_ALL_SEEDS = "seed_g";

export function samplingRoutes(deps: SamplingDeps): Binding {
  return bind(Sampling, {
    async listSamplingSeeds(request) {
      const before =
        request.cursor === undefined ? AFTER_ALL_SEEDS : decodeCursor(request.cursor, /^seed_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listSeeds(deps.db, before, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        seeds: page.map(seedMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.seedId),
      };
    },
    openSamplingSeed: (request, call) => openSeed(deps, call, request),
    revealSamplingSeed: (request, call) => revealSeed(deps, call, request),
  });
}
