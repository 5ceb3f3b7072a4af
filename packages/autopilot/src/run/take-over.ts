// Going on with what another machine has begun: the latest journal that the run's
// log names, and the bytes that it rests on.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import { reading, type RuntimeClients } from "../clients.ts";
import type { Pause } from "../pause.ts";
import { openWorkspace, restoreWorkspace } from "../workspace/index.ts";
import { writeDurably } from "../write-durably.ts";
import { createJournal, parseJournal, type Journal } from "./journal.ts";
import { layerFile, patchFile, sha256Of, workspaceFolder } from "./run-files.ts";

/** The event that names a journal: its `sha256`, and the `epoch` of the lease that kept it. */
export const KEPT = "journal.kept";

const EVENTS_PER_PAGE = 500;

export type Elsewhere = {
  readonly clients: Pick<RuntimeClients, "runs" | "artifacts">;
  readonly pause: Pause;
  readonly runId: string;
  readonly folder: string;
  readonly signal: AbortSignal;
};

/**
 * Take the run's latest journal over that a lease after `epoch` has kept, with all
 * that it needs, in place of what is in the folder. False when there is none.
 * Throws `handover_damaged` when the bytes are not what the log says.
 */
export async function takeOver(elsewhere: Elsewhere, epoch: bigint): Promise<boolean> {
  const { folder, runId } = elsewhere;
  const sha256 = await findKept(elsewhere, epoch);
  if (sha256 === undefined) return false;
  const journal = parseJournal((await fetch(elsewhere, sha256)).toString("utf8"));
  if (journal.runId !== runId) throw damaged(`its journal is of ${journal.runId}`);
  // The journal is written last: without it, a next try begins anew.
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "layers"), { recursive: true, mode: 0o700 });
  await fetchFiles(elsewhere, journal);
  await createJournal(folder, { ...journal, kept: sha256 });
  return true;
}

async function findKept(elsewhere: Elsewhere, epoch: bigint): Promise<string | undefined> {
  const { clients, pause, runId, signal } = elsewhere;
  let found: string | undefined;
  for (let afterSeq = 0n; ;) {
    const request = { runId, afterSeq, limit: EVENTS_PER_PAGE };
    const page = await reading(() => clients.runs.listRunEvents(request, { signal }), signal, pause);
    for (const { eventType, payload } of page.events) {
      // What lies before is the other run's, and so are its journals.
      if (eventType === "run.forked") found = undefined;
      const { sha256, epoch: wroteAt } = payload;
      if (eventType !== KEPT || typeof sha256 !== "string" || typeof wroteAt !== "number") continue;
      if (BigInt(wroteAt) > epoch) found = sha256;
    }
    const last = page.events.at(-1);
    if (last === undefined || last.seq >= page.latestSeq) return found;
    afterSeq = last.seq;
  }
}

/** Patches, layers, and the workspace as the last patch left it. */
async function fetchFiles(elsewhere: Elsewhere, journal: Journal): Promise<void> {
  const { folder, signal } = elsewhere;
  const { attempts, base, bundleSha256, layers = [] } = journal;
  let last: Buffer | undefined;
  for (const [index, { patchSha256 }] of attempts.entries()) {
    if (patchSha256 === undefined) continue;
    last = await fetch(elsewhere, patchSha256);
    await writeDurably(patchFile(folder, index + 1), last);
  }
  for (const { sha256 } of layers)
    await writeDurably(layerFile(folder, sha256), await fetch(elsewhere, sha256));
  if (base === undefined || bundleSha256 === undefined) return;
  const bundle = await fetch(elsewhere, bundleSha256);
  await restoreWorkspace(bundle, base, workspaceFolder(folder), signal);
  if (last === undefined) return;
  const workspace = await openWorkspace(workspaceFolder(folder), base, signal);
  await workspace.applyPatch(last);
}

async function fetch({ clients, pause, signal }: Elsewhere, sha256: string): Promise<Buffer> {
  const read = () => clients.artifacts.getArtifact({ sha256 }, { signal });
  const { data } = await reading(read, signal, pause);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (sha256Of(bytes) !== sha256) throw damaged(`artifact ${sha256} has other bytes`);
  return bytes;
}

function damaged(why: string): AutopilotError {
  return new AutopilotError(
    "handover_damaged",
    `What the run left for another machine cannot be used: ${why}.`,
  );
}
