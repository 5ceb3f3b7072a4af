import assert from "node:assert/strict";
import { test } from "node:test";
import { loadJournal } from "./journal.ts";
import { RUN_ID, sessionOn } from "./order-fixture.ts";
import { openSession } from "./session.ts";

test("a run is gone on with from what the holder before has left, and no earlier holder writes any more", async (t) => {
  const { session } = await sessionOn(t, { attempts: [] });
  const { clients, deps, folder, journal: before } = session;
  const lease = { executorId: "exe_1", epoch: 2n, expiresAt: 0, renewEveryMs: 10_000n };
  const runs = {
    ...clients.runs,
    async acquireExecutor() {
      // While we wait for the lease, its holder goes on.
      await before.save({ branch: "openagents/x" });
      return { lease };
    },
    releaseExecutor: async () => ({ runId: RUN_ID }),
  };
  const next = await openSession({ ...deps, clients: { ...clients, runs } }, RUN_ID);
  try {
    assert.equal(next.journal.current.branch, "openagents/x");
    await assert.rejects(before.save({ branch: "openagents/y" }), { code: "executor_fenced" });
    assert.deepEqual((await loadJournal(folder, RUN_ID)).current, next.journal.current);
  } finally {
    await next.hold.release();
  }
});
