import { Projectors, bind, type Binding } from "@openagents/contracts";
import { decideDrift } from "./drift.ts";
import { emptyProjection, projectOn } from "./project.ts";
import { projectionNow, rebuildProjection, requireRun, type ProjectionsDeps } from "./service.ts";
import { findProjection, listProjections } from "./store.ts";
import { summaryMessage, topicOf } from "./wire.ts";

const SUMMARIES_MAX = 200;

export function projectorRoutes(deps: ProjectionsDeps): Binding {
  const { db } = deps;
  return bind(Projectors, {
    async getCheckpoint({ runId }, call) {
      const run = await requireRun(db, call.principal.org, runId);
      const stored = await findProjection(db, run.org, runId);
      if (stored === undefined) return {};
      const checkpoint = {
        topic: topicOf(runId),
        lastSeq: stored.lastSeq,
        lastEventType: stored.summary.last_event_type,
        updatedAt: stored.updatedAtMs,
      };
      return { checkpoint };
    },

    async getRunSummary({ runId }, call) {
      const run = await requireRun(db, call.principal.org, runId);
      return { summary: summaryMessage(await projectionNow(db, run)) };
    },

    async listRunSummaries({ newestRunId, oldestRunId }, call) {
      const { org } = call.principal;
      const found = await listProjections(db, org, newestRunId, oldestRunId, SUMMARIES_MAX);
      return { summaries: found.map(summaryMessage) };
    },

    async getDrift({ runId }, call) {
      const run = await requireRun(db, call.principal.org, runId);
      const stored = await findProjection(db, run.org, runId);
      const isReached = stored !== undefined && stored.lastSeq <= run.latestSeq;
      const computed = isReached ? await projectOn(db, emptyProjection(run), stored.lastSeq) : undefined;
      const reason = decideDrift(stored, run.latestSeq, computed);
      return {
        topic: topicOf(runId),
        // What is not projected yet has not drifted: it is behind.
        drifted: reason !== "none" && reason !== "not_projected",
        reason,
        expectedNextSeq: (stored?.lastSeq ?? run.fork?.seq ?? 0n) + 1n,
        latestSeq: run.latestSeq,
        storedHash: stored?.hash,
        computedHash: computed?.hash,
      };
    },

    rebuildProjection: (request, call) => rebuildProjection(deps, call, request),
  });
}
