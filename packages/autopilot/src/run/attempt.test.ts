import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppendRunEventRequest, RunEvent } from "@openagents/contracts";
import type { Workspace } from "../workspace/index.ts";
import { takePatch } from "./attempt.ts";
import { patchFile, sha256Of } from "./run-files.ts";
import { writeDurably } from "../write-durably.ts";
import { RUN_ID, sessionOn } from "./order-fixture.ts";
import { openRunLog } from "./run-log.ts";

const PATCH = Buffer.from("a patch\n");
const FORBIDDEN = () => Promise.reject(new Error("the patch was taken before"));
const NO_WORKSPACE: Workspace = {
  dir: "/nonexistent",
  base: { commit: "", tree: "", bundleFile: "", gitDir: "" },
  diff: FORBIDDEN,
  applyPatch: FORBIDDEN,
};

function eventOf(seq: number, eventType: string): RunEvent {
  return { seq: BigInt(seq), eventType, payload: { attempt: 1 }, payloadHash: "", recordedAt: 0 };
}

test("the log has each patch once, whenever the process was killed after it was taken", async (t) => {
  for (const told of [0, 1, 700]) {
    const kept = { patchSha256: sha256Of(PATCH), orders: [] };
    const { session } = await sessionOn(t, { attempts: [kept] });
    await writeDurably(patchFile(session.folder, 1), PATCH);
    const events = Array.from({ length: told }, (_, index) =>
      eventOf(index + 1, index === told - 1 ? "patch.made" : "agent.message"),
    );
    const appended: AppendRunEventRequest[] = [];
    const runs = {
      ...session.clients.runs,
      async listRunEvents({ afterSeq = 0n, limit = 100 }) {
        const page = events.slice(Number(afterSeq), Number(afterSeq) + limit);
        return { events: page, latestSeq: BigInt(told) };
      },
      async appendRunEvent(request: AppendRunEventRequest) {
        appended.push(request);
        return { event: eventOf(told + 1, "patch.made"), status: "running", trajectoryHash: "" } as const;
      },
    };
    const resumed = { ...session, clients: { ...session.clients, runs }, log: openRunLog(runs, RUN_ID, 1n) };
    const prepared = { workspace: NO_WORKSPACE, checkPaths: [] };
    assert.deepEqual(await takePatch(resumed, prepared, undefined), PATCH);
    await takePatch(resumed, prepared, undefined);
    assert.deepEqual(
      appended.map(({ eventType, payload }) => [eventType, payload["attempt"]]),
      told === 0 ? [["patch.made", 1]] : [],
    );
  }
});
