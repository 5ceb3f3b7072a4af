// What another machine needs to go on with a run: its journal as of the last thing
// that was made, bought or decided, and by hash the bytes that it rests on. They
// are artifacts of the run's organisation, and the log names them.
//
// HND-1  The log names a journal only after everything that it names is stored.
// HND-2  A step that is in no such journal is done again; its key finds what was done.
// HND-3  Who goes on has the latest journal of all, whoever wrote it.
// Held by handover.test.ts and, on the real runtime, by the command line's run-elsewhere.e2e.test.ts.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isOpen, printJournal, type Attempt, type Journal, type Order } from "./journal.ts";
import { patchFile, readLayer, sha256Of, workspaceFolder } from "./run-files.ts";
import type { Session } from "./session.ts";
import { KEPT } from "./take-over.ts";

/** Store what is new since the last time. Throws what the runtime refuses. */
export async function keepForOthers(session: Session): Promise<void> {
  const { hold, journal, log, signal, uploads } = session;
  await storeInputs(session);
  const bytes = Buffer.from(printJournal(portable(journal.current)));
  const sha256 = sha256Of(bytes);
  if (sha256 === journal.current.kept) return;
  await uploads.put(bytes);
  const inputs = inputsOf(journal.current);
  await log.append(KEPT, { sha256, bytes: bytes.length, epoch: Number(hold.epoch), inputs }, signal);
  await journal.save({ kept: sha256 });
}

/** What the journal rests on, by hash: the runtime keeps it for whoever goes on. */
function inputsOf({ attempts, bundleSha256, layers = [] }: Journal): string[] {
  if (bundleSha256 === undefined) return [];
  const patches = attempts.flatMap(({ patchSha256 = [] }) => patchSha256);
  return [...new Set([bundleSha256, ...layers.map(({ sha256 }) => sha256), ...patches])];
}

/** The base and its layers once, and each attempt's patch. */
async function storeInputs({ folder, journal, uploads }: Session): Promise<void> {
  const { attempts, base, bundleSha256, layers = [] } = journal.current;
  const patched = attempts.findLastIndex(({ patchSha256 }) => patchSha256 !== undefined);
  if (patched < 0 || base === undefined) return;
  if (!uploads.has(attempts[patched]?.patchSha256))
    await uploads.put(await readFile(patchFile(folder, patched + 1)));
  if (bundleSha256 !== undefined) return;
  for (const { sha256 } of layers) await uploads.put(await readLayer(folder, sha256));
  const bundle = await readFile(join(workspaceFolder(folder), "base.bundle"));
  await journal.save({ bundleSha256: await uploads.put(bundle) });
}

/**
 * The journal as another machine can use it: without what is on this one only. A
 * turn of the agent whose patch is not kept is one that has not been. What was
 * quoted may have been reserved, which its key tells.
 */
export function portable(journal: Journal): Journal {
  const { runId, createdAtMs, request, base, bundleSha256, check, checkPaths, layers, ending } = journal;
  const isMade = bundleSha256 !== undefined && base !== undefined;
  const made = {
    ...(isMade ? { base, bundleSha256 } : {}),
    ...(isMade && check !== undefined ? { check } : {}),
    ...(isMade && checkPaths !== undefined ? { checkPaths } : {}),
    ...(isMade && layers !== undefined ? { layers } : {}),
  };
  const last = journal.attempts.length - 1;
  return {
    runId,
    createdAtMs,
    request,
    ...made,
    attempts: journal.attempts.map((attempt, index) =>
      portableAttempt(attempt, index === last && attempt.patchSha256 === undefined),
    ),
    ...(ending === undefined ? {} : { ending }),
  };
}

function portableAttempt({ agent, orders, ...attempt }: Attempt, isUnmade: boolean): Attempt {
  const kept = orders.map(portableOrder);
  return agent === undefined || isUnmade ? { ...attempt, orders: kept } : { ...attempt, agent, orders: kept };
}

function portableOrder(order: Order): Order {
  const isAsked = order.quote !== undefined && order.settlement === undefined && order.closed !== true;
  return isAsked && !isOpen(order) ? { ...order, reserving: true } : order;
}
